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

// orgFacts is what is known of orgs. It is not changed once it is made.
type orgFacts struct {
	at               time.Time
	ids              map[string]int64 // by name
	loads            map[int64]orgLoad
	times            map[string]map[string]admin.TopTimes // by name and window
	topOrg, topError map[string]*admin.TopName            // by queue: most of what is ready, and of what is dead
}

// orgLoad is what an org has to do. Oldest is nil if nothing is ready.
type orgLoad struct {
	ready, under, dead, left int64
	oldest                   *int64 // milliseconds
}

func (c *collector) readOrgs(ctx context.Context, now time.Time) error {
	orgs, err := c.h.visibleOrgs(ctx, caller{orgID: c.orgID})
	if err != nil {
		return err
	}
	f := orgFacts{at: now, ids: make(map[string]int64, len(orgs)), loads: map[int64]orgLoad{}, times: map[string]map[string]admin.TopTimes{}}
	names := make(map[int64]string, len(orgs))
	for _, o := range orgs {
		f.ids[o.Name], names[o.ID] = o.ID, o.Name
	}
	loads, err := c.h.Jobs.OrgLoads(ctx, c.orgID)
	if err != nil {
		return err
	}
	f.add(loads, names)
	if f.topError, err = c.topErrors(ctx); err != nil {
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
	c.orgs.Store(&f)
	return nil
}

// add sums up what each org has to do, and who has most of what is ready in each
// queue.
func (f *orgFacts) add(loads []inspect.OrgLoad, names map[int64]string) {
	ready := map[string][]inspect.Count{}
	for _, x := range loads {
		o := f.loads[x.OrgID]
		switch x.State {
		case job.Ready:
			o.ready += x.N
			if x.Oldest != nil {
				age := x.Oldest.Milliseconds()
				if o.oldest != nil {
					age = max(age, *o.oldest)
				}
				o.oldest = &age
			}
			ready[x.Queue.String()] = append(ready[x.Queue.String()], inspect.Count{Word: names[x.OrgID], N: x.N})
		case job.Dead:
			o.dead += x.N
		case job.Uncertain:
			o.left += x.N
		case job.Scheduled, job.Dispatched, job.Running, job.Held:
			o.under += x.N
		}
		f.loads[x.OrgID] = o
	}
	f.topOrg = make(map[string]*admin.TopName, len(ready))
	for queue, counts := range ready {
		slices.SortFunc(counts, func(a, b inspect.Count) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Word, b.Word)) })
		f.topOrg[queue] = biggest(counts)
	}
}

// topErrors names what most of the dead jobs of each queue died of.
func (c *collector) topErrors(ctx context.Context) (map[string]*admin.TopName, error) {
	top := map[string]*admin.TopName{}
	status, _ := c.h.status.snapshot(ctx, c.orgID)
	for _, q := range status.Queues {
		queue, known := job.ParseQueue(q.Name)
		if !known || q.Dead == 0 {
			continue
		}
		f := inspect.Filter{Queues: []job.Queue{queue}, States: []job.State{job.Dead}}
		if c.orgID != 0 {
			f.OrgIDs = []int64{c.orgID}
		}
		counts, err := c.h.Jobs.JobCount(ctx, f, inspect.ByError)
		if err != nil {
			return nil, err
		}
		top[q.Name] = biggest(counts)
	}
	return top, nil
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

// orgRows are the orgs, most work waiting first.
func (c *collector) orgRows(now time.Time) []admin.TopOrg {
	f, under := c.facts(), int64(0)
	for _, o := range f.loads {
		under += o.under
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
		load := f.loads[id]
		o := admin.TopOrg{
			ID: idOf(id), Name: name, Ready: load.ready, OldestReadyMS: load.oldest, Running: load.under, Dead: load.dead, Uncertain: load.left,
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

// facts are those of the last look; nothing is known before the first.
func (c *collector) facts() *orgFacts {
	if f := c.orgs.Load(); f != nil {
		return f
	}
	return &orgFacts{}
}

// weights are those of the orgs that have work, and of all of them together under
// the empty name.
func (c *collector) weights(now time.Time) map[string]int {
	weights := map[string]int{}
	f := c.facts()
	for name, id := range f.ids {
		if o := f.loads[id]; o.ready+o.under == 0 {
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
