package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

// Beater proves to the others that this process lives.
type Beater interface {
	Beat(ctx context.Context, id int64) error
}

// Errors of the fence.
var (
	ErrStaleBeat = errors.New("worker: own heartbeat is too old to touch the outside")
	ErrLeaving   = errors.New("worker: the process is leaving")
)

const (
	beatEvery   = 2 * time.Second
	beatTimeout = 3 * time.Second
	fenceAfter  = 10 * time.Second
)

// Fence keeps a process that the others may be about to declare dead from
// touching the outside: without a successful beat for 10 s no new outside call
// begins. With calls of at most 8 s and death after 20 s, a cut-off process is
// quiet before its jobs are taken over. Safe for concurrent use.
type Fence struct {
	now     func() time.Time
	last    atomic.Int64 // of the last successful beat, on now's monotonic scale
	origin  time.Time
	leaving atomic.Bool
}

// NewFence starts closed; the first beat opens it. now must never go back, and
// go on while the machine is suspended.
func NewFence(now func() time.Time) *Fence {
	f := &Fence{now: now, origin: now()}
	f.last.Store(-int64(fenceAfter))
	return f
}

// Err returns why no outside call may begin now, or nil.
func (f *Fence) Err() error {
	switch {
	case f.leaving.Load():
		return ErrLeaving
	case f.Age() >= fenceAfter:
		return ErrStaleBeat
	}
	return nil
}

// Age is the time since the last successful beat.
func (f *Fence) Age() time.Duration { return f.now().Sub(f.origin) - time.Duration(f.last.Load()) }

// Leave closes the fence for good.
func (f *Fence) Leave() { f.leaving.Store(true) }

// Beat beats until ctx ends. A beat counts from the moment it was sent. It
// returns the error when dead says the process was given up, nil otherwise.
func (f *Fence) Beat(ctx context.Context, b Beater, id int64, dead error, log *slog.Logger) error {
	t := time.NewTicker(beatEvery)
	defer t.Stop()
	for {
		if err := f.Once(ctx, b, id); errors.Is(err, dead) {
			f.Leave()
			return err
		} else if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "heartbeat failed", "age_ms", f.Age().Milliseconds(), "error", err)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Once sends one beat; the first opens the fence.
func (f *Fence) Once(ctx context.Context, b Beater, id int64) error {
	ctx, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	sent := f.now().Sub(f.origin)
	if err := b.Beat(ctx, id); err != nil {
		return err
	}
	f.last.Store(int64(sent))
	return nil
}
