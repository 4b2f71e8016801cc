package faultstest_test

import (
	"slices"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// clockStep is how far the machine's clock may be set back under way.
const clockStep = 5 * time.Millisecond

// line is what an order is kept in: a conversation, by one queue.
type line struct {
	queue  job.Queue
	serial int64
}

// checkRuns (I4, I5): no job runs twice at a time, nor two of one conversation,
// by the ledger's own times and by the simulator's.
func (b *books) checkRuns() (all []finding) {
	lines := map[line][]run{}
	for _, e := range b.entries {
		runs := b.runs(e)
		for i := 1; i < len(runs); i++ {
			if runs[i].start.Before(runs[i-1].end.Add(-clockStep)) {
				all = append(all, found(otherwise, runs[i].start, "job %d: run %d began before run %d had ended", e.ID, runs[i].epoch, runs[i-1].epoch))
			}
		}
		if e.Serial != 0 {
			l := line{e.Queue, e.Serial}
			lines[l] = append(lines[l], runs...)
		}
	}
	for l, runs := range lines {
		slices.SortFunc(runs, func(a, b run) int { return a.start.Compare(b.start) })
		for i := 1; i < len(runs); i++ {
			if runs[i].start.Before(runs[i-1].end.Add(-clockStep)) {
				all = append(all, found(disordered, runs[i].start, "conversation %d: job %d began while job %d ran", l.serial, runs[i].job, runs[i-1].job))
			}
		}
	}
	return append(all, b.checkFlights()...)
}

// checkFlights (I5): Meta never has two requests of one conversation at once. A
// send is over when it is answered, or when a status webhook that was faster
// than the answer has settled its job.
func (b *books) checkFlights() (all []finding) {
	type customer struct{ account, recipient string }
	until := map[customer]time.Time{}
	for _, s := range b.sends {
		if s.Recipient == "" {
			continue // cut off before it was read
		}
		c := customer{s.Account, s.Recipient}
		if s.At.Before(until[c].Add(-clockStep)) {
			all = append(all, found(disordered, s.At, "send %s came while another one to the same customer was under way", s.RequestID))
		}
		over := s.EndedAt
		id, _ := strconv.ParseInt(s.Job, 10, 64) // no number: not a job
		for _, e := range b.byJob[id] {
			if e.Past && e.EndedAt.Before(over) {
				over = *e.EndedAt
			}
		}
		if over.After(until[c]) {
			until[c] = over
		}
	}
	return all
}

// checkOrder (I5): what customers got is in the order of acceptance: an older
// job of equal or better priority first, unless it was uncertain or dead once.
func (b *books) checkOrder() (all []finding) {
	got := map[int64]int64{} // job -> place among all sends
	at := map[int64]time.Time{}
	for _, s := range b.sends {
		id, err := strconv.ParseInt(s.Job, 10, 64)
		if err == nil && s.IsAccepted() && got[id] == 0 {
			got[id], at[id] = s.Seq, s.At
		}
	}
	lines := map[line][]entry{}
	for _, e := range b.entries {
		if e.Serial != 0 && got[e.ID] != 0 && !b.excused(e.ID) {
			l := line{e.Queue, e.Serial}
			lines[l] = append(lines[l], e) // by id
		}
	}
	for l, jobs := range lines {
		latest := map[job.Priority]entry{} // of the older ones, the last at the customer
		for _, e := range jobs {
			for p, older := range latest {
				if p <= e.Priority && got[older.ID] > got[e.ID] {
					all = append(all, found(disordered, at[e.ID], "conversation %d: job %d overtook job %d", l.serial, e.ID, older.ID))
				}
			}
			if got[e.ID] > got[latest[e.Priority].ID] {
				latest[e.Priority] = e
			}
		}
	}
	return all
}
