package control_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// source is a database in memory that notes what happens, in order.
type source struct {
	mu      sync.Mutex
	version int64
	holds   []control.Hold
	down    error
	hang    bool
	acks    map[int64]int64 // process -> version
	story   []string
}

func (s *source) lock() func() { s.mu.Lock(); return s.mu.Unlock }

func (s *source) set(change func()) { defer s.lock()(); change() }

func (s *source) note(what string) { s.set(func() { s.story = append(s.story, what) }) }

func (s *source) ControlVersion(ctx context.Context) (int64, error) {
	defer s.lock()()
	if s.hang {
		s.mu.Unlock()
		<-ctx.Done()
		s.mu.Lock()
		return 0, ctx.Err()
	}
	return s.version, s.down
}

func (s *source) LoadControl(context.Context) (*control.Snapshot, error) {
	defer s.lock()()
	if s.down != nil {
		return nil, s.down
	}
	return control.New(s.version, s.holds, nil, nil), nil
}

func (s *source) AckControl(_ context.Context, id, version int64) error {
	s.note("ack")
	defer s.lock()()
	if s.down == nil {
		s.acks[id] = version
	}
	return s.down
}

func newWatcher(t *testing.T, s *source, o control.Options) *control.Watcher {
	t.Helper()
	s.acks = map[int64]int64{}
	o.Source, o.Logger = s, slog.New(slog.DiscardHandler)
	if o.ProcessID == nil {
		o.ProcessID = func() int64 { return 1 }
	}
	w, err := control.NewWatcher(o)
	require.NoError(t, err)
	return w
}

// run runs w until the bubble's test ends.
func run(t *testing.T, w *control.Watcher) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

func sleep(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // synctest's clock, no waiting
	synctest.Wait()
}

// An acknowledgement that came before the claims begun under the old version
// had ended would call a pause done while a message still leaves.
func TestAcknowledgesOnlyAfterSettling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{version: 1}
		settled := make(chan error)
		w := newWatcher(t, s, control.Options{Settle: func(context.Context) error { s.note("settle"); return <-settled }})
		w.OnChange(func() { s.note("hook") })
		require.NoError(t, w.Prime(t.Context()))
		run(t, w)
		sleep(time.Second)
		require.Equal(t, []string{"hook", "settle"}, s.story)
		require.Empty(t, s.acks)
		settled <- errors.New("not yet")
		sleep(time.Second)
		require.Empty(t, s.acks, "a wait that failed proves nothing")
		settled <- nil
		synctest.Wait()
		require.Equal(t, int64(1), s.acks[1])
		require.Equal(t, []string{"hook", "settle", "settle", "ack"}, s.story)

		s.set(func() { s.version, s.holds = 2, []control.Hold{{ID: 1, OrgID: 7}} })
		sleep(300 * time.Millisecond)
		require.True(t, w.Current().Held(7, job.WhatsApp, job.SendMessage, time.Now()), "what is set counts before it is acknowledged")
		require.Equal(t, int64(1), s.acks[1])
		settled <- nil
		synctest.Wait()
		require.Equal(t, int64(2), s.acks[1])
		sleep(time.Minute)
		require.Len(t, s.story, 7, "a version is settled, told and acknowledged once")
	})
}

// While the database is away what was held must stay held, and what was set
// meanwhile is applied as soon as it is back - also if the old one hangs.
func TestOutageKeepsTheSnapshot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{version: 1, holds: []control.Hold{{ID: 1, OrgID: 7}}}
		w := newWatcher(t, s, control.Options{})
		require.NotNil(t, w.Current())
		require.NoError(t, w.Prime(t.Context()))
		run(t, w)
		sleep(time.Second)
		before := w.Current()
		s.set(func() { s.down = errors.New("refused") })
		sleep(10 * time.Second)
		require.Same(t, before, w.Current())
		s.set(func() { s.version, s.holds, s.down, s.hang = 5, nil, nil, true })
		sleep(10 * time.Second)
		require.Same(t, before, w.Current())
		s.set(func() { s.hang = false })
		sleep(3 * time.Second)
		require.Equal(t, int64(5), w.Current().Version())
		require.Equal(t, int64(5), s.acks[1])
	})
}

// A process that sent before it knows what is held would break a pause by
// being restarted.
func TestPrimeWaitsForTheSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{version: 3, down: errors.New("refused")}
		w := newWatcher(t, s, control.Options{})
		primed := make(chan error, 1)
		go func() { primed <- w.Prime(t.Context()) }()
		sleep(time.Minute)
		require.Empty(t, primed)
		require.Equal(t, int64(-1), w.Current().Version())
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, w.Known(gone), context.Canceled)
		known := make(chan error, 1)
		go func() { known <- w.Known(t.Context()) }()
		s.set(func() { s.down = nil })
		sleep(time.Second)
		require.NoError(t, <-primed)
		require.NoError(t, <-known)
		require.NoError(t, w.Known(gone), "from then on, whoever asks")
		require.Equal(t, int64(3), w.Current().Version())

		s.set(func() { s.down = errors.New("refused") })
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		require.ErrorIs(t, w.Prime(ctx), context.DeadlineExceeded)
	})
}

// An api that comes back under a new id must be counted again, or every later
// change would wait for it in vain.
func TestNewIDIsAcknowledged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &source{version: 2}
		var id int64
		w := newWatcher(t, s, control.Options{ProcessID: func() int64 { defer s.lock()(); return id }})
		require.NoError(t, w.Prime(t.Context()))
		run(t, w)
		sleep(time.Second)
		require.Empty(t, s.acks, "nobody is listed yet")
		for _, next := range []int64{8, 9} {
			s.set(func() { id = next })
			sleep(time.Second)
			require.Equal(t, int64(2), s.acks[next])
		}
	})
}

// New says at start what is missing.
func TestNewWatcherNeedsItsParts(t *testing.T) {
	t.Parallel()
	_, err := control.NewWatcher(control.Options{})
	require.ErrorContains(t, err, "required")
}
