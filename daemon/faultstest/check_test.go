package faultstest_test

import (
	"fmt"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// finding is something that must not be. At is when it happened, as near as we
// know, so that the fault before it can be named.
type finding struct {
	sort sort
	at   time.Time
	text string
}

// sort is the column of the table a finding counts in.
type sort int

const (
	lost sort = iota
	doubled
	disordered
	otherwise
)

func found(s sort, at time.Time, format string, args ...any) finding {
	return finding{s, at, fmt.Sprintf(format, args...)}
}

// check holds the invariants against the books, given the accepted jobs and all
// lives of processes.
func (b *books) check(accepted []int64, lives []life) (all []finding) {
	all = append(all, b.checkAccepted(accepted)...)
	all = append(all, b.checkInbound()...)
	all = append(all, b.checkSentOnce()...)
	all = append(all, b.checkRuns()...)
	all = append(all, b.checkOrder()...)
	all = append(all, b.checkAttempts()...)
	return append(all, b.checkDeaths(lives)...)
}

// checkAnswers: what the API said under faults, and whether a process ended by
// itself (a panic, a data race).
func (r *rig) checkAnswers() (all []finding) {
	for _, text := range r.journal.complaints() {
		all = append(all, found(otherwise, time.Time{}, "%s", text))
	}
	for status, n := range r.webhook.answers() {
		if status/100 != 2 && status != 503 {
			all = append(all, found(otherwise, time.Time{}, "%d webhooks were answered %d", n, status))
		}
	}
	for _, l := range r.lives() {
		if l.ended && !l.excused {
			all = append(all, found(otherwise, time.Time{}, "%s (process %d) ended by itself: %v", l.name, l.pid, l.how))
		}
	}
	return all
}

func (r *rig) lives() (all []life) {
	for _, p := range r.processes() {
		all = append(all, p.history()...)
	}
	return all
}

// checkAccepted (I1): each accepted job is in exactly one place, and nothing is
// under way any more.
func (b *books) checkAccepted(jobs []int64) (all []finding) {
	for _, id := range jobs {
		if n := len(b.byJob[id]); n != 1 {
			all = append(all, found(lost, time.Time{}, "accepted job %d is in %d places", id, n))
		}
	}
	for _, e := range b.entries {
		switch {
		case e.Past, e.State == job.Uncertain, e.State == job.Held, e.State == job.Dead:
		default:
			all = append(all, found(lost, time.Time{}, "job %d is still %s", e.ID, e.State))
		}
	}
	return all
}

// checkInbound (I1): what was in a webhook that got 200 is stored.
func (b *books) checkInbound() (all []finding) {
	for _, m := range b.inbound {
		if m.OKPosts > 0 && !b.stored[m.ProviderID] {
			all = append(all, found(lost, m.OKAt, "inbound message %s got 200 and is not stored", m.ProviderID))
		}
	}
	return all
}

// The outcomes of jobs in history, as entries have them.
const (
	done      job.State = -1
	cancelled job.State = -2
)

// checkSentOnce (I2, I9): the customer has no job's message twice; a job that
// is done was sent, one that is dead or cancelled was not.
func (b *books) checkSentOnce() (all []finding) {
	sent := map[string]int{}
	for _, s := range b.sends {
		if !s.IsAccepted() {
			continue
		}
		if sent[s.Job]++; sent[s.Job] == 2 {
			all = append(all, found(doubled, s.At, "job %s was sent again as %s", s.Job, s.RequestID))
		}
	}
	for _, e := range b.entries {
		if n := sent[strconv.FormatInt(e.ID, 10)]; e.State == done && n == 0 {
			all = append(all, found(lost, *e.EndedAt, "job %d is done and was never sent", e.ID))
		} else if (e.State == job.Dead || e.State == cancelled) && n > 0 {
			all = append(all, found(otherwise, time.Time{}, "job %d is dead or cancelled and was sent", e.ID))
		}
	}
	return all
}

// checkAttempts (I15): no attempt counts twice, however often its commit had to
// be repeated: from one run to the next it rises by one, or not at all where it
// was given back.
func (b *books) checkAttempts() (all []finding) {
	for _, e := range b.entries {
		last, epoch := 0, int32(0)
		step := func(n int, at time.Time) {
			if n > last+1 {
				all = append(all, found(otherwise, at, "job %d: attempt %d came after attempt %d", e.ID, n, last))
			}
			last = n
		}
		outcomes := map[[2]int]bool{}
		for _, v := range b.events[e.ID] {
			key := [2]int{int(v.Epoch), v.Kind}
			if outcomes[key] {
				all = append(all, found(otherwise, v.At, "job %d: run %d has the same outcome twice", e.ID, v.Epoch))
			}
			outcomes[key] = true
			if v.Epoch != epoch {
				step(v.Attempt, v.At)
				epoch = v.Epoch
			}
		}
		if e.Past && e.Epoch != epoch {
			step(e.Attempt, *e.EndedAt)
		}
	}
	return all
}

// checkDeaths (I12): only who was killed, or frozen for long, was given up.
func (b *books) checkDeaths(lives []life) (all []finding) {
	excused := map[int]bool{}
	for _, l := range lives {
		excused[l.pid] = l.excused
	}
	for _, d := range b.dead {
		if !excused[d.PID] {
			all = append(all, found(otherwise, d.DeadAt, "process %d was declared dead and is not", d.PID))
		}
	}
	return all
}
