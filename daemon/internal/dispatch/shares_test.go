package dispatch_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/dispatch"
)

// If this breaks, an org gets more than its turn while others wait, or slots
// stay empty although there is work.
func TestSharesAreFair(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		orgs := rapid.SliceOfNDistinct(rapid.Int64Range(1, 1000), 1, 30, rapid.ID[int64]).Draw(rt, "orgs")
		n, turn := rapid.IntRange(1, 64).Draw(rt, "n"), rapid.IntRange(0, 1000).Draw(rt, "turn")
		got := map[int64]int{}
		sum := 0
		for _, s := range dispatch.Shares(orgs, n, turn) {
			require.Positive(rt, s.Limit)
			require.Contains(rt, orgs, s.OrgID)
			require.NotContains(rt, got, s.OrgID, "an org is named once")
			got[s.OrgID] = s.Limit
			sum += s.Limit
		}
		require.Equal(rt, n, sum)
		low, high := n, 0
		for _, org := range orgs {
			low, high = min(low, got[org]), max(high, got[org])
		}
		require.LessOrEqual(rt, high-low, 1)
	})
}

// Beginning each time where the last claim ended, everybody gets the same in
// one full turn, whatever the number of free slots.
func TestSharesRotate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		orgs := rapid.SliceOfNDistinct(rapid.Int64Range(1, 1000), 1, 30, rapid.ID[int64]).Draw(rt, "orgs")
		n := rapid.IntRange(1, 64).Draw(rt, "n")
		got := map[int64]int{}
		turn := rapid.IntRange(0, len(orgs)-1).Draw(rt, "turn")
		for range orgs {
			for _, s := range dispatch.Shares(orgs, n, turn) {
				got[s.OrgID] += s.Limit
			}
			turn = (turn + n) % len(orgs)
		}
		for _, org := range orgs {
			require.Equal(rt, n, got[org])
		}
	})
}

func TestSharesOfNothing(t *testing.T) {
	t.Parallel()
	require.Empty(t, dispatch.Shares(nil, 5, 3))
	require.Empty(t, dispatch.Shares([]int64{1, 2}, 0, 3))
}
