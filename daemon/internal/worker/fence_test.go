package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/worker"
)

// heart is a Beater whose beats can fail or take their time.
type heart struct {
	mu    sync.Mutex
	err   error
	slow  time.Duration // how long a beat takes; it then succeeds
	beats int
}

func (h *heart) Beat(ctx context.Context, id int64) error {
	h.mu.Lock()
	err, slow := h.err, h.slow
	h.beats++
	h.mu.Unlock()
	if id != 7 {
		return fmt.Errorf("beat of %d", id)
	}
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

func (h *heart) set(err error, slow time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err, h.slow = err, slow
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

var (
	errDead = errors.New("declared dead")
	errAway = errors.New("the database is away")
)

// beating starts the heartbeat; the result arrives when it ends.
func beating(t *testing.T, f *worker.Fence, h *heart, log *slog.Logger) (result <-chan error, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out := make(chan error, 1)
	go func() { out <- f.Beat(ctx, h, 7, errDead, log) }()
	return out, cancel
}

// If this breaks, a worker that is cut off from the database goes on sending
// while others take its jobs over: customers get messages twice.
func TestFence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, h := worker.NewFence(time.Now), &heart{}
		require.ErrorIs(t, f.Err(), worker.ErrStaleBeat, "closed before the first beat")
		ended, stop := beating(t, f, h, quiet())
		synctest.Wait()
		require.NoError(t, f.Err())
		require.Zero(t, f.Age())

		time.Sleep(time.Minute) //nolint:forbidigo // synctest's time
		synctest.Wait()
		require.NoError(t, f.Err(), "as long as it beats")
		require.Equal(t, 31, h.beats, "every two seconds")

		h.set(errAway, 0)
		time.Sleep(10*time.Second - time.Millisecond) //nolint:forbidigo // synctest's time
		synctest.Wait()
		require.NoError(t, f.Err())
		time.Sleep(time.Millisecond) //nolint:forbidigo // synctest's time
		require.ErrorIs(t, f.Err(), worker.ErrStaleBeat, "ten seconds without a beat")

		h.set(nil, 0)
		time.Sleep(2 * time.Second) //nolint:forbidigo // synctest's time
		synctest.Wait()
		require.NoError(t, f.Err(), "the database is back")
		stop()
		require.NoError(t, <-ended)
	})
}

// A beat counts from when it was sent: the others count from when it arrived,
// and that is never later.
func TestSlowBeatCountsFromItsStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, h := worker.NewFence(time.Now), &heart{slow: 2500 * time.Millisecond}
		ended, stop := beating(t, f, h, quiet())
		time.Sleep(2501 * time.Millisecond) //nolint:forbidigo // synctest's time
		synctest.Wait()
		require.NoError(t, f.Err())
		require.Equal(t, 2501*time.Millisecond, f.Age())
		stop()
		require.NoError(t, <-ended)
	})
}

// A beat that hangs (a black hole instead of a database) is given up.
func TestHangingBeatIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		f, h := worker.NewFence(time.Now), &heart{slow: time.Hour}
		ended, stop := beating(t, f, h, slog.New(slog.NewTextHandler(&log, nil)))
		time.Sleep(30 * time.Second) //nolint:forbidigo // synctest's time
		require.ErrorIs(t, f.Err(), worker.ErrStaleBeat)
		stop()
		require.NoError(t, <-ended)
		require.InDelta(t, 10, h.beats, 1, "one every three seconds, not one for ever")
		require.Contains(t, log.String(), "heartbeat failed")
	})
}

// Leaving is final: a drain may not be undone by the next beat.
func TestLeaveIsFinal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, h := worker.NewFence(time.Now), &heart{}
		ended, stop := beating(t, f, h, quiet())
		synctest.Wait()
		f.Leave()
		time.Sleep(10 * time.Second) //nolint:forbidigo // synctest's time
		synctest.Wait()
		require.ErrorIs(t, f.Err(), worker.ErrLeaving)
		require.Greater(t, h.beats, 3, "it goes on beating: its jobs still run")
		stop()
		require.NoError(t, <-ended)
	})
}

// A process that was declared dead stops at once and says so: its jobs belong
// to others now.
func TestDeclaredDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, h := worker.NewFence(time.Now), &heart{}
		ended, stop := beating(t, f, h, quiet())
		defer stop()
		synctest.Wait()
		h.set(fmt.Errorf("beat: %w", errDead), 0)
		require.ErrorIs(t, <-ended, errDead)
		require.ErrorIs(t, f.Err(), worker.ErrLeaving)
	})
}
