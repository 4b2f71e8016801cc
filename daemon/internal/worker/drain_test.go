package worker_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/worker"
)

// A deployment must lose no work: what runs ends, what waits goes back to the
// others at once, and nothing new begins.
func TestDrain(t *testing.T) {
	t.Parallel()
	g := newGate()
	p := parts{slots: 2, processor: g}
	pool := p.build(t)
	require.Equal(t, 1, pool.Reserve(job.WhatsApp, 1))
	pool.Run(t.Context(), claimed(1))
	var copies sync.WaitGroup
	handle := func(id int64) {
		copies.Go(func() {
			if err := pool.Handle(t.Context(), job.WhatsApp, ticket(id)); err != nil {
				t.Errorf("handle %d: %v", id, err)
			}
		})
	}
	handle(2)
	<-g.reached
	<-g.reached
	handle(3) // waits for a slot
	require.Eventually(t, func() bool { return pool.Holds(ticket(3)) }, patience, time.Millisecond)

	left := make(chan int)
	go func() { left <- pool.Drain(context.WithoutCancel(t.Context())) }()
	require.Eventually(t, func() bool { return !pool.Holds(ticket(3)) }, patience, time.Millisecond, "the waiting copy is sent back")
	require.NoError(t, pool.Handle(t.Context(), job.WhatsApp, ticket(4)), "a copy that comes now too")
	require.Zero(t, pool.Reserve(job.WhatsApp, 1))
	select {
	case <-left:
		t.Fatal("the drain did not wait for running jobs")
	default:
	}
	close(g.release)
	require.Zero(t, <-left)
	copies.Wait()
	require.ElementsMatch(t, []job.Ticket{ticket(3), ticket(4)}, p.recaller.recalled)
	require.Equal(t, map[string]bool{"drain": true}, p.recaller.reasons)
	require.Len(t, p.recorder.outcomes(), 2)
	drained(t, pool)
}

// A drain that runs out of time says how many jobs the reconciler will have to
// take over.
func TestDrainRunsOutOfTime(t *testing.T) {
	t.Parallel()
	g := newGate()
	p := parts{slots: 3, processor: g}
	pool := p.build(t)
	require.Equal(t, 2, pool.Reserve(job.WhatsApp, 2))
	pool.Run(t.Context(), claimed(1))
	pool.Run(t.Context(), claimed(2))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, 2, pool.Drain(ctx))
	close(g.release)
	drained(t, pool)
}

// A claim may be under way when the drain begins: its jobs still run, and the
// drain waits for them.
func TestDrainWaitsForReservedSlots(t *testing.T) {
	t.Parallel()
	p := parts{slots: 2, processor: process(succeed)}
	pool := p.build(t)
	require.Equal(t, 2, pool.Reserve(job.WhatsApp, 2))
	left := make(chan int)
	go func() { left <- pool.Drain(context.WithoutCancel(t.Context())) }()
	require.Eventually(t, func() bool {
		return pool.Reserve(job.WhatsApp, 0) == 0 && pool.Handle(t.Context(), job.WhatsApp, ticket(9)) == nil
	}, patience, time.Millisecond)
	select {
	case <-left:
		t.Fatal("the drain did not wait for the claim")
	default:
	}
	pool.Run(t.Context(), claimed(1))
	pool.Unreserve(job.WhatsApp, 1)
	require.Zero(t, <-left)
	require.Len(t, p.recorder.outcomes(), 1)
}

// With the database away a copy cannot be sent back: the lane keeps it.
func TestDrainWithoutDatabaseKeepsTheCopy(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	p := parts{processor: process(succeed), recaller: &fakeRecaller{err: away}}
	pool := p.build(t)
	drained(t, pool)
	err := pool.Handle(t.Context(), job.WhatsApp, ticket(1))
	require.ErrorIs(t, err, away)
	require.ErrorIs(t, err, worker.ErrDraining)
}

// Copies, claims, dispatchers and a drain at the same moment, over and over:
// the race detector and the WaitGroup's own checks watch, and every job that
// began is recorded before the drain says it is done.
func TestDrainUnderStress(t *testing.T) {
	t.Parallel()
	for round := range 60 {
		var running, began atomic.Int64
		p := parts{slots: 1 + round%4, processor: process(func(context.Context, job.Claimed) job.Result {
			began.Add(1)
			running.Add(1)
			defer running.Add(-1)
			return job.Result{Verdict: job.Succeed}
		})}
		pool := p.build(t)
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range 30 {
					id := int64(1 + w/2*1000 + i) // two deliverers bring the same copies
					if err := pool.Handle(t.Context(), job.WhatsApp, ticket(id)); err != nil {
						t.Errorf("handle: %v", err)
					}
				}
			})
			wg.Go(func() {
				for i := range 30 {
					n := pool.Reserve(job.WhatsApp, 1+rand.IntN(3))
					for range n / 2 {
						pool.Run(t.Context(), claimed(int64(100_000+w*1000+i)))
						n--
					}
					pool.Unreserve(job.WhatsApp, n)
				}
			})
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if left := pool.Drain(ctx); left != 0 {
				t.Errorf("%d left", left)
			}
			if running.Load() != 0 || int(began.Load()) != len(p.recorder.outcomes()) {
				t.Errorf("drained with %d running, %d begun, %d recorded", running.Load(), began.Load(), len(p.recorder.outcomes()))
			}
		})
		wg.Wait()
	}
}
