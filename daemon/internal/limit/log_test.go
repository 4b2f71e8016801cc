package limit_test

import (
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// naive is a window as one would write it down: the stamp of every token ever
// given. It is what the scripts are compared with.
type naive struct{ tokens []int64 }

// used counts the tokens of the window that ends at this moment.
func (n *naive) used(at, length int64) (used int) {
	for _, t := range slices.Backward(n.tokens) {
		if t <= at-length {
			break
		}
		used++
	}
	return used
}

// take is a Want: how many are given, and when one more would be.
func (n *naive) take(at int64, r job.Rate, most, want int) (granted int, wait int64) {
	length, most := r.Window.Microseconds(), min(most, r.N)
	granted = max(0, min(want, most-n.used(at, length)))
	for range granted {
		n.tokens = append(n.tokens, at)
	}
	switch {
	case most == 0:
		return granted, length
	case n.used(at, length) < most:
		return granted, 0
	}
	return granted, n.tokens[len(n.tokens)-most] + length - at
}

func (n *naive) giveBack(stamp int64, count int) {
	for range count {
		if i := slices.Index(n.tokens, stamp); i >= 0 {
			n.tokens = slices.Delete(n.tokens, i, i+1)
		}
	}
}

// exact checks that a wait is right to the microsecond: a moment before it
// nothing would be given, at it something would.
func (n *naive) exact(t require.TestingT, at, wait int64, r job.Rate, most int) {
	if most = min(most, r.N); most == 0 {
		return
	}
	if length := r.Window.Microseconds(); wait > 0 {
		require.GreaterOrEqual(t, n.used(at+wait-1, length), most, "it would have been given before")
		require.Less(t, n.used(at+wait, length), most, "it would not be given then")
	}
}

// forget drops what no window looks back to.
func (n *naive) forget(before int64) {
	for len(n.tokens) > 0 && n.tokens[0] <= before {
		n.tokens = n.tokens[1:]
	}
}
