package adminapi

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Somebody with many addresses must fill neither the memory nor the list of those
// who are locked out.
func TestLockoutIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	l := newLockout(func() time.Time { return now })
	for range mostFailures {
		l.failed([]string{"guesser"})
	}
	for i := range 3 * mostCounted {
		l.failed([]string{"address " + strconv.Itoa(i)})
		require.LessOrEqual(t, len(l.tries), mostCounted)
	}
	require.Equal(t, lockTime, l.locked([]string{"guesser"}), "a flood does not free who is locked")
	now = now.Add(lockTime)
	require.LessOrEqual(t, l.locked([]string{"guesser"}), time.Duration(0))
	l.failed([]string{"guesser"})
	require.Equal(t, 1, l.tries["guesser"].failed, "after the lock one begins anew")
}
