package sla

import (
	"cmp"
	"math"
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
	Pending, Risky int64           // not answered, not due; of those, due soon
	Overdue        int64           // not answered and due: missed already
	Responses      []time.Duration // open time until the answer, in no order
	P50, P90, P95  time.Duration   // of Responses
	Worst          time.Duration   // of Responses
	OldestOpen     time.Duration   // how long the longest unanswered has waited
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

// Summed sorts the responses and reads the percentiles off them: exact, by
// nearest rank.
func (f Figures) Summed() Figures {
	slices.Sort(f.Responses)
	f.P50, f.P90, f.P95 = rank(f.Responses, 0.50), rank(f.Responses, 0.90), rank(f.Responses, 0.95)
	f.Worst = rank(f.Responses, 1)
	return f
}

// rank returns the smallest value that at least the share p of sorted does not
// exceed; 0 for none.
func rank(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, max(0, int(math.Ceil(p*float64(len(sorted))))-1))]
}

// Total adds figures of one org up.
func Total(all []Figures) Figures {
	var t Figures
	for _, f := range all {
		t.OrgID, t.Org, t.Target, t.Objective = f.OrgID, f.Org, f.Target, f.Objective
		t.Met, t.Missed, t.Pending, t.Risky, t.Overdue = t.Met+f.Met, t.Missed+f.Missed, t.Pending+f.Pending, t.Risky+f.Risky, t.Overdue+f.Overdue
		t.Responses = append(t.Responses, f.Responses...)
		t.OldestOpen = max(t.OldestOpen, f.OldestOpen)
	}
	return t.Summed()
}

// SortWorstFirst puts what keeps its objective least first, what has no verdict
// last; equals by name.
func SortWorstFirst(all []Figures) {
	slices.SortFunc(all, func(a, b Figures) int {
		shareA, knownA := a.Compliance()
		shareB, knownB := b.Compliance()
		switch {
		case knownA != knownB && knownA:
			return -1
		case knownA != knownB:
			return 1
		}
		return cmp.Or(cmp.Compare(shareA, shareB), cmp.Compare(b.N(), a.N()), cmp.Compare(a.Org, b.Org), cmp.Compare(a.User, b.User),
			cmp.Compare(a.Who, b.Who), cmp.Compare(a.ChannelID, b.ChannelID))
	})
}
