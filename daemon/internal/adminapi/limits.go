package adminapi

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// limitPage is how many orgs one page of limits shows.
const limitPage = 500

// listLimits pages by name: the cursor is the last org seen.
func (h *handler) listLimits(ctx context.Context, c *call) (any, error) {
	s, err := h.Control.LoadControl(ctx)
	if err != nil {
		return nil, err
	}
	if name := c.query.Get("org"); name != "" {
		org, err := h.org(ctx, c.caller, name)
		if err != nil {
			return nil, err
		}
		limits := h.limitsOf(s, org)
		h.addUse(ctx, org, limits)
		return list(h, "limits", limits), nil
	}
	orgs, err := h.visibleOrgs(ctx, c.caller)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(orgs, func(a, b inbox.Org) int { return strings.Compare(a.Name, b.Name) })
	cursor := c.query.Get("cursor")
	orgs = slices.DeleteFunc(orgs, func(o inbox.Org) bool { return o.Name <= cursor })
	answer := list(h, "limits", []admin.Limit(nil))
	if len(orgs) > limitPage {
		orgs = orgs[:limitPage]
		answer.Next = word(orgs[limitPage-1].Name)
	}
	for _, o := range orgs {
		answer.Items = append(answer.Items, h.limitsOf(s, o)...)
	}
	return answer, nil
}

// limitsOf returns every limit of one org as it is now.
func (h *handler) limitsOf(s *control.Snapshot, org inbox.Org) []admin.Limit {
	var all []admin.Limit
	for _, name := range control.Names() {
		all = append(all, wireLimit(s, org, name, h.Now()))
	}
	return all
}

func wireLimit(s *control.Snapshot, org inbox.Org, name string, now time.Time) admin.Limit {
	w := admin.Limit{ID: org.Name + "/" + name, Name: name, Org: org.Name, Source: admin.SourceDefault}
	lasting, own := s.Lasting(org.ID, name)
	if !own {
		lasting = defaultLimit(name)
	}
	l, set := s.Limit(org.ID, name, now)
	if !set {
		l = lasting
	}
	w.Value, w.WindowMS = wireValue(l)
	if set {
		w.Source, w.Owner, w.Reason, w.SetAt = admin.SourceOwn, word(l.Owner), word(l.Reason), timeWord(l.SetAt)
	}
	if w.ExpiresAt = timeWord(l.ExpiresAt); w.ExpiresAt != nil {
		w.Source = admin.SourceTemporary
		w.LastingValue, w.LastingWindowMS = wireValue(lasting)
	}
	return w
}

// defaultLimit is what an org has that nobody set anything for. No concurrency
// is no bound.
func defaultLimit(name string) control.Limit {
	switch name {
	case control.Concurrency:
		return control.Limit{Name: name}
	case control.Weight:
		return control.Limit{Name: name, Value: 1}
	}
	r := job.DefaultRate(job.Action(name))
	return control.Limit{Name: name, Value: r.N, Window: r.Window}
}

func wireValue(l control.Limit) (value *int, windowMS *int64) {
	if l.Name == control.Concurrency && l.Value == 0 {
		return nil, nil
	}
	if l.Window != 0 {
		ms := l.Window.Milliseconds()
		windowMS = &ms
	}
	return &l.Value, windowMS
}

// setLimits answers when every process has applied the new values.
func (h *handler) setLimits(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.LimitSet](c)
	if err != nil {
		return nil, err
	}
	limits, err := readLimits(r)
	if err != nil {
		return nil, err
	}
	lasts, err := readLasts(r.LastsMS)
	if err != nil {
		return nil, err
	}
	org, err := h.ownOrg(ctx, c.caller, r.Org)
	if err != nil {
		return nil, err
	}
	now := h.Now()
	for i := range limits {
		limits[i].OrgID, limits[i].Owner, limits[i].Reason = org.ID, c.caller.name, r.Reason
	}
	return h.changeLimits(ctx, c, org, r.DryRun, func() (int64, error) {
		return h.Control.SetLimits(ctx, limits, lasts)
	}, func(s *control.Snapshot) *control.Snapshot { return s.WithLimits(limits, lasts, now) })
}

// readLimits reads the values in the order of their names.
func readLimits(r admin.LimitSet) (limits []control.Limit, err error) {
	if len(r.Values) == 0 {
		return nil, inbox.Faultf(inbox.Invalid, "no_limit", "say which limit to set, such as send_text=120/min")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Values)) {
		value, window, err := admin.ParseLimit(name, r.Values[name])
		if err != nil {
			return nil, err
		}
		limits = append(limits, control.Limit{Name: name, Value: value, Window: window})
	}
	return limits, nil
}

func (h *handler) resetLimits(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.LimitReset](c)
	if err != nil {
		return nil, err
	}
	for _, name := range r.Names {
		if !slices.Contains(control.Names(), name) {
			return nil, unknownWord(inbox.Invalid, "limit", name, control.Names())
		}
	}
	org, err := h.ownOrg(ctx, c.caller, r.Org)
	if err != nil {
		return nil, err
	}
	reset := control.LimitReset{OrgID: org.ID, Names: r.Names, Temporary: r.Temporary, Owner: c.caller.name, Reason: r.Reason}
	return h.changeLimits(ctx, c, org, r.DryRun, func() (int64, error) {
		_, version, err := h.Control.ResetLimits(ctx, reset)
		return version, err
	}, func(s *control.Snapshot) *control.Snapshot { return s.WithoutLimits(reset) })
}

// changeLimits shows the limits of an org before and after a change; a dry run
// only imagines it.
func (h *handler) changeLimits(ctx context.Context, c *call, org inbox.Org, dryRun bool, change func() (int64, error),
	imagine func(*control.Snapshot) *control.Snapshot,
) (any, error) {
	s, err := h.Control.LoadControl(ctx)
	if err != nil {
		return nil, err
	}
	result := admin.LimitResult{DryRun: dryRun, Org: org.Name, Before: h.limitsOf(s, org)}
	if dryRun {
		result.Limits = h.limitsOf(imagine(s), org)
		return one(h, "limits", result), nil
	}
	version, err := change()
	if err != nil {
		return nil, err
	}
	if s, err = h.Control.LoadControl(ctx); err != nil {
		return nil, err
	}
	result.Limits, result.Applied = h.limitsOf(s, org), h.applied(ctx, c.caller, version)
	return one(h, "limits", result), nil
}
