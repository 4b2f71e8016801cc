package worker_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/worker"
)

// Total concurrency towards the provider must not depend on the dial: both
// lanes draw on the same slots.
func TestLanesShareSlots(t *testing.T) {
	t.Parallel()
	g := newGate()
	p := parts{slots: 2, processor: g}
	pool := p.build(t)
	require.Equal(t, 2, pool.Reserve(job.WhatsApp, 5), "no more than there are")
	require.Zero(t, pool.Reserve(job.WhatsApp, 1))
	pool.Unreserve(job.WhatsApp, 1)
	pool.Run(t.Context(), claimed(1))
	<-g.reached
	var copies sync.WaitGroup
	for id := int64(2); id <= 4; id++ {
		copies.Go(func() {
			if err := pool.Handle(t.Context(), job.WhatsApp, ticket(id)); err != nil {
				t.Errorf("handle %d: %v", id, err)
			}
		})
	}
	<-g.reached
	require.Zero(t, pool.Reserve(job.WhatsApp, 1), "the redis lane uses the other slot")
	select {
	case c := <-g.reached:
		t.Fatalf("job %d runs in a third slot", c.ID)
	case <-time.After(20 * time.Millisecond):
	}
	close(g.release)
	copies.Wait()
	drained(t, pool)
	require.Len(t, p.recorder.outcomes(), 4)
}

// A freed slot is told to the dispatcher, or jobs wait for its next poll.
func TestFreedSlotsAreTold(t *testing.T) {
	t.Parallel()
	var freed atomic.Int32
	p := parts{slots: 3, processor: process(succeed), freed: func() { freed.Add(1) }}
	pool := p.build(t)
	require.Equal(t, 2, pool.Reserve(job.WhatsApp, 2))
	pool.Unreserve(job.WhatsApp, 1)
	require.Zero(t, freed.Load(), "no job has ended: telling would make the dispatcher spin")
	pool.Run(t.Context(), claimed(1))
	require.NoError(t, pool.Handle(t.Context(), job.WhatsApp, ticket(2)))
	drained(t, pool)
	require.EqualValues(t, 2, freed.Load())
}

// Behind a closed fence a job would be claimed only to be released again,
// thousands of times a second.
func TestClosedFenceClaimsNothing(t *testing.T) {
	t.Parallel()
	var open atomic.Bool
	p := parts{recorder: &fakeRecorder{}, slots: 2, processor: process(succeed), fence: func() error {
		if open.Load() {
			return nil
		}
		return worker.ErrStaleBeat
	}}
	pool := p.build(t)
	require.Zero(t, pool.Reserve(job.WhatsApp, 1))
	handled := make(chan error, 1)
	go func() { handled <- pool.Handle(context.WithoutCancel(t.Context()), job.WhatsApp, ticket(1)) }()
	require.Eventually(t, func() bool { return pool.Holds(ticket(1)) }, 5*time.Second, time.Millisecond)
	require.Empty(t, p.recorder.outcomes())
	open.Store(true)
	require.NoError(t, <-handled)
	require.Len(t, p.recorder.outcomes(), 1)
	require.Equal(t, 1, pool.Reserve(job.WhatsApp, 1))
	pool.Unreserve(job.WhatsApp, 1)
	drained(t, pool)
}

// A job that ran but whose outcome could not be recorded must never pass for a
// claim that was not begun: it would be sent again.
func TestUnrecordedOutcomeStaysHeld(t *testing.T) {
	t.Parallel()
	p := parts{slots: 1, processor: process(succeed), recorder: &fakeRecorder{finishErr: errors.New("it cannot be stored")}}
	pool := p.build(t)
	require.NoError(t, pool.Handle(t.Context(), job.WhatsApp, ticket(1)))
	require.True(t, pool.Holds(ticket(1)))
	drained(t, pool)
}

// asynq may deliver a copy again while it still runs here: it must not even ask
// for the claim, which this worker would be granted a second time.
func TestSameCopyTwiceRunsOnce(t *testing.T) {
	t.Parallel()
	g := newGate()
	p := parts{slots: 4, processor: g}
	pool := p.build(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := pool.Handle(t.Context(), job.WhatsApp, ticket(1)); err != nil {
			t.Errorf("handle: %v", err)
		}
	})
	<-g.reached
	require.True(t, pool.Holds(ticket(1)))
	require.NoError(t, pool.Handle(t.Context(), job.WhatsApp, ticket(1)))
	require.False(t, pool.Holds(job.Ticket{ID: 1, Epoch: 2}), "another hand-out is another matter")
	close(g.release)
	wg.Wait()
	require.False(t, pool.Holds(ticket(1)))
	require.Equal(t, 1, p.recorder.started[ticket(1)])
	require.Len(t, p.recorder.outcomes(), 1)
}

// What a lane may forget, and what must come again.
func TestHandleAnswersTheLane(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	cases := []struct {
		name     string
		recorder *fakeRecorder
		err      error
		runs     int
	}{
		{"Done", &fakeRecorder{}, nil, 1},
		{"NotOurs", &fakeRecorder{deny: true}, nil, 0},
		{"ClaimUnanswered", &fakeRecorder{startErr: broken}, broken, 0},
		{"OutcomeTooLate", &fakeRecorder{late: true}, nil, 1},
		{"OutcomeNotRecorded", &fakeRecorder{finishErr: broken}, nil, 1}, // the reconciler has it: a copy would only be denied
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			p := parts{recorder: c.recorder, processor: process(func(context.Context, job.Claimed) job.Result { runs++; return job.Result{} })}
			pool := p.build(t)
			require.ErrorIs(t, pool.Handle(t.Context(), job.WhatsApp, ticket(1)), c.err)
			require.Equal(t, c.runs, runs)
			require.Equal(t, 1, pool.Reserve(job.WhatsApp, 1), "the slot is free again")
			pool.Unreserve(job.WhatsApp, 1)
			drained(t, pool)
		})
	}
}

// A copy that waits for a slot gives up with its lane's context and comes again.
func TestHandleGivesUpWaiting(t *testing.T) {
	t.Parallel()
	p := parts{slots: 1, processor: process(succeed)}
	pool := p.build(t)
	require.Equal(t, 1, pool.Reserve(job.WhatsApp, 1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, pool.Handle(ctx, job.WhatsApp, ticket(1)), context.Canceled)
	require.False(t, pool.Holds(ticket(1)))
	pool.Unreserve(job.WhatsApp, 1)
	drained(t, pool)
}

// A crash of a processor may have happened after the message went out: that is
// doubt, not failure, and must not take the process down.
func TestPanicIsDoubt(t *testing.T) {
	t.Parallel()
	p := parts{processor: process(func(context.Context, job.Claimed) job.Result { panic("boom") })}
	pool := p.build(t)
	require.NoError(t, pool.Handle(t.Context(), job.WhatsApp, ticket(1)))
	require.Equal(t, 1, pool.Reserve(job.WhatsApp, 1))
	pool.Run(t.Context(), claimed(2))
	drained(t, pool)
	got := p.recorder.outcomes()
	require.Len(t, got, 2)
	for _, o := range got {
		require.Equal(t, job.Doubt, o.result.Verdict)
		require.Equal(t, job.ClassPanic, o.result.Class)
	}
	require.Contains(t, p.log.String(), "worker_test.go", "the stack is in the log")
}

// An answer that comes a day late confuses the customer more than none.
func TestPassedDeadlineIsFailure(t *testing.T) {
	t.Parallel()
	p := parts{
		recorder: &fakeRecorder{deadline: time.Now().Add(-time.Second)},
		processor: process(func(context.Context, job.Claimed) job.Result {
			t.Error("a job ran after its deadline")
			return job.Result{}
		}),
	}
	require.NoError(t, p.build(t).Handle(t.Context(), job.WhatsApp, ticket(1)))
	require.Equal(t, job.ClassDeadline, p.recorder.outcomes()[0].result.Class)
	require.Equal(t, job.Fail, p.recorder.outcomes()[0].result.Verdict)
}

// During an upgrade an old process may claim a type it does not know.
func TestUnknownTypeIsFailure(t *testing.T) {
	t.Parallel()
	p := parts{processor: process(succeed)}
	pool := p.build(t)
	require.True(t, pool.Handles(job.SendMessage))
	require.False(t, pool.Handles(job.RefreshToken))
	require.Equal(t, 1, pool.Reserve(job.WhatsApp, 1))
	c := claimed(1)
	c.Type = job.RefreshToken
	pool.Run(t.Context(), c)
	drained(t, pool)
	require.Equal(t, job.Fail, p.recorder.outcomes()[0].result.Verdict)
	require.Equal(t, job.ClassConfig, p.recorder.outcomes()[0].result.Class)
}

// A job has its type's time, neither the lane's nor none: asynq's context ends
// at odd moments, and its end must not lose an outcome.
func TestJobsHaveTheirOwnTime(t *testing.T) {
	t.Parallel()
	lane, cut := context.WithCancel(t.Context())
	p := parts{processor: process(func(ctx context.Context, _ job.Claimed) job.Result {
		cut()
		if ctx.Err() != nil {
			t.Error("the lane's end reached the job")
		}
		at, ok := ctx.Deadline()
		if !ok || time.Until(at) > job.PolicyOf(job.SendMessage).Timeout {
			t.Error("the job is not bounded by its type's timeout")
		}
		return job.Result{Verdict: job.Succeed}
	})}
	require.NoError(t, p.build(t).Handle(lane, job.WhatsApp, ticket(1)))
	require.Equal(t, job.Succeed, p.recorder.outcomes()[0].result.Verdict)
}

// The gauge shows work, not copies that wait for a slot.
func TestBusyGauge(t *testing.T) {
	t.Parallel()
	g, registry := newGate(), prometheus.NewPedanticRegistry()
	p := parts{slots: 1, processor: g}
	p.build(t) // fills in the fakes
	pool, err := worker.New(worker.Options{
		Slots: 1, Processors: map[job.Type]worker.Processor{job.SendMessage: g}, Recorder: p.recorder, Recaller: p.recaller,
		Logger: p.logger(), Registerer: registry,
	})
	require.NoError(t, err)
	busy := func() float64 {
		n, err := testutil.GatherAndCount(registry, "inboxd_slots_busy")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		families, err := registry.Gather()
		require.NoError(t, err)
		at := slices.IndexFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == "inboxd_slots_busy" })
		return families[at].GetMetric()[0].GetGauge().GetValue()
	}
	var copies sync.WaitGroup
	for id := int64(1); id <= 3; id++ {
		copies.Go(func() {
			if err := pool.Handle(t.Context(), job.WhatsApp, ticket(id)); err != nil {
				t.Errorf("handle %d: %v", id, err)
			}
		})
	}
	<-g.reached
	require.Eventually(t, func() bool { return pool.Holds(ticket(1)) && pool.Holds(ticket(2)) && pool.Holds(ticket(3)) }, patience, time.Millisecond)
	require.InDelta(t, 1, busy(), 0)
	close(g.release)
	copies.Wait()
	require.Zero(t, busy())
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := worker.New(worker.Options{Slots: 1})
	require.ErrorContains(t, err, "required")
	p := parts{}
	p.build(t)
	_, err = worker.New(worker.Options{Slots: 0, Recorder: p.recorder, Recaller: p.recaller, Logger: p.logger()})
	require.ErrorContains(t, err, "required")
}
