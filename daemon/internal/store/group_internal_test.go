package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// trip is one transaction of a group under test, which ends when it is told how.
type trip struct {
	ctx     context.Context //nolint:containedctx // of the transaction
	numbers []int
	alone   bool
	ready   func() error
	end     chan error
	held    []int // those to say are held
}

// lanes is how many transactions of the group under test are under way at most.
const lanes = 2

// tripping returns a group of numbers and the transactions it makes. A number
// stands for itself, ten bytes to a transaction; a negative one belongs to a
// conversation, and has no size.
func tripping() (*group[int], chan *trip) {
	trips := make(chan *trip, 100)
	g := newGroup(newGroupMetrics(nil, "test")["test"], slog.New(slog.DiscardHandler), groupWork[int]{
		name: "test", lanes: lanes, most: 10,
		size: func(n *int) int { return max(*n, 0) },
		line: func(n *int) int64 { return int64(max(-*n, 0)) / 10 },
		run: func(ctx context.Context, all []*int, alone bool, ready func() error) (held []*int, err error) {
			t := &trip{ctx: ctx, alone: alone, ready: ready, end: make(chan error)}
			for _, n := range all {
				t.numbers = append(t.numbers, *n)
			}
			trips <- t
			err = <-t.end
			for _, n := range all {
				if slices.Contains(t.held, *n) {
					held = append(held, n)
				}
			}
			return held, err
		},
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

// flight is the test of a group.
type flight struct{ *testing.T }

// next returns the next transaction, with these in it.
func next(t flight, trips chan *trip, alone bool, numbers ...int) *trip {
	t.Helper()
	synctest.Wait()
	require.NotEmpty(t, trips)
	trip := <-trips
	require.Equal(t, numbers, trip.numbers)
	require.Equal(t, alone, trip.alone)
	return trip
}

func TestGroup(t *testing.T) {
	t.Parallel()
	run := func(name string, test func(t flight, g *group[int], trips chan *trip)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, trips := tripping()
				test(flight{t}, g, trips)
				synctest.Wait()
				require.Empty(t, trips)
				require.Zero(t, g.flying)
				require.Empty(t, g.aboard)
				require.Empty(t, g.lines)
				require.Empty(t, g.waiting)
			})
		})
	}

	run("NobodyWaitsForCompany", func(t flight, g *group[int], trips chan *trip) {
		for n := range lanes {
			done := come(t.Context(), g, n)
			first := next(t, trips, false, n)
			defer func() { first.end <- nil; require.NoError(t, <-done) }()
		}
	})

	run("WhoComesMeanwhileTravelsTogetherInOrder", func(t flight, g *group[int], trips chan *trip) {
		for range lanes {
			come(t.Context(), g, 1)
		}
		var all []chan error
		for _, n := range []int{3, 1, 2, 5, 11, 10, 4} {
			all = append(all, come(t.Context(), g, n))
		}
		defer func(busy *trip) { busy.end <- nil }(<-trips)
		(<-trips).end <- nil
		next(t, trips, false, 3, 1, 2).end <- nil
		for _, n := range []int{5, 11, 10, 4} {
			next(t, trips, false, n).end <- nil
		}
		for _, done := range all {
			require.NoError(t, <-done)
		}
	})

	run("WhoGivesUpInTimeIsForgotten", func(t flight, g *group[int], trips chan *trip) {
		gone, cancel := context.WithCancel(t.Context())
		for range lanes {
			come(t.Context(), g, 1)
		}
		early, stays := come(gone, g, 2), come(t.Context(), g, 3)
		cancel()
		require.ErrorIs(t, <-early, context.Canceled)
		require.ErrorIs(t, <-come(gone, g, 4), context.Canceled)
		for range lanes {
			(<-trips).end <- nil
		}
		next(t, trips, false, 3).end <- nil
		require.NoError(t, <-stays)
	})

	run("WhoGivesUpBeforeTheCommitIsNotInIt", func(t flight, g *group[int], trips chan *trip) {
		gone, cancel := context.WithCancel(t.Context())
		for range lanes {
			come(t.Context(), g, 1)
		}
		early, stays := come(gone, g, 2), come(t.Context(), g, 3)
		for range lanes {
			(<-trips).end <- nil
		}
		both := next(t, trips, false, 2, 3)
		cancel()
		require.ErrorIs(t, <-early, context.Canceled)
		require.NoError(t, both.ctx.Err(), "somebody still waits for it")
		both.end <- both.ready()
		again := next(t, trips, false, 3)
		require.NoError(t, again.ready())
		again.end <- nil
		require.NoError(t, <-stays)
	})

	run("WhoGivesUpAtTheCommitIsToldSo", func(t flight, g *group[int], trips chan *trip) {
		gone, cancel := context.WithCancel(t.Context())
		late := come(gone, g, 1)
		only := next(t, trips, false, 1)
		require.NoError(t, only.ready())
		cancel()
		err := <-late
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, inbox.Temporary, inbox.KindOf(err))
		require.ErrorContains(t, err, "may have been accepted")
		<-only.ctx.Done() // nobody waits for it
		only.end <- only.ctx.Err()
	})

	run("TheMostHurriedHasItsTimeAndTheOthersTheirs", func(t flight, g *group[int], trips chan *trip) {
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		later, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		for range lanes {
			come(t.Context(), g, 1)
		}
		hurried, patient := come(soon, g, 2), come(later, g, 3)
		for range lanes {
			(<-trips).end <- nil
		}
		both := next(t, trips, false, 2, 3)
		<-both.ctx.Done()
		both.end <- both.ctx.Err()
		require.ErrorIs(t, <-hurried, context.DeadlineExceeded)
		next(t, trips, false, 3).end <- nil
		require.NoError(t, <-patient)
	})

	run("InAConversationNobodyOvertakes", func(t flight, g *group[int], trips chan *trip) {
		for range lanes {
			come(t.Context(), g, 1)
		}
		first, other := come(t.Context(), g, -10), come(t.Context(), g, -20)
		busy := <-trips
		(<-trips).end <- nil
		together := next(t, trips, false, -10, -20)
		busy.end <- nil
		second := come(t.Context(), g, -11)
		synctest.Wait()
		require.Empty(t, trips, "one before it is under way")
		together.held = []int{-10}
		together.end <- nil
		require.NoError(t, <-other)
		alone := next(t, trips, true, -10)
		third, fourth := come(t.Context(), g, -12), come(t.Context(), g, -21)
		next(t, trips, false, -21).end <- nil
		require.NoError(t, <-fourth)
		alone.end <- nil
		require.NoError(t, <-first)
		next(t, trips, true, -11).end <- nil
		require.NoError(t, <-second)
		next(t, trips, true, -12).end <- nil
		require.NoError(t, <-third)
		last := come(t.Context(), g, -13)
		next(t, trips, false, -13).end <- nil
		require.NoError(t, <-last)
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
		run(name, func(t flight, g *group[int], trips chan *trip) {
			done := come(t.Context(), g, 1)
			shared := next(t, trips, false, 1)
			require.NoError(t, shared.ready())
			shared.end <- end.err
			if end.alone {
				next(t, trips, true, 1).end <- end.err
			}
			err := <-done
			require.ErrorIs(t, err, end.err)
			require.Equal(t, end.alone, inbox.KindOf(err) == inbox.Internal, "else it says that nobody knows")
		})
	}

	t.Run("APanicIsForEachToTryAlone", func(t *testing.T) {
		t.Parallel()
		for committing, times := range map[bool]int{false: 2, true: 1} {
			n := 0
			g := newGroup(newGroupMetrics(nil, "test")["test"], slog.New(slog.DiscardHandler), groupWork[int]{
				lanes: 1, most: 10, size: func(n *int) int { return *n }, line: func(*int) int64 { return 0 },
				run: func(_ context.Context, _ []*int, _ bool, ready func() error) ([]*int, error) {
					if n++; committing {
						require.NoError(t, ready())
					}
					panic("bug")
				},
			})
			one := 1
			require.ErrorContains(t, g.do(t.Context(), &one), "panic: bug", "a process that dies would do so again at the next delivery")
			require.Equal(t, times, n)
		}
	})
}
