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
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/latency"
	"github.com/bandeja/inboxd/daemon/internal/sla"
)

// limitedOrgs is of how many orgs the use of limits is looked at: those with
// most work waiting.
const limitedOrgs = 20

// orgFacts is what is known of orgs by name.
type orgFacts struct {
	ids                      map[string]int64
	ready, under, dead, left map[string]int64
	times                    map[string]map[string]admin.TopTimes // by window
}

// slaOfOrg is the last hour of one org.
type slaOfOrg struct {
	met       *float64
	n         int64
	objective float64
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
		{&f.ready, []job.State{job.Ready}},
		{&f.under, []job.State{job.Dispatched, job.Running}},
		{&f.dead, []job.State{job.Dead}},
		{&f.left, []job.State{job.Uncertain}},
	} {
		if *part.into, err = c.countByOrg(ctx, part.states); err != nil {
			return err
		}
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

func (c *collector) countByOrg(ctx context.Context, states []job.State) (map[string]int64, error) {
	f := inspect.Filter{States: states}
	if c.orgID != 0 {
		f.OrgIDs = []int64{c.orgID}
	}
	counts, err := c.h.Jobs.JobCount(ctx, f, inspect.ByOrg)
	if err != nil {
		return nil, err
	}
	n := make(map[string]int64, len(counts))
	for _, x := range counts {
		n[x.Word] = x.N
	}
	return n, nil
}

func windowOf(word string) time.Duration {
	if d, err := time.ParseDuration(word); err == nil {
		return d
	}
	return 24 * time.Hour
}

func topTimes(t *latency.Times) admin.TopTimes {
	return admin.TopTimes{Wait: triple(t.Of(latency.Wait)), Run: triple(t.Of(latency.Run)), E2E: triple(t.Of(latency.E2E))}
}

func triple(h *latency.Histogram) admin.Triple {
	return admin.Triple(wirePercentiles(h))
}

// types reads the windows of memory: that costs no statement.
func (c *collector) types(ctx context.Context, now time.Time) []admin.TopLatency {
	byType := map[job.Type]*admin.TopLatency{}
	state := partState{at: now}
	for _, w := range admin.TopWindows() {
		answer, err := c.h.Latency.Latency(ctx, latency.Query{By: latency.ByType, Window: windowOf(w), OrgID: c.orgID})
		if err != nil {
			state.err, state.at = err, c.parts["latency"].at
			break
		}
		for _, g := range answer.Groups {
			t := byType[g.Type]
			if t == nil {
				t = &admin.TopLatency{ID: g.Type.String(), Name: g.Type.String(), Windows: map[string]admin.TopTimes{}}
				byType[g.Type] = t
			}
			t.Windows[w] = topTimes(g.Times)
		}
	}
	if c.parts == nil {
		c.parts = map[string]partState{}
	}
	c.parts["latency"] = state
	all := []admin.TopLatency{}
	for _, t := range job.Types() {
		if found := byType[t]; found != nil {
			all = append(all, *found)
		}
	}
	return all
}

func (c *collector) queues(ctx context.Context, s admin.Status) []admin.TopQueue {
	all := make([]admin.TopQueue, 0, len(s.Queues))
	for _, q := range s.Queues {
		w := admin.TopQueue{
			ID: q.ID, Name: q.Name, Ready: q.Ready, Running: q.Running, Dispatched: q.Dispatched, Retrying: q.Retrying, Scheduled: q.Scheduled,
			Held: q.Held, Uncertain: q.Uncertain, Dead: q.Dead, OldestReadyMS: q.OldestReadyMS, InPerS: q.InPerS, OutPerS: q.DonePerS,
			Wait: admin.Triple{N: q.Latency.Wait.N, P50MS: q.Latency.Wait.P50MS, P95MS: q.Latency.Wait.P95MS, P99MS: q.Latency.Wait.P99MS},
			Dial: q.Dial, DrainsMS: drainsMS(q),
		}
		if q.Holds != nil {
			w.Holds = *q.Holds
		}
		w.Paused = c.pausedQueue(q.Name)
		all = append(all, w)
	}
	c.failRates(ctx, all)
	slices.SortStableFunc(all, func(a, b admin.TopQueue) int { return cmp.Compare(worry(b), worry(a)) })
	return all
}

// failRates are the attempts of the last minute that did not end their job.
func (c *collector) failRates(ctx context.Context, queues []admin.TopQueue) {
	answer, err := c.h.Latency.Latency(ctx, latency.Query{By: latency.ByQueue, Window: time.Minute, OrgID: c.orgID})
	if err != nil {
		return
	}
	for i := range queues {
		none := 0.0
		queues[i].FailPerS = &none
		for _, g := range answer.Groups {
			if g.Queue.String() == queues[i].Name {
				rate := float64(max(g.Times.Of(latency.Run).N()-g.Times.Of(latency.E2E).N(), 0)) / time.Minute.Seconds()
				queues[i].FailPerS = &rate
			}
		}
	}
}

// drainsMS is how long the backlog lasts at the rate it shrinks now.
func drainsMS(q admin.Queue) *int64 {
	if q.Ready == 0 || q.InPerS == nil || q.DonePerS == nil {
		return nil
	}
	ms, shrinks := int64(-1), *q.DonePerS-*q.InPerS
	switch {
	case float64(q.Ready) <= *q.DonePerS: // less than a second of work is no backlog
		ms = 0
	case shrinks > 0.01:
		ms = int64(1000 * float64(q.Ready) / shrinks)
	case shrinks > -0.01: // it stands: held, or out of tokens
		return nil
	}
	return &ms
}

// worry sorts what needs a look first.
func worry(q admin.TopQueue) int64 {
	switch {
	case q.Paused == nil && q.OldestReadyMS != nil && *q.OldestReadyMS >= 15_000:
		return *q.OldestReadyMS
	case q.Dead+q.Uncertain > 0:
		return 1
	}
	return 0
}

// pausedQueue is the hold on a whole queue, if there is one.
func (c *collector) pausedQueue(name string) *admin.TopHold {
	if c.h.Snapshot == nil {
		return nil
	}
	for _, h := range c.h.visibleHolds(caller{orgID: c.orgID}, c.h.Snapshot()) {
		if h.OrgID == 0 && h.Type == 0 && h.Queue.String() == name {
			return topHold(h)
		}
	}
	return nil
}

func workersOf(all []admin.Process) []admin.TopWorker {
	workers := make([]admin.TopWorker, 0, len(all))
	for _, p := range all {
		w := admin.TopWorker{
			ID: p.ID, Host: p.Host, PID: p.PID, Mode: p.Mode, Version: p.Version, State: "ok", Slots: p.Slots, BeatAgeMS: p.BeatAgeMS, StartedAt: p.StartedAt,
		}
		if p.Running != nil {
			w.Busy = *p.Running
		}
		switch {
		case p.BeatAgeMS >= silentAfter.Milliseconds():
			w.State = "silent"
		case p.Draining:
			w.State = "draining"
		}
		workers = append(workers, w)
	}
	rank := map[string]int{"silent": 0, "draining": 1, "ok": 2}
	slices.SortStableFunc(workers, func(a, b admin.TopWorker) int { return cmp.Compare(rank[a.State], rank[b.State]) })
	return workers
}

// silentAfter is from when a beat is late enough for somebody to look.
const silentAfter = 10 * time.Second

// orgRows are the orgs, most work waiting first.
func (c *collector) orgRows(now time.Time) []admin.TopOrg {
	f, under := c.orgs, int64(0)
	for _, n := range f.under {
		under += n
	}
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
			Weight: 1, Windows: f.times[name], Holds: holds[id], Paused: paused[id], TopLimit: fullest[name],
		}
		if c.h.Snapshot != nil {
			o.Weight = c.h.Snapshot().Weight(id, now)
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

func topHold(h control.Hold) *admin.TopHold {
	return &admin.TopHold{ID: idOf(h.ID), Owner: h.Owner, Reason: word(h.Reason), Since: h.CreatedAt.UTC(), Until: timeWord(h.ExpiresAt)}
}

func (c *collector) readSLA(ctx context.Context, now time.Time) error {
	if c.h.SLA == nil {
		return inbox.Faultf(inbox.Temporary, "no_sla", "this server has no figures of answers")
	}
	q := sla.Question{OrgID: c.orgID, By: sla.ByOrg, Span: sla.Span{From: now.Add(-time.Hour), To: now.Add(time.Minute)}, Now: now}
	byOrg, err := c.h.SLA.SLAFigures(ctx, q)
	if err != nil {
		return err
	}
	slas := make(map[string]slaOfOrg, len(byOrg))
	for _, f := range byOrg {
		o := slaOfOrg{objective: f.Objective, n: f.N()}
		if met, known := f.Compliance(); known {
			o.met = &met
		}
		slas[f.Org] = o
	}
	q.By = sla.ByUser
	byUser, err := c.h.SLA.SLAFigures(ctx, q)
	if err != nil {
		return err
	}
	c.slas, c.users = slas, make([]admin.TopUser, 0, len(byUser))
	for _, f := range byUser {
		c.users = append(c.users, topUser(f))
	}
	return nil
}

func topUser(f sla.Figures) admin.TopUser {
	u := admin.TopUser{
		ID: f.Org + "/" + cmp.Or(f.User, string(f.Who)), Org: f.Org, Name: cmp.Or(f.User, string(f.Who)), N: f.N(), Objective: f.Objective,
		TargetMS: f.Target.Milliseconds(), Misses: f.Missed, Pending: f.Pending, AtRisk: f.Risky, Overdue: f.Overdue,
	}
	if met, known := f.Compliance(); known {
		u.Met = &met
		if budget := 1 - f.Objective; budget > 0 {
			burnt := (1 - met) / budget
			u.Burnt = &burnt
		}
	}
	if len(f.Responses) > 0 {
		p50, p95, worst := float64(f.P50.Milliseconds()), float64(f.P95.Milliseconds()), f.Worst.Milliseconds()
		u.P50MS, u.P95MS, u.WorstMS = &p50, &p95, &worst
	}
	return u
}

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

// minuteAgo is how many points of the series a minute has.
const minuteAgo = int(time.Minute / topIdle)

// vitals sum the queues up.
func (c *collector) vitals(t admin.Top) (v admin.Vitals) {
	sum := func(into **float64, x *float64) {
		if x == nil {
			return
		}
		if *into == nil {
			*into = new(float64)
		}
		**into += *x
	}
	for _, q := range t.Queues {
		v.Depth += q.Ready + q.Scheduled + q.Dispatched + q.Held
		if q.OldestReadyMS != nil && (v.OldestReadyMS == nil || *q.OldestReadyMS > *v.OldestReadyMS) {
			v.OldestReadyMS = q.OldestReadyMS
		}
		sum(&v.InPerS, q.InPerS)
		sum(&v.OutPerS, q.OutPerS)
		sum(&v.FailPerS, q.FailPerS)
		if (q.Name == "whatsapp" || q.Name == "instagram") && q.Wait.P95MS != nil && (v.P95MS == nil || *q.Wait.P95MS > *v.P95MS) {
			v.P95MS = q.Wait.P95MS
		}
	}
	if n := len(c.series.points); n > minuteAgo {
		v.DepthTrend = cmp.Compare(v.Depth, c.series.points[n-1-minuteAgo].depth)
	}
	for _, w := range t.Workers {
		v.Slots, v.SlotsBusy = v.Slots+w.Slots, v.SlotsBusy+w.Busy
	}
	var n, met int64
	for _, u := range c.users {
		n, met = n+u.N, met+u.N-u.Misses
		objective := u.Objective
		v.SLAObjective = &objective
	}
	if n > 0 {
		share := float64(met) / float64(n)
		v.SLA = &share
	}
	return v
}
