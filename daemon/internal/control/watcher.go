package control

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Source is where what operators set is stored.
type Source interface {
	ControlVersion(ctx context.Context) (int64, error)
	LoadControl(ctx context.Context) (*Snapshot, error)
	AckControl(ctx context.Context, processID, version int64) error
}

// Options are what a Watcher needs. Source, ProcessID and Logger are required.
type Options struct {
	Source    Source
	ProcessID func() int64 // in workers, now: an api may get a new one; 0: not listed yet
	Logger    *slog.Logger

	// Settle returns once everything this process began to claim under an older
	// version has ended. nil: it claims nothing.
	Settle func(ctx context.Context) error
	Every  time.Duration // between looks; 0: 250 ms
}

const (
	defaultEvery = 250 * time.Millisecond
	lookTime     = 2 * time.Second // of one question to the source
	settleTime   = 5 * time.Second // of one wait for older claims; then it is tried again
)

// Watcher keeps a process's copy of what operators have set, and tells them when
// it has been applied. It is safe for concurrent use.
type Watcher struct {
	o       Options
	current atomic.Pointer[Snapshot]
	known   chan struct{} // closed by the first load
	first   sync.Once

	mu    sync.Mutex
	hooks []func()

	// Of the goroutine that looks.
	settled int64 // the version up to which older claims have ended
	acked   ack
	failing bool
}

// ack is what was acknowledged last, and as whom.
type ack struct{ processID, version int64 }

// NewWatcher checks the options and returns a Watcher that knows nothing yet.
func NewWatcher(o Options) (*Watcher, error) {
	if o.Source == nil || o.ProcessID == nil || o.Logger == nil {
		return nil, errors.New("control: Source, ProcessID and Logger are required")
	}
	o.Every = cmp.Or(o.Every, defaultEvery)
	w := &Watcher{o: o, known: make(chan struct{}), settled: -1, acked: ack{version: -1}}
	w.current.Store(New(-1, nil, nil, nil))
	return w, nil
}

// Current returns the newest snapshot, never nil. Before the first load it holds
// nothing and its version is -1: Prime before anything is sent.
func (w *Watcher) Current() *Snapshot { return w.current.Load() }

// Known waits until Current holds what operators have set; the error is that of
// ctx.
func (w *Watcher) Known(ctx context.Context) error {
	select {
	case <-w.known:
		return nil
	default:
	}
	select {
	case <-w.known:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// OnChange adds a hook, called after each swap of the snapshot and before its
// acknowledgement. It must not block.
func (w *Watcher) OnChange(hook func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hooks = append(w.hooks, hook)
}

// Prime loads the first snapshot, however long the source is silent; the error
// is that of ctx. A process that sends before would not know what is held.
func (w *Watcher) Prime(ctx context.Context) error {
	t := time.NewTicker(w.o.Every)
	defer t.Stop()
	for {
		err := w.load(ctx)
		w.tell(ctx, err)
		if err == nil {
			return nil
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Run looks for changes until ctx ends. While the source is silent the old
// snapshot stays: what was held stays held.
func (w *Watcher) Run(ctx context.Context) {
	t := time.NewTicker(w.o.Every)
	defer t.Stop()
	for {
		w.tell(ctx, w.look(ctx))
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// look is one turn: load what is new, let older claims end, acknowledge. Each
// step waits for the one before, so an acknowledgement is never early.
func (w *Watcher) look(ctx context.Context) error {
	version, err := bounded(ctx, lookTime, w.o.Source.ControlVersion)
	if err != nil {
		return err
	}
	if version != w.Current().Version() {
		if err := w.load(ctx); err != nil {
			return err
		}
	}
	due := ack{w.o.ProcessID(), w.Current().Version()}
	if due.processID == 0 || due == w.acked {
		return nil
	}
	if err := w.settle(ctx, due.version); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if err := w.o.Source.AckControl(ctx, due.processID, due.version); err != nil {
		return err
	}
	w.acked = due
	return nil
}

func (w *Watcher) load(ctx context.Context) error {
	s, err := bounded(ctx, lookTime, w.o.Source.LoadControl)
	if err != nil {
		return err
	}
	w.current.Store(s)
	w.first.Do(func() { close(w.known) })
	w.mu.Lock()
	hooks := w.hooks
	w.mu.Unlock()
	for _, hook := range hooks {
		hook()
	}
	return nil
}

func (w *Watcher) settle(ctx context.Context, version int64) error {
	if w.o.Settle == nil || w.settled == version {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	if err := w.o.Settle(ctx); err != nil {
		return err
	}
	w.settled = version
	return nil
}

// tell logs when looking begins to fail and when it works again: it happens
// four times a second.
func (w *Watcher) tell(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
		return
	case err != nil && !w.failing:
		w.o.Logger.WarnContext(ctx, "what operators set cannot be read; the last known holds", "error", err)
	case err == nil && w.failing:
		w.o.Logger.InfoContext(ctx, "what operators set is read again", "version", w.Current().Version())
	}
	w.failing = err != nil
}

func bounded[T any](ctx context.Context, limit time.Duration, ask func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return ask(ctx)
}
