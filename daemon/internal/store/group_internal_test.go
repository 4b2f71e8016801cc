package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// trip is one transaction of a group under test, which ends when it is told how.
type trip struct {
	numbers []int
	end     chan error
}

// tripping returns a group of numbers and the transactions it makes. A number
// stands for itself, ten bytes to a transaction.
func tripping() (*group[int], chan trip) {
	trips := make(chan trip, 100)
	g := newGroup(newGroupMetrics(nil, "test")["test"], 10, func(n *int) int { return *n }, func(_ context.Context, all []*int) error {
		t := trip{end: make(chan error)}
		for _, n := range all {
			t.numbers = append(t.numbers, *n)
		}
		trips <- t
		return <-t.end
	})
	return g, trips
}

// come sends a number into the group.
func come(ctx context.Context, g *group[int], n int) chan error {
	done := make(chan error, 1)
	go func() { done <- g.do(ctx, &n) }()
	synctest.Wait()
	return done
}

func TestGroup(t *testing.T) {
	t.Parallel()

	t.Run("NobodyWaitsForCompany", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g, trips := tripping()
			for n := range groupLanes {
				done := come(t.Context(), g, n)
				first := <-trips
				require.Equal(t, []int{n}, first.numbers)
				defer func() { first.end <- nil; require.NoError(t, <-done) }()
			}
		})
	})

	t.Run("WhoComesMeanwhileTravelsTogetherInOrder", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g, trips := tripping()
			var all []chan error
			for range groupLanes {
				all = append(all, come(t.Context(), g, 1))
			}
			require.ErrorIs(t, <-come(t.Context(), g, 11), errAlone, "it would hold up the others")
			for _, n := range []int{3, 1, 2, 5, 10, 4} {
				all = append(all, come(t.Context(), g, n))
			}
			for range groupLanes - 1 {
				defer func(busy trip) { busy.end <- nil }(<-trips)
			}
			(<-trips).end <- nil
			for _, want := range [][]int{{3, 1, 2}, {5}, {10}, {4}} {
				next := <-trips
				require.Equal(t, want, next.numbers)
				next.end <- nil
			}
			for _, done := range all[groupLanes:] {
				require.NoError(t, <-done)
			}
		})
	})

	t.Run("WhoGivesUpInTimeIsForgotten", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g, trips := tripping()
			gone, cancel := context.WithCancel(t.Context())
			for range groupLanes {
				come(t.Context(), g, 1)
			}
			early, stays := come(gone, g, 2), come(t.Context(), g, 3)
			cancel()
			require.ErrorIs(t, <-early, context.Canceled)
			require.ErrorIs(t, <-come(gone, g, 4), context.Canceled)
			for range groupLanes {
				(<-trips).end <- nil
			}
			next := <-trips
			require.Equal(t, []int{3}, next.numbers)
			next.end <- nil
			require.NoError(t, <-stays)
		})
	})

	t.Run("WhoGivesUpTooLateIsDoneAllTheSame", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g, trips := tripping()
			gone, cancel := context.WithCancel(t.Context())
			late := come(gone, g, 1)
			under := <-trips
			cancel()
			require.ErrorIs(t, <-late, context.Canceled)
			under.end <- nil // nobody is stuck because nobody listens
			synctest.Wait()
			require.Zero(t, g.flying)
		})
	})

	for name, end := range map[string]struct {
		err   error
		alone bool
	}{
		"ARefusedTransactionIsForEachToTryAlone": {fmt.Errorf("write: %w", &pgconn.PgError{Code: "22021", SeverityUnlocalized: "ERROR"}), true},
		"SoIsOneThatWasRolledBack":               {errRolledBack, true},
		"SoIsOneThatWasOvertaken":                {errLost, true},
		"NobodyTriesAgainWhatMayBeDurable":       {errors.New("unexpected EOF"), false},
		"NorWhatTheServerDidNotFinish":           {&pgconn.PgError{Code: "57P01", SeverityUnlocalized: "FATAL"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, trips := tripping()
				done := come(t.Context(), g, 1)
				(<-trips).end <- end.err
				err := <-done
				require.ErrorIs(t, err, end.err)
				require.Equal(t, end.alone, errors.Is(err, errAlone))
			})
		})
	}

	t.Run("APanicIsForEachToTryAlone", func(t *testing.T) {
		t.Parallel()
		g := newGroup(newGroupMetrics(nil, "test")["test"], 10, func(n *int) int { return *n }, func(context.Context, []*int) error { panic("bug") })
		one := 1
		require.ErrorIs(t, g.do(t.Context(), &one), errAlone, "a process that dies would do so again at the next delivery")
	})
}
