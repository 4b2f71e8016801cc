// Package worker runs jobs: slots, deadlines, the heartbeat with its fence, and
// one processor file per job type. It owns the rule that every start is
// claimed and every outcome durable before a lane may forget its copy. It
// refuses to know where jobs come from (dispatch and lane do) and how they are
// stored (ledger does).
package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/trace"
)

// Processor does the work of one job type. It returns what the attempt came
// to, also when ctx ended; it calls the fence before anything with an outside
// effect.
type Processor interface {
	Process(ctx context.Context, c job.Claimed) job.Result
}

// Recorder makes starts and finishes durable. Start's false means: not ours,
// forget it.
type Recorder interface {
	Start(ctx context.Context, t job.Ticket) (job.Claimed, bool, error)
	Finish(ctx context.Context, c job.Claimed, r job.Result) (bool, error)
}

// Recaller takes dispatched jobs back to ready.
type Recaller interface {
	Recall(ctx context.Context, reason string, tickets []job.Ticket) (int, error)
}

// Cooler makes dispatchers leave alone what the provider has throttled. It
// reports whether a rest began.
type Cooler interface {
	CoolDown(ctx context.Context, c job.Cooldown) (bool, error)
}

// Options are what a Pool needs; all are required but Cooler, Fence, Freed,
// Registerer and Tracer.
type Options struct {
	Slots      int    // sends running at once, both lanes together; at least 1
	Background int    // background jobs running at once; zero: job.BackgroundSlots(Slots)
	Cooler     Cooler // nil: throttles cool nothing down
	Processors map[job.Type]Processor
	Recorder   Recorder
	Recaller   Recaller
	Fence      func() error // an error: nothing may be claimed now; nil: always open
	Freed      func()       // called when a job has ended and its slot is free; nil: nobody cares
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Tracer     *trace.Tracer // nil: jobs are not traced
}

// fencePause is between two looks at a closed fence.
const fencePause = 100 * time.Millisecond

// ErrDraining says that the pool takes no new work.
var ErrDraining = errors.New("worker: draining")

// Pool runs claimed jobs in a bounded number of slots shared by both lanes, so
// that total concurrency towards the provider never depends on the dial.
//
// Sends and background queues have slots of their own: long reads never stand
// in the way of messages.
type Pool struct {
	o          Options
	sends      chan struct{}
	background chan struct{}
	busy       prometheus.Gauge
	times      *times
	outage     *outage

	mu       sync.Mutex
	running  map[job.Ticket]context.CancelFunc // claimed or being claimed here; nil until it runs
	draining bool
	wg       sync.WaitGroup
	quit     chan struct{} // closed when draining begins
	resting  bool
	rest     chan struct{} // closed while resting
}

// New checks the options and returns a Pool.
func New(o Options) (*Pool, error) {
	if o.Slots < 1 || o.Recorder == nil || o.Recaller == nil || o.Logger == nil {
		return nil, errors.New("worker: Slots, Recorder, Recaller and Logger are required")
	}
	if o.Freed == nil {
		o.Freed = func() {}
	}
	if o.Fence == nil {
		o.Fence = func() error { return nil }
	}
	p := &Pool{
		o: o, sends: make(chan struct{}, o.Slots), background: make(chan struct{}, cmp.Or(o.Background, job.BackgroundSlots(o.Slots))),
		running: map[job.Ticket]context.CancelFunc{}, quit: make(chan struct{}), rest: make(chan struct{}), outage: newOutage(),
		times: newTimes(),
		busy:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "inboxd_slots_busy", Help: "Slots in use in this process."}),
	}
	if o.Registerer != nil {
		slots := prometheus.NewGauge(prometheus.GaugeOpts{Name: "inboxd_slots", Help: "Slots of this process, for messages and for background work."})
		slots.Set(float64(cap(p.sends) + cap(p.background)))
		o.Registerer.MustRegister(p.busy, slots, p.times.wait, p.times.run, p.times.e2e)
	}
	return p, nil
}

// Handles reports whether this pool has a processor for the type.
func (p *Pool) Handles(t job.Type) bool { return p.o.Processors[t] != nil }

// slots are those that serve q.
func (p *Pool) slots(q job.Queue) chan struct{} {
	if q.Background() {
		return p.background
	}
	return p.sends
}

// Free is how many slots of q's are free at this moment.
func (p *Pool) Free(q job.Queue) int { slots := p.slots(q); return cap(slots) - len(slots) }

// Probing reports whether the queue's provider has stopped answering.
func (p *Pool) Probing(q job.Queue) bool { return p.outage.on(q) }

// Reserve takes up to n free slots of q's without waiting and returns how many it
// got. Each is used up by Run or given back by Unreserve. Behind a closed fence
// there are none: a job claimed there would only be released again.
func (p *Pool) Reserve(q job.Queue, n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.draining || p.resting || p.o.Fence() != nil {
		return 0
	}
	slots := p.slots(q)
	for got := range n {
		select {
		case slots <- struct{}{}:
			p.wg.Add(1)
		default:
			return got
		}
	}
	return n
}

// Unreserve gives n reserved slots back. Nobody is told: no job has ended, so
// nothing new can be claimed.
func (p *Pool) Unreserve(q job.Queue, n int) {
	slots := p.slots(q)
	for range n {
		<-slots
		p.wg.Done()
	}
}

func (p *Pool) release(q job.Queue) {
	<-p.slots(q)
	p.wg.Done()
	p.o.Freed()
}

// Run runs a job that the postgres lane has claimed in a reserved slot, and
// returns at once. A copy of the same hand-out that is being claimed here, of
// before a crash of the database, goes first: the job is found as a stray then.
func (p *Pool) Run(ctx context.Context, c job.Claimed) {
	t := job.Ticket{ID: c.ID, Epoch: c.Epoch}
	if !p.enter(t) {
		p.o.Logger.WarnContext(ctx, "a job was claimed that is being claimed here already", "job", t.String())
		p.release(c.Queue)
		return
	}
	go func() {
		defer p.release(c.Queue)
		p.execute(ctx, c)
	}()
}

// Handle runs one copy from the redis lane's queue q: it waits for a slot,
// claims the job and runs it. Nil means the copy may be forgotten: the outcome is durable
// or the job is not ours. An error means it must come again.
func (p *Pool) Handle(ctx context.Context, q job.Queue, t job.Ticket) error {
	if !p.enter(t) {
		return nil // the same copy, delivered twice to this process
	}
	err := p.awaitFence(ctx)
	if err == nil {
		err = p.acquire(ctx, q)
	}
	if err != nil {
		p.leave(t)
		if errors.Is(err, ErrDraining) {
			return p.sendBack(ctx, t)
		}
		return err
	}
	defer p.release(q)
	c, ok, err := p.o.Recorder.Start(ctx, t)
	if ok {
		p.execute(ctx, c)
		return nil
	}
	p.leave(t)
	if err != nil {
		return fmt.Errorf("claim job %s: %w", t, err)
	}
	return nil
}

// awaitFence holds a copy back while this process may not touch the outside:
// it would claim the job only to release it.
func (p *Pool) awaitFence(ctx context.Context) error {
	rest := p.restBegins()
	for p.o.Fence() != nil {
		select {
		case <-rest:
			return ErrDraining
		case <-time.After(fencePause):
		case <-ctx.Done():
			return fmt.Errorf("wait for the fence: %w", ctx.Err())
		case <-p.quit:
			return ErrDraining
		}
	}
	return nil
}

// acquire waits for a slot. The WaitGroup is entered under the lock that sets
// draining, so Drain's Wait never meets an Add.
func (p *Pool) acquire(ctx context.Context, q job.Queue) error {
	slots := p.slots(q)
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("wait for a slot: %w", ctx.Err())
	case <-p.quit:
		return ErrDraining
	case <-p.restBegins():
		return ErrDraining
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.draining || p.resting {
		<-slots
		return ErrDraining
	}
	p.wg.Add(1)
	return nil
}

// sendBack makes a copy that a draining process received ready for others.
func (p *Pool) sendBack(ctx context.Context, t job.Ticket) error {
	if _, err := p.o.Recaller.Recall(ctx, "drain", []job.Ticket{t}); err != nil {
		return errors.Join(ErrDraining, err)
	}
	return nil
}

func (p *Pool) enter(t job.Ticket) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.running[t]; ok {
		return false
	}
	p.running[t] = nil
	return true
}

func (p *Pool) leave(t job.Ticket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, t)
}

// execute runs a claimed job under its own deadline (never the lane's) and
// returns when the outcome is durable. A job whose outcome could not be
// recorded stays held here for good: its effect may have happened, so it must
// not pass for a claim that was never begun.
func (p *Pool) execute(ctx context.Context, c job.Claimed) {
	p.busy.Inc() // not by p.running: copies that wait for a slot are there too
	defer p.busy.Dec()
	ctx, span := p.trace(context.WithoutCancel(ctx), c)
	defer span.End()
	started := time.Now()
	r := p.process(ctx, c)
	elapsed := time.Since(started)
	r = p.pressure(ctx, c, r)
	recorded, err := p.commit(ctx, c, r)
	endedAs(span, r, err)
	p.times.observe(ctx, c, r, elapsed, recorded)
	if err == nil {
		p.leave(job.Ticket{ID: c.ID, Epoch: c.Epoch})
	}
	p.say(ctx, c, r, elapsed, recorded, err)
}

// say logs what became of an attempt. The ordinary end is written for whoever
// debugs only, and costs nobody else the line.
func (p *Pool) say(ctx context.Context, c job.Claimed, r job.Result, elapsed time.Duration, recorded bool, err error) {
	if err == nil && r.Verdict == job.Succeed && !p.o.Logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	log := p.o.Logger.With("job", c.ID, "job_type", c.Type.String(), "org_id", c.OrgID, "lane", c.Lane.String(),
		"attempt", c.Attempt, "duration_ms", elapsed.Milliseconds())
	switch {
	case err != nil:
		log.ErrorContext(ctx, "outcome not recorded", "error", err)
	case !recorded && r.Verdict == job.Succeed:
		log.DebugContext(ctx, "job done, and settled before we could say so")
	case !recorded:
		log.WarnContext(ctx, "outcome came too late", "error_class", string(r.Class))
	case r.Verdict == job.Succeed:
		log.DebugContext(ctx, "job done")
	default:
		log.InfoContext(ctx, "attempt failed", "error_class", string(r.Class), "code", r.Code, "error", r.Detail)
	}
}

func (p *Pool) process(ctx context.Context, c job.Claimed) (r job.Result) {
	policy := job.PolicyOf(c.Type)
	ctx, cancel := context.WithTimeout(ctx, policy.Timeout)
	defer cancel()
	if !policy.AtMostOnce { // a send that has begun is not cut off: that would only make doubt
		p.stoppable(job.Ticket{ID: c.ID, Epoch: c.Epoch}, cancel)
	}
	defer func() {
		if v := recover(); v != nil {
			p.o.Logger.ErrorContext(ctx, "processor panicked", "job", c.ID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			r = job.Result{Verdict: job.Doubt, Class: job.ClassPanic, Detail: "the processor panicked"}
		}
	}()
	proc := p.o.Processors[c.Type]
	switch {
	case proc == nil:
		return job.Result{Verdict: job.Fail, Class: job.ClassConfig, Detail: "this version has no processor for " + c.Type.String()}
	case time.Now().After(c.Deadline):
		return job.Result{Verdict: job.Fail, Class: job.ClassDeadline, Detail: "too late to be useful: the deadline has passed"}
	}
	return proc.Process(ctx, c)
}

// Drain refuses new work and waits until every running job has its outcome
// recorded, or ctx ends; it returns how many were left.
func (p *Pool) Drain(ctx context.Context) int {
	p.mu.Lock()
	if !p.draining {
		p.draining = true
		close(p.quit)
	}
	p.mu.Unlock()
	done := make(chan struct{})
	go func() { p.wg.Wait(); close(done) }()
	select {
	case <-done:
		return 0
	case <-ctx.Done():
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.running)
	}
}

// Holds reports whether this copy is being claimed or run here.
func (p *Pool) Holds(t job.Ticket) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.running[t]
	return ok
}

// stoppable remembers how to stop a job that runs.
func (p *Pool) stoppable(t job.Ticket, stop context.CancelFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[t] = stop
}

// Stop asks a running job to end. Sends are let end: a few seconds, and what
// becomes of them is recorded as it is.
func (p *Pool) Stop(t job.Ticket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if stop := p.running[t]; stop != nil {
		stop()
	}
}
