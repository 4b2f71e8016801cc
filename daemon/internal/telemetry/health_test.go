package telemetry_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func accepting() telemetry.Part { return telemetry.Part{Name: "accepting", OK: true} }

func TestLoopsKeepTheProcessAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHealth(nil)
		require.True(t, h.Live().OK)
		fetch := h.Loop("fetch", 15*time.Second)
		relay := h.Loop("relay", 15*time.Second)
		<-time.After(15 * time.Second)
		fetch()
		require.True(t, h.Live().OK)
		<-time.After(time.Second)
		want := telemetry.Report{Parts: []telemetry.Part{
			{Name: "fetch", OK: true},
			{Name: "relay", Error: "no turn for 16s, at most 15s expected"},
		}}
		require.Empty(t, cmp.Diff(h.Live(), want))
		relay()
		require.True(t, h.Live().OK)
	})
}

// A database outage must take the process out of the balancer, and must not
// have it killed.
func TestOutageIsNotReadyButAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHealth(nil)
		var outage atomic.Bool
		h.AddReady(telemetry.Check{Name: "postgres", Run: func(context.Context) error {
			if outage.Load() {
				return errors.New("connection refused")
			}
			return nil
		}})
		want := telemetry.Report{OK: true, Parts: []telemetry.Part{{Name: "postgres", OK: true}, accepting()}}
		require.Empty(t, cmp.Diff(h.Ready(t.Context()), want))
		outage.Store(true)
		require.True(t, h.Ready(t.Context()).OK, "an answer is good for a second")
		<-time.After(time.Second)
		want = telemetry.Report{Parts: []telemetry.Part{{Name: "postgres", Error: "connection refused"}, accepting()}}
		require.Empty(t, cmp.Diff(h.Ready(t.Context()), want))
		require.True(t, h.Live().OK)
		outage.Store(false)
		<-time.After(time.Second)
		require.True(t, h.Ready(t.Context()).OK)
	})
}

func TestDrainingIsNotReady(t *testing.T) {
	t.Parallel()
	h := telemetry.NewHealth(nil)
	require.True(t, h.Ready(t.Context()).OK)
	h.Drain()
	want := telemetry.Report{Parts: []telemetry.Part{{Name: "accepting", Error: "the process is stopping"}}}
	require.Empty(t, cmp.Diff(h.Ready(t.Context()), want))
	require.True(t, h.Live().OK)
}

// A drain of a minute must not be cut off by the watchdog: the loops that have
// ended already are not stuck.
func TestDrainingIsAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHealth(nil)
		h.Loop("dispatch", 15*time.Second)
		<-time.After(16 * time.Second)
		require.False(t, h.Live().OK)
		h.Drain()
		require.True(t, h.Live().OK)
	})
}

// A half-open connection to the database must cost a probe two seconds, not
// pile up a goroutine per probe.
func TestCheckThatHangsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHealth(nil)
		release := make(chan struct{})
		var runs atomic.Int32
		h.AddReady(telemetry.Check{Name: "postgres", Timeout: 2 * time.Second, Run: func(context.Context) error {
			runs.Add(1)
			<-release // It does not even look at its context.
			return nil
		}})
		begin := time.Now()
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				r := h.Ready(context.Background())
				require.Equal(t, "no answer within 2s", r.Parts[0].Error)
			})
		}
		wait.Wait()
		require.Equal(t, 2*time.Second, time.Since(begin))
		<-time.After(time.Minute)
		require.False(t, h.Ready(context.Background()).OK)
		require.Equal(t, 62*time.Second, time.Since(begin), "late askers do not wait again")
		require.EqualValues(t, 1, runs.Load())
		close(release)
		synctest.Wait()
		require.True(t, h.Ready(context.Background()).OK)
	})
}

func TestAskerWhoLeavesDoesNotEndTheCheckOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHealth(nil)
		h.AddReady(telemetry.Check{Name: "postgres", Run: func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
				return nil
			}
		}})
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		require.Equal(t, "context deadline exceeded", h.Ready(ctx).Parts[0].Error)
		require.True(t, h.Ready(context.Background()).OK)
	})
}

func TestCheckThatPanicsIsAnError(t *testing.T) {
	t.Parallel()
	h := telemetry.NewHealth(nil)
	h.AddReady(telemetry.Check{Name: "broken", Run: func(context.Context) error { panic("oh") }})
	require.Equal(t, "check panicked: oh", h.Ready(t.Context()).Parts[0].Error)
}
