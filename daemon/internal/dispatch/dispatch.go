// Package dispatch decides which ready job goes next and by which lane. Every
// rule of going first is here and applied once, when rows leave ready: fair
// shares between orgs (ring), how much of an org or a queue may be under way
// (caps, window), tokens (tokens), pacing of numbers and pairs (pace), holds,
// cool-downs and the dial. It refuses to write job rows (the ledger's claims do)
// and to run anything.
//
// Cost per round: one round trip to look (promotion, backlog, what is under way
// and what is blocked), and per (queue, type, lane) with work one call for
// tokens, one claim and one call for pacing; again for what a first claim left
// over while some org has more.
//
// The wait of an org with a ready row that no limit, hold or cap stops is at
// most (window + quantum × active orgs) ÷ throughput, whatever the others have
// queued: TestWaitBound.
package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Poller looks at the ledger.
type Poller interface {
	Poll(ctx context.Context) (job.Outlook, error)
}

// Ledger is where ready jobs are.
type Ledger interface {
	Dispatch(ctx context.Context, p job.Pick, workerID int64) ([]job.HandOut, error)
	Take(ctx context.Context, p job.Pick, workerID int64) ([]job.Claimed, error)
	Recall(ctx context.Context, reason string, tickets []job.Ticket) (int, error)
	RecallOlder(ctx context.Context, reason string, age time.Duration) (int, error)
	RecallOwn(ctx context.Context, reason string, workerID int64) (int, error)
	Defer(ctx context.Context, deferrals []job.Deferral, workerID int64) error
	Expired() int
}

// Limits hands out what may leave for the provider.
type Limits interface {
	Take(ctx context.Context, wants []job.Want) []job.Grant
	Return(ctx context.Context, wants []job.Want, grants []job.Grant, unused []int)
	Clear(ctx context.Context, passages []job.Passage) []job.Clearance
}

// Remote is the redis lane.
type Remote interface {
	// Share is the percent of the dial that may be used now: 0 while Redis is
	// away, less than 100 while it comes back.
	Share() int
	Enqueue(ctx context.Context, q job.Queue, t job.Type, tickets []job.Ticket) (failed []job.Ticket)
}

// Runner has the slots.
type Runner interface {
	Handles(t job.Type) bool
	// Probing reports whether the queue's provider has stopped answering: then
	// one job at a time asks whether it is back.
	Probing(q job.Queue) bool
	Reserve(q job.Queue, n int) int
	Unreserve(q job.Queue, n int)
	Run(ctx context.Context, c job.Claimed)
}

// Options are what a Dispatcher needs; all are required but Remote, Limits, Tick
// and Registerer.
type Options struct {
	Poller   Poller
	Ledger   Ledger
	Limits   Limits // nil: nothing is limited
	Remote   Remote // nil: everything travels by the postgres lane
	Runner   Runner
	WorkerID int64
	Control  func() *control.Snapshot
	Dial     int // percent of conversations by the redis lane where nobody has set another
	Logger   *slog.Logger
	Tick     func()           // called after each round, for the liveness check; nil: nobody asks
	Now      func() time.Time // goes on while the process is frozen or the machine suspended; nil: time.Now

	Registerer prometheus.Registerer // nil: metrics are kept but not exposed
}

const (
	pollEvery    = 250 * time.Millisecond
	roundTimeout = 5 * time.Second
	maxTake      = 256         // jobs per claim: a job costs half of what it does in a claim of 64
	maxRound     = 4 * maxTake // jobs per route and look: under load a look costs as much as a claim
	deepScan     = 5000
	deepEvery    = time.Second
	freedPause   = 10 * time.Millisecond // from one round to the next that only a job's end asks for
	breakerAge   = 2 * time.Second       // copies older than this are recalled while Redis is away

	// staleClaim is the age from which a claim is not begun any more: this process
	// was frozen, and others may believe that the answer of the claim got lost.
	// They wait longer than this before they do.
	staleClaim = 8 * time.Second
)

// Dispatcher hands ready jobs to lanes. Any number of processes may run one.
type Dispatcher struct {
	o       Options
	wake    chan struct{}
	freed   chan struct{}
	turn    int // rotates which kind is served first when slots are scarce
	routes  map[route]*memory
	tokens  *tokens
	paced   map[int64]time.Time // channels whose number has sent enough, until then
	windows window
	metrics *metrics

	couriers *couriers

	failing  bool      // the last round failed
	doubtful bool      // the answer of a claim for the redis lane was lost
	idle     bool      // places were left over in the last round
	recalled time.Time // when copies were last recalled because Redis is away
}

type kind struct {
	queue job.Queue
	typ   job.Type
}

// route is one kind by one lane. Each remembers for itself: sharing would let
// the lanes fall into step, one org always by this lane, the other by that.
type route struct {
	kind
	lane job.Lane
	page int // of the backlog: a turn on one page says nothing of another
}

// memory is what a route carries from one claim to the next.
type memory struct {
	ring    ring
	short   bool      // a claim gave less than there was room for
	deepest time.Time // when the backlog was last searched deeply
}

// New checks the options and returns a Dispatcher.
func New(o Options) (*Dispatcher, error) {
	if o.Poller == nil || o.Ledger == nil || o.Runner == nil || o.Control == nil || o.Logger == nil {
		return nil, errors.New("dispatch: Poller, Ledger, Runner, Control and Logger are required")
	}
	if o.Tick == nil {
		o.Tick = func() {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Dispatcher{
		o: o, wake: make(chan struct{}, 1), freed: make(chan struct{}, 1), routes: map[route]*memory{},
		tokens: newTokens(o.Limits), paced: map[int64]time.Time{}, metrics: newMetrics(o.Registerer),
	}
	d.couriers = &couriers{remote: o.Remote, ledger: o.Ledger, back: d.Wake}
	return d, nil
}

// Wake makes the next round begin at once. It never blocks.
func (d *Dispatcher) Wake() { signal(d.wake) }

// Freed says that a job has ended: its slot, its place in its org's share and
// its conversation are free. Under load jobs end all the time, and a round for
// each would cost more than the jobs, so these rounds keep a distance. It never
// blocks.
func (d *Dispatcher) Freed() { signal(d.freed) }

func signal(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// Bell is the channel behind Wake, for a listener to signal.
func (d *Dispatcher) Bell() chan<- struct{} { return d.wake }

// Run makes rounds until ctx ends: when woken, and every 250 ms in case a
// wake-up was lost.
func (d *Dispatcher) Run(ctx context.Context) {
	t := time.NewTicker(pollEvery)
	defer t.Stop()
	defer d.couriers.wait()
	for ctx.Err() == nil { // also while every claim is full, or a stop would wait for the backlog
		began := time.Now()
		more, err := d.round(ctx)
		d.o.Tick()
		d.tell(ctx, err)
		if !more {
			d.await(ctx, t.C, began.Add(freedPause))
		}
	}
}

// await returns when there is a reason for a round.
func (d *Dispatcher) await(ctx context.Context, poll <-chan time.Time, next time.Time) {
	select {
	case <-d.wake:
		return
	case <-poll:
		return
	case <-ctx.Done():
		return
	case <-d.freed:
	}
	pause := time.NewTimer(time.Until(next))
	defer pause.Stop()
	select {
	case <-d.wake: // new work does not wait for the distance
	case <-pause.C:
	case <-ctx.Done():
	}
}

// tell logs when rounds begin to fail and when they work again, not each
// failure: they come four times a second.
func (d *Dispatcher) tell(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err != nil && !d.failing:
		d.o.Logger.WarnContext(ctx, "dispatch fails", "error", err)
	case err == nil && d.failing:
		d.o.Logger.InfoContext(ctx, "dispatch works again")
	}
	d.failing = err != nil
}
