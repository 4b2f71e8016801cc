package sla

import (
	"cmp"
	"slices"
	"time"
)

// Figures are what a set of episodes comes to. Pending ones are in no share.
type Figures struct {
	OrgID, UserID, ChannelID int64
	Org, User, Channel       string // Channel: its kind
	Who                      Who    // of a split by user
	Target                   time.Duration
	Objective                float64

	Met, Missed    int64
	Pending, Risky int64         // not answered, not due; of those, due soon
	Overdue        int64         // not answered and due: missed already
	Responses      Responses     // open time until the answer
	P50, P90, P95  time.Duration // of Responses
	Worst          time.Duration // the longest response, exact
	OldestOpen     time.Duration // how long the longest unanswered has waited
}

// N is how many episodes have a verdict.
func (f Figures) N() int64 { return f.Met + f.Missed }

// Compliance returns the share of verdicts that are met. Without a verdict there
// is no share: not 1.
func (f Figures) Compliance() (share float64, known bool) {
	if f.N() == 0 {
		return 0, false
	}
	return float64(f.Met) / float64(f.N()), true
}

// Keeps reports whether the objective is kept; unknown without a verdict.
func (f Figures) Keeps() (kept, known bool) {
	share, known := f.Compliance()
	return share >= f.Objective, known
}

// Answered counts the answer to an episode that has a verdict.
func (f Figures) Answered(response time.Duration) Figures {
	f.Responses, f.Worst = f.Responses.Add(response), max(f.Worst, response)
	return f
}

// Summed reads the percentiles off the responses: by nearest rank, of the
// buckets.
func (f Figures) Summed() Figures {
	f.Responses = f.Responses.Sorted()
	f.P50, f.P90, f.P95 = f.Responses.rank(0.50, f.Worst), f.Responses.rank(0.90, f.Worst), f.Responses.rank(0.95, f.Worst)
	return f
}

// Total adds figures of one org up.
func Total(all []Figures) Figures {
	var t Figures
	for _, f := range all {
		t.OrgID, t.Org, t.Target, t.Objective = f.OrgID, f.Org, f.Target, f.Objective
		t.Met, t.Missed, t.Pending, t.Risky, t.Overdue = t.Met+f.Met, t.Missed+f.Missed, t.Pending+f.Pending, t.Risky+f.Risky, t.Overdue+f.Overdue
		t.Responses = append(t.Responses, f.Responses...)
		t.OldestOpen, t.Worst = max(t.OldestOpen, f.OldestOpen), max(t.Worst, f.Worst)
	}
	return t.Summed()
}

// place is where Figures belong in an order.
type place struct {
	known bool
	share float64
	of    *Figures
}

// SortWorstFirst puts what keeps its objective least first, what has no verdict
// last; equals by name.
func SortWorstFirst(all []Figures) {
	places := make([]place, len(all)) // Figures are large, and a share is a division
	for i := range all {
		share, known := all[i].Compliance()
		places[i] = place{known, share, &all[i]}
	}
	slices.SortFunc(places, func(a, b place) int {
		switch {
		case a.known != b.known && a.known:
			return -1
		case a.known != b.known:
			return 1
		}
		return cmp.Or(cmp.Compare(a.share, b.share), compareEquals(a.of, b.of))
	})
	sorted := make([]Figures, len(all))
	for i, p := range places {
		sorted[i] = *p.of
	}
	copy(all, sorted)
}

func compareEquals(a, b *Figures) int {
	return cmp.Or(cmp.Compare(b.N(), a.N()), cmp.Compare(a.Org, b.Org), cmp.Compare(a.User, b.User), cmp.Compare(a.Who, b.Who), cmp.Compare(a.ChannelID, b.ChannelID))
}
