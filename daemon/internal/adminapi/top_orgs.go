package adminapi

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/latency"
)

// orgFacts is what is known of orgs by name.
type orgFacts struct {
	ids                      map[string]int64
	ready, under, dead, left map[string]int64
	times                    map[string]map[string]admin.TopTimes // by window
	topOrg, topError         map[string]*admin.TopName            // by queue: most of what is ready, and of what is dead
}

func (c *collector) readOrgs(ctx context.Context, _ time.Time) error {
	orgs, err := c.h.visibleOrgs(ctx, caller{orgID: c.orgID})
	if err != nil {
		return err
	}
	f := orgFacts{ids: make(map[string]int64, len(orgs)), times: map[string]map[string]admin.TopTimes{}}
	for _, o := range orgs {
		f.ids[o.Name] = o.ID
	}
	for _, part := range []struct {
		into   *map[string]int64
		states []job.State
	}{
		{&f.under, []job.State{job.Dispatched, job.Running}},
		{&f.dead, []job.State{job.Dead}},
		{&f.left, []job.State{job.Uncertain}},
	} {
		if *part.into, err = c.countByOrg(ctx, part.states); err != nil {
			return err
		}
	}
	if err := c.countByQueue(ctx, &f); err != nil {
		return err
	}
	for _, w := range []string{"1m", "5m", "15m", "1h"} { // a day of single orgs is not in memory
		answer, err := c.h.Latency.Latency(ctx, latency.Query{By: latency.ByOrg, Window: windowOf(w), OrgID: c.orgID, Limit: admin.TopRows})
		if err != nil { // it is rebuilt after a start: the rest does not wait for that
			c.h.Logger.DebugContext(ctx, "times of orgs are not known yet", "error", err)
			break
		}
		for _, g := range answer.Groups {
			if f.times[g.Org] == nil {
				f.times[g.Org] = map[string]admin.TopTimes{}
			}
			f.times[g.Org][w] = topTimes(g.Times)
		}
	}
	c.orgs = f
	return nil
}

// countByQueue counts what is ready by org, and what is dead by error, of each
// queue that has any.
func (c *collector) countByQueue(ctx context.Context, f *orgFacts) error {
	f.ready, f.topOrg, f.topError = map[string]int64{}, map[string]*admin.TopName{}, map[string]*admin.TopName{}
	status, _ := c.h.status.snapshot(ctx, c.orgID)
	for _, q := range status.Queues {
		queue, known := job.ParseQueue(q.Name)
		if !known {
			continue
		}
		if q.Ready > 0 {
			counts, err := c.counts(ctx, inspect.Filter{Queues: []job.Queue{queue}, States: []job.State{job.Ready}}, inspect.ByOrg)
			if err != nil {
				return err
			}
			f.topOrg[q.Name] = biggest(counts)
			for _, x := range counts {
				f.ready[x.Word] += x.N
			}
		}
		if q.Dead > 0 {
			counts, err := c.counts(ctx, inspect.Filter{Queues: []job.Queue{queue}, States: []job.State{job.Dead}}, inspect.ByError)
			if err != nil {
				return err
			}
			f.topError[q.Name] = biggest(counts)
		}
	}
	return nil
}

// biggest is the first of counts that has a name, and its share of all; nil if
// there is none.
func biggest(counts []inspect.Count) (top *admin.TopName) {
	var all int64
	for _, x := range counts {
		all += x.N
	}
	for _, x := range counts {
		if x.Word != "" && all > 0 {
			return &admin.TopName{Name: x.Word, Share: float64(x.N) / float64(all)}
		}
	}
	return nil
}

func (c *collector) counts(ctx context.Context, f inspect.Filter, by inspect.By) ([]inspect.Count, error) {
	if c.orgID != 0 {
		f.OrgIDs = []int64{c.orgID}
	}
	return c.h.Jobs.JobCount(ctx, f, by)
}

func (c *collector) countByOrg(ctx context.Context, states []job.State) (map[string]int64, error) {
	counts, err := c.counts(ctx, inspect.Filter{States: states}, inspect.ByOrg)
	if err != nil {
		return nil, err
	}
	n := make(map[string]int64, len(counts))
	for _, x := range counts {
		n[x.Word] = x.N
	}
	return n, nil
}

// orgRows are the orgs, most work waiting first.
func (c *collector) orgRows(now time.Time) []admin.TopOrg {
	f, under := c.orgs, int64(0)
	for _, n := range f.under {
		under += n
	}
	weights := c.weights(now)
	holds, paused := c.holdsByOrg()
	fullest := map[string]*admin.TopName{}
	for _, l := range c.limits {
		if l.Used == nil || l.Max == 0 {
			continue
		}
		if share := float64(*l.Used) / float64(l.Max); fullest[l.Org] == nil || share > fullest[l.Org].Share {
			fullest[l.Org] = &admin.TopName{Name: l.Name, Share: share}
		}
	}
	all := make([]admin.TopOrg, 0, len(f.ids))
	for name, id := range f.ids {
		o := admin.TopOrg{
			ID: idOf(id), Name: name, Ready: f.ready[name], Running: f.under[name], Dead: f.dead[name], Uncertain: f.left[name],
			Weight: cmp.Or(weights[name], 1), Windows: f.times[name], Holds: holds[id], Paused: paused[id], TopLimit: fullest[name],
		}
		if w := weights[name]; w > 0 {
			fair := float64(w) / float64(weights[""])
			o.FairShare = &fair
		}
		if under > 0 {
			share := float64(o.Running) / float64(under)
			o.Share = &share
		}
		if t, known := o.Windows["1m"]; known {
			rate := float64(t.E2E.N) / time.Minute.Seconds()
			o.OutPerS = &rate
		}
		if s, known := c.slas[name]; known {
			objective := s.objective
			o.SLA, o.SLAObjective, o.Answers = s.met, &objective, s.n
		}
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b admin.TopOrg) int {
		return cmp.Or(cmp.Compare(b.Ready, a.Ready), cmp.Compare(b.Running, a.Running), cmp.Compare(b.Dead, a.Dead), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// weights are those of the orgs that have work, and of all of them together under
// the empty name.
func (c *collector) weights(now time.Time) map[string]int {
	weights := map[string]int{}
	for name, id := range c.orgs.ids {
		if c.orgs.ready[name]+c.orgs.under[name] == 0 {
			continue
		}
		weights[name] = 1
		if c.h.Snapshot != nil {
			weights[name] = c.h.Snapshot().Weight(id, now)
		}
		weights[""] += weights[name]
	}
	return weights
}

// holdsByOrg counts the holds of each org, and names the one on all of its work.
func (c *collector) holdsByOrg() (n map[int64]int, whole map[int64]*admin.TopHold) {
	n, whole = map[int64]int{}, map[int64]*admin.TopHold{}
	if c.h.Snapshot == nil {
		return n, whole
	}
	for _, h := range c.h.visibleHolds(caller{orgID: c.orgID}, c.h.Snapshot()) {
		if h.OrgID == 0 {
			continue
		}
		n[h.OrgID]++
		if h.Queue == 0 && h.Type == 0 && whole[h.OrgID] == nil {
			whole[h.OrgID] = topHold(h)
		}
	}
	return n, whole
}
