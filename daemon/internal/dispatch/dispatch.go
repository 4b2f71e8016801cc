// Package dispatch decides which ready job goes next and by which lane: shares
// between orgs, the window of jobs outside ready, the dial. It owns the choice;
// it refuses to write job rows (the ledger's claims do) and to run anything.
//
// Cost per round: one round trip to look (promotion, backlog, window), and per
// (queue, type) with work one claim per lane.
package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Ledger is where ready jobs are.
type Ledger interface {
	Poll(ctx context.Context) (job.Outlook, error)
	Dispatch(ctx context.Context, p job.Pick) ([]job.Ticket, error)
	Take(ctx context.Context, p job.Pick, workerID int64) ([]job.Claimed, error)
	Recall(ctx context.Context, reason string, tickets []job.Ticket) (int, error)
}

// Remote is the redis lane.
type Remote interface {
	Healthy() bool
	Enqueue(ctx context.Context, q job.Queue, t job.Type, tickets []job.Ticket) (failed []job.Ticket)
}

// Runner has the slots.
type Runner interface {
	Handles(t job.Type) bool
	Reserve(n int) int
	Unreserve(n int)
	Run(ctx context.Context, c job.Claimed)
}

// Options are what a Dispatcher needs; all are required but Remote and Tick.
type Options struct {
	Ledger   Ledger
	Remote   Remote // nil: everything travels by the postgres lane
	Runner   Runner
	WorkerID int64
	Dial     func(job.Queue) int // percent of conversations that travel by the redis lane
	Logger   *slog.Logger
	Tick     func() // called after each round, for the liveness check; nil: nobody asks
}

const (
	pollEvery    = 250 * time.Millisecond
	roundTimeout = 5 * time.Second
	maxTake      = 64 // jobs per claim
	deepScan     = 5000
	deepEvery    = time.Second
)

// Dispatcher hands ready jobs to lanes. Any number of processes may run one.
type Dispatcher struct {
	o      Options
	wake   chan struct{}
	turn   int // rotates which kind is served first when slots are scarce
	routes map[route]*memory

	failing bool // the last round failed
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
}

// memory is what a route carries from one claim to the next.
type memory struct {
	turn    int       // with which org the next claim begins
	short   bool      // a claim gave less than there was room for
	deepest time.Time // when the backlog was last searched deeply
}

// New checks the options and returns a Dispatcher.
func New(o Options) (*Dispatcher, error) {
	if o.Ledger == nil || o.Runner == nil || o.Dial == nil || o.Logger == nil {
		return nil, errors.New("dispatch: Ledger, Runner, Dial and Logger are required")
	}
	if o.Tick == nil {
		o.Tick = func() {}
	}
	return &Dispatcher{o: o, wake: make(chan struct{}, 1), routes: map[route]*memory{}}, nil
}

// Wake makes the next round begin at once. It never blocks.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
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
	for ctx.Err() == nil { // also while every claim is full, or a stop would wait for the backlog
		more, err := d.Round(ctx)
		d.o.Tick()
		d.tell(ctx, err)
		if more {
			continue
		}
		select {
		case <-d.wake:
		case <-t.C:
		case <-ctx.Done():
			return
		}
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

// Round looks once and hands out what fits. It returns true when a claim was
// filled to the brim, so there is probably more.
func (d *Dispatcher) Round(ctx context.Context) (more bool, err error) {
	// A claim must not be cut off by the end of the process between its commit
	// and its job's start: the round finishes under its own deadline.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), roundTimeout)
	defer cancel()
	view, err := d.o.Ledger.Poll(ctx)
	if err != nil {
		return false, err
	}
	d.turn++
	window := d.windows(view)
	work := kinds(view.Backlog, d.o.Runner)
	for i := range work {
		k := work[(d.turn+i)%len(work)] // whoever comes first may take all free slots
		orgs := orgsOf(view.Backlog, k)
		dial := d.dial(k.queue)
		full, errLocal := d.take(ctx, k, orgs, dial)
		sent, fullRemote, errRemote := d.send(ctx, k, orgs, dial, window[k.queue])
		window[k.queue] -= sent
		more = more || full || fullRemote
		err = errors.Join(err, errLocal, errRemote)
	}
	return more && err == nil, err
}

// windows returns how many more jobs of each queue may be outside ready on the
// redis lane: a little more than the slots that could run them, so that
// everything else stays where pause, cancel and fairness can reach it.
func (d *Dispatcher) windows(view job.Outlook) map[job.Queue]int {
	size := (view.Slots*5+3)/4 + 16
	left := map[job.Queue]int{}
	for _, q := range job.Queues() {
		left[q] = size - view.InFlight[q]
	}
	return left
}

// dial is the setting, or 0 while Redis is away.
func (d *Dispatcher) dial(q job.Queue) int {
	if d.o.Remote == nil || !d.o.Remote.Healthy() {
		return 0
	}
	return min(max(d.o.Dial(q), 0), 100)
}

// take runs jobs here, by the postgres lane, as far as slots are free.
func (d *Dispatcher) take(ctx context.Context, k kind, orgs []int64, dial int) (full bool, err error) {
	if dial == 100 {
		return false, nil
	}
	n := d.o.Runner.Reserve(maxTake)
	if n == 0 {
		return false, nil
	}
	m := d.memory(k, job.LanePostgres)
	jobs, err := d.o.Ledger.Take(ctx, m.pick(k, orgs, n, dial, 100), d.o.WorkerID)
	d.o.Runner.Unreserve(n - len(jobs))
	for _, c := range jobs {
		d.o.Runner.Run(ctx, c)
	}
	m.short = m.short || len(jobs) < n
	return len(jobs) == n, err
}

// send hands jobs to the redis lane, as far as the window is open.
func (d *Dispatcher) send(ctx context.Context, k kind, orgs []int64, dial, window int) (sent int, full bool, err error) {
	n := min(window, maxTake)
	if dial == 0 || n <= 0 {
		return 0, false, nil
	}
	m := d.memory(k, job.LaneRedis)
	tickets, err := d.o.Ledger.Dispatch(ctx, m.pick(k, orgs, n, 0, dial))
	m.short = m.short || len(tickets) < n
	if err != nil || len(tickets) == 0 {
		return 0, false, err
	}
	failed := d.o.Remote.Enqueue(ctx, k.queue, k.typ, tickets)
	if len(failed) > 0 {
		_, err = d.o.Ledger.Recall(ctx, "enqueue", failed)
	}
	return len(tickets), len(tickets) == n && len(failed) == 0, err
}

func (d *Dispatcher) memory(k kind, lane job.Lane) *memory {
	r := route{k, lane}
	if d.routes[r] == nil {
		d.routes[r] = &memory{}
	}
	return d.routes[r]
}

// pick shares n places between the orgs. After a claim that left room, heads
// of backlogs may be blocked by busy conversations: at most once a second the
// next claim searches deeper. (Never more often: that costs thousands of rows
// per org.)
func (m *memory) pick(k kind, orgs []int64, n, from, to int) job.Pick {
	p := job.Pick{Queue: k.queue, Type: k.typ, Shares: shares(orgs, n, m.turn), DialFrom: from, DialTo: to}
	m.turn = (m.turn + n) % len(orgs)
	if m.short && time.Since(m.deepest) >= deepEvery {
		p.Scan = deepScan
		m.short, m.deepest = false, time.Now()
	}
	return p
}

// kinds lists the (queue, type) pairs with work that can run here, in order.
func kinds(backlog []job.Backlog, r Runner) (ks []kind) {
	for _, b := range backlog { // sorted by queue, type, org
		k := kind{b.Queue, b.Type}
		if (len(ks) == 0 || ks[len(ks)-1] != k) && r.Handles(b.Type) {
			ks = append(ks, k)
		}
	}
	return ks
}

func orgsOf(backlog []job.Backlog, k kind) (orgs []int64) {
	for _, b := range backlog {
		if b.Queue == k.queue && b.Type == k.typ {
			orgs = append(orgs, b.OrgID)
		}
	}
	return orgs
}

// shares divides n places evenly between orgs; turn says with whom to begin,
// so that a remainder does not always fall to the same ones.
func shares(orgs []int64, n, turn int) []job.Share {
	if len(orgs) == 0 {
		return nil
	}
	base, extra := n/len(orgs), n%len(orgs)
	var s []job.Share
	for i := range orgs {
		limit := base
		if i < extra {
			limit++
		}
		if limit > 0 {
			s = append(s, job.Share{OrgID: orgs[(turn+i)%len(orgs)], Limit: limit})
		}
	}
	return s
}
