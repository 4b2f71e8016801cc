package dispatch_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/dispatch"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeLedger answers with what its functions say and remembers what it was
// asked. Nil functions answer with nothing.
type fakeLedger struct {
	outlook  job.Outlook
	pollErr  error
	take     func(context.Context, job.Pick) ([]job.Claimed, error)
	dispatch func(job.Pick) ([]job.HandOut, error)
	expired  int
	recall   func(context.Context) error

	mu         sync.Mutex
	polls      int
	takes      []job.Pick
	dispatches []job.Pick
	recalled   map[string][]job.Ticket // by reason
	olders     int                     // calls of RecallOlder
	doubts     int                     // calls of RecallOwn
	deferred   []job.Deferral
}

// answer sets what polls come to from now on.
func (l *fakeLedger) answer(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pollErr = err
}

func (l *fakeLedger) Poll(context.Context) (job.Outlook, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.polls++
	return l.outlook, l.pollErr
}

func (l *fakeLedger) Take(ctx context.Context, p job.Pick, worker int64) ([]job.Claimed, error) {
	l.mu.Lock()
	l.takes = append(l.takes, p)
	l.mu.Unlock()
	if l.take == nil || worker != workerID {
		return nil, nil
	}
	return l.take(ctx, p)
}

func (l *fakeLedger) Dispatch(_ context.Context, p job.Pick, _ int64) ([]job.HandOut, error) {
	l.mu.Lock()
	l.dispatches = append(l.dispatches, p)
	l.mu.Unlock()
	if l.dispatch == nil {
		return nil, nil
	}
	return l.dispatch(p)
}

func (l *fakeLedger) Recall(ctx context.Context, reason string, tickets []job.Ticket) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.recalled == nil {
		l.recalled = map[string][]job.Ticket{}
	}
	l.recalled[reason] = append(l.recalled[reason], tickets...)
	if l.recall != nil {
		return 0, l.recall(ctx)
	}
	return len(tickets), nil
}

func (l *fakeLedger) RecallOlder(context.Context, string, time.Duration) (int, error) {
	l.olders++
	return 0, nil
}

func (l *fakeLedger) RecallOwn(_ context.Context, _ string, worker int64) (int, error) {
	if worker == workerID {
		l.doubts++
	}
	return 0, nil
}

func (l *fakeLedger) Defer(_ context.Context, deferrals []job.Deferral, worker int64) error {
	if worker != workerID {
		return errors.New("not this worker's")
	}
	l.deferred = append(l.deferred, deferrals...)
	return nil
}

func (l *fakeLedger) Expired() int {
	n := l.expired
	l.expired = 0
	return n
}

// empty leaves nothing to do.
func (l *fakeLedger) empty() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outlook.Backlog = nil
}

func (l *fakeLedger) dispatchCount() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.dispatches)
}

func (l *fakeLedger) pollCount() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.polls
}

// fakeRemote is a redis lane that loses what lose says and, after a failure, may
// have less than its dial.
type fakeRemote struct {
	away int // percent it may not have
	lose func(job.Ticket) bool
	slow chan struct{} // until it is closed nothing arrives; nil: at once

	mu   sync.Mutex
	sent []job.Ticket
}

func (r *fakeRemote) Share() int { return 100 - r.away }

func (r *fakeRemote) Enqueue(_ context.Context, _ job.Queue, _ job.Type, tickets []job.Ticket) (failed []job.Ticket) {
	if r.slow != nil {
		<-r.slow
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range tickets {
		if r.lose != nil && r.lose(t) {
			failed = append(failed, t)
			continue
		}
		r.sent = append(r.sent, t)
	}
	return failed
}

// fakeRunner has free slots and remembers what ran; a job that ran keeps its
// slot.
type fakeRunner struct {
	knows   []job.Type // nil: messages and templates
	probing bool

	mu   sync.Mutex
	free int
	ran  []job.Claimed
}

func (r *fakeRunner) Handles(t job.Type) bool {
	known := r.knows
	if known == nil {
		known = []job.Type{job.SendMessage, job.SendTemplate}
	}
	return slices.Contains(known, t)
}

func (r *fakeRunner) Probing(job.Queue) bool { return r.probing }

func (r *fakeRunner) Reserve(_ job.Queue, n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = min(n, r.free)
	r.free -= n
	return n
}

func (r *fakeRunner) Unreserve(_ job.Queue, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free += n
}

func (r *fakeRunner) Run(_ context.Context, c job.Claimed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ran = append(r.ran, c)
}

func (r *fakeRunner) freeSlots() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.free
}

// open gives n more slots.
func (r *fakeRunner) open(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free += n
}

func (r *fakeRunner) runs() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ran)
}

const workerID = 77

// parts are what a dispatcher under test is made of; dial is for all queues.
type parts struct {
	ledger *fakeLedger
	remote *fakeRemote // nil: none
	runner *fakeRunner
	limits dispatch.Limits   // nil: nothing is limited
	set    *control.Snapshot // nil: nothing is set
	dial   int
	now    func() time.Time // nil: time.Now
	log    *slog.Logger
}

func (p *parts) build(t *testing.T) *dispatch.Dispatcher {
	t.Helper()
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	o := dispatch.Options{
		Poller: p.ledger, Ledger: p.ledger, Limits: p.limits, Runner: p.runner, WorkerID: workerID, Logger: p.log, Dial: p.dial, Now: p.now,
		Control: func() *control.Snapshot { return cmp.Or(p.set, control.New(0, nil, nil, nil)) },
	}
	if p.remote != nil {
		o.Remote = p.remote
	}
	d, err := dispatch.New(o)
	require.NoError(t, err)
	return d
}

// messages is a backlog of WhatsApp messages of these orgs.
func messages(orgs ...int64) (b []job.Backlog) {
	for _, org := range orgs {
		b = append(b, job.Backlog{Queue: job.WhatsApp, Type: job.SendMessage, OrgID: org})
	}
	return b
}

func places(p job.Pick) (n int) {
	for _, s := range p.Shares {
		n += s.Limit
	}
	return n
}

// filled answers a claim to the brim.
func filled(_ context.Context, p job.Pick) (got []job.Claimed, err error) {
	for _, s := range p.Shares {
		for range s.Limit {
			got = append(got, job.Claimed{ID: int64(len(got) + 1), Epoch: 1, OrgID: s.OrgID, Type: p.Type, Queue: p.Queue})
		}
	}
	return got, nil
}

// handOuts answers a claim of the redis lane to the brim.
func handOuts(p job.Pick) (got []job.HandOut, err error) {
	for _, s := range p.Shares {
		for range s.Limit {
			got = append(got, job.HandOut{Ticket: job.Ticket{ID: int64(len(got) + 1), Epoch: 1}, OrgID: s.OrgID, ChannelID: s.OrgID, SerialKey: int64(len(got) + 1)})
		}
	}
	return got, nil
}

// many is a number of slots that caps never fill; full is its window.
const (
	many = 1000
	full = many + 4
)

// crowd is more orgs than slots or windows have room for.
func crowd() (orgs []int64) {
	for i := range 40 {
		orgs = append(orgs, int64(1+i))
	}
	return orgs
}
