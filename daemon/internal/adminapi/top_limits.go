package adminapi

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// limitedOrgs is of how many orgs the use of limits is looked at: those with
// most work waiting.
const limitedOrgs = 20

// readLimits looks at the sends of the orgs with most work, fullest first.
func (c *collector) readLimits(ctx context.Context, now time.Time) error {
	if c.h.Usage == nil || c.h.Snapshot == nil {
		return inbox.Faultf(inbox.Temporary, "no_limits", "this server does not know how much of a limit is in use")
	}
	orgs, s := c.orgRows(now), c.h.Snapshot()
	status, _ := c.h.status.snapshot(ctx, c.orgID)
	throttled := map[string]bool{}
	for _, t := range status.Throttled {
		throttled[t.Org+"/"+t.Name] = true
	}
	limits := []admin.TopLimit{}
	for _, o := range orgs[:min(len(orgs), limitedOrgs)] {
		id, err := strconv.ParseInt(o.ID, 10, 64)
		if err != nil {
			continue
		}
		for _, a := range []job.Action{job.ActionSendText, job.ActionSendTemplate} {
			l := c.limit(ctx, s, o, id, a, now)
			if waiting := o.Ready; throttled[l.ID] { // also bulk, which has a share of it only
				l.Waiting = &waiting
			}
			limits = append(limits, l)
		}
	}
	share := func(l admin.TopLimit) float64 {
		if l.Used == nil || l.Max == 0 {
			return -1
		}
		return float64(*l.Used) / float64(l.Max)
	}
	slices.SortStableFunc(limits, func(a, b admin.TopLimit) int { return cmp.Compare(share(b), share(a)) })
	c.limits = limits
	return nil
}

func (c *collector) limit(ctx context.Context, s *control.Snapshot, o admin.TopOrg, id int64, a job.Action, now time.Time) admin.TopLimit {
	r := s.Rate(id, a, now)
	l := admin.TopLimit{ID: o.Name + "/" + string(a), Org: o.Name, Name: string(a), Max: r.N, WindowMS: r.Window.Milliseconds(), Source: admin.SourceDefault}
	if set, own := s.Limit(id, string(a), now); own {
		l.Source, l.Owner = admin.SourceOwn, word(set.Owner)
		if !set.ExpiresAt.IsZero() {
			l.Source, l.Until = admin.SourceTemporary, timeWord(set.ExpiresAt)
		}
	}
	use, known := c.h.Usage.Sent(ctx, id, a, r)
	if !known {
		return l
	}
	l.Used = &use.Used
	none := int64(0)
	l.Waiting = &none
	if use.Used >= r.N {
		ms := use.Reset.Milliseconds()
		l.ResetMS = &ms
	}
	return l
}
