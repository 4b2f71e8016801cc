package adminapi

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/latency"
)

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
	all, known := make([]admin.TopQueue, 0, len(s.Queues)), c.facts()
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
		w.Paused, w.TopOrg, w.TopError = c.pausedQueue(q.Name), known.topOrg[q.Name], known.topError[q.Name]
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
		return 2
	case q.Ready > 0 && q.Paused != nil: // on purpose, but customers wait
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
			ID: p.ID, Host: p.Host, PID: p.PID, Mode: p.Mode, Version: p.Version, State: "ok", Slots: p.Slots, BeatAgeMS: p.BeatAgeMS, StartedAt: p.StartedAt, Mostly: p.Mostly,
		}
		if p.Running != nil {
			w.Busy = *p.Running
		}
		switch {
		case p.BeatAgeMS >= silentAfter.Milliseconds():
			w.State = "silent"
		case p.Draining && p.DrainedBy == nil:
			w.State = "leaving"
		case p.Draining && w.Busy == 0:
			w.State = "drained"
		case p.Draining:
			w.State = "draining"
		}
		workers = append(workers, w)
	}
	rank := map[string]int{"silent": 0, "draining": 1, "leaving": 1, "drained": 1, "ok": 2}
	slices.SortStableFunc(workers, func(a, b admin.TopWorker) int { return cmp.Compare(rank[a.State], rank[b.State]) })
	return workers
}

// silentAfter is from when a beat is late enough for somebody to look.
const silentAfter = 10 * time.Second

func topHold(h control.Hold) *admin.TopHold {
	return &admin.TopHold{ID: idOf(h.ID), Owner: h.Owner, Reason: word(h.Reason), Since: h.CreatedAt.UTC(), Until: timeWord(h.ExpiresAt)}
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
	promised := 0.0
	for _, u := range c.users {
		n, met, promised = n+u.N, met+u.N-u.Misses, promised+float64(u.N)*u.Objective
	}
	if n > 0 { // judged by what was promised to those who asked
		share, objective := float64(met)/float64(n), promised/float64(n)
		v.SLA, v.SLAObjective = &share, &objective
	}
	return v
}
