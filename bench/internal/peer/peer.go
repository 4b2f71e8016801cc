// Package peer has the contenders: engines that take jobs, run them and say when
// each has run. Every one is set up as its own documentation advises for
// throughput, and the settings are part of the answer. It refuses to measure.
package peer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bandeja/inboxd/daemon/bench/internal/rig"
)

// Facts describe a contender to the reader of the table.
type Facts struct {
	Name     string
	Version  string
	Settings string
	Crash    string // what a crash of the worker, Redis or the machine costs
}

// Peer is one contender. Its jobs do nothing but tell the tally.
type Peer interface {
	Facts() Facts
	// Start sets the servers up and begins to work.
	Start(ctx context.Context, s *rig.Servers, t *Tally) error
	// Feed adds n jobs by the fastest documented way and returns when they are stored.
	Feed(ctx context.Context, n int) error
	// Send adds one job by itself and remembers when that was asked for.
	Send(ctx context.Context, at time.Time) error
	// Settled reports whether every outcome is recorded.
	Settled(ctx context.Context) (bool, error)
	// PIDs are the processes beside this one that work for the contender.
	PIDs() []int
	Stop(ctx context.Context) error
}

// Tally counts the jobs that have run, and how long those waited that know when
// they were sent.
type Tally struct {
	mu    sync.Mutex
	ran   int
	waits []time.Duration
	goal  int
	met   chan struct{}
	hold  bool // jobs never end
}

// Goal returns a channel that is closed when n more jobs have run; the waits
// begin anew.
func (t *Tally) Goal(n int) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waits, t.ran, t.goal, t.met = nil, 0, n, make(chan struct{})
	return t.met
}

// Hold makes every job go on for ever once it is counted; the channel is closed
// when n are.
func (t *Tally) Hold(n int) <-chan struct{} {
	met := t.Goal(n)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hold = true
	return met
}

// Ran counts one job, sent at a time in nanoseconds; 0: nobody asks.
func (t *Tally) Ran(sentAt int64) {
	if sentAt == 0 {
		t.Add(1)
	} else {
		t.Add(1, time.Duration(time.Now().UnixNano()-sentAt))
	}
	if t.holds() {
		select {}
	}
}

func (t *Tally) holds() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.hold
}

// Add counts n jobs and what some of them waited.
func (t *Tally) Add(n int, waits ...time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.ran
	t.ran += n
	t.waits = append(t.waits, waits...)
	if t.met != nil && before < t.goal && t.ran >= t.goal {
		close(t.met)
	}
}

// Waits returns what was collected since the last Goal.
func (t *Tally) Waits() []time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waits
}

// Count is how many jobs have run since the last Goal.
func (t *Tally) Count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ran
}

const settleEvery = 2 * time.Millisecond

// AwaitSettled returns when every outcome is recorded.
func AwaitSettled(ctx context.Context, p Peer) error {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		done, err := p.Settled(ctx)
		if done || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("outcomes are still missing: %w", ctx.Err())
		}
	}
}
