package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/dispatch"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/lane"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
	"github.com/bandeja/inboxd/daemon/internal/meta"
	"github.com/bandeja/inboxd/daemon/internal/secret"
	"github.com/bandeja/inboxd/daemon/internal/worker"
)

const (
	strayEvery = 5 * time.Second
	strayAge   = 15 * time.Second // longer than any claim can be under way

	cancelEvery = 2 * time.Second

	// longestTurn bounds a turn of every loop, a dispatch round first of all,
	// whatever the outside does: its calls have deadlines of seconds. Beyond it the
	// loop is stuck.
	longestTurn = 30 * time.Second
)

// engine is the part of a process that runs jobs.
type engine struct {
	d          *Daemon
	log        *slog.Logger
	fence      *worker.Fence
	pool       *worker.Pool
	remote     *lane.Redis // nil without Redis
	committer  *ledger.Committer
	dispatcher *dispatch.Dispatcher
	upkeep     *upkeep
	id         int64 // in workers

	dispatchTurns turns
}

// buildEngine prepares what does not need the database yet. Redis is known in
// every mode: an api shows operators whether it answers.
func (d *Daemon) buildEngine(context.Context) error {
	e := &engine{d: d, log: d.log, fence: worker.NewFence(bootTime)}
	if r := d.o.Config.Redis; r.Configured() {
		var err error
		e.remote, err = lane.New(lane.Options{
			Address: lane.Address{
				Addrs: r.Addrs, Master: r.Master, Username: r.Username, Password: r.Password.Reveal(), DB: r.DB, TLS: r.TLS,
			},
			Queues: job.Queues(), Slots: d.slotsOf, Free: func(q job.Queue) int { return e.pool.Free(q) },
			Handler: func(ctx context.Context, q job.Queue, t job.Ticket) error { return e.pool.Handle(ctx, q, t) },
			Logger:  d.log, Registerer: d.registry,
		})
		if err != nil {
			return err
		}
		d.stops.push("redis lane", 0, func(context.Context) error { return e.remote.Stop() })
	}
	d.engine = e
	return nil
}

// start registers the process and lets its loops go. Stops are pushed so that
// they run: dispatch and lane stop pulling, jobs drain, outcomes are
// committed, the process signs off, the heart stops.
func (e *engine) start(ctx context.Context, failed chan<- error) error {
	if err := e.assemble(ctx); err != nil {
		return err
	}
	if err := e.fence.Once(ctx, e.d.ledger, e.id); err != nil {
		e.log.WarnContext(ctx, "first heartbeat failed; nothing is sent before one succeeds", "error", err)
	}
	e.d.loop(ctx, "heartbeat", func(ctx context.Context) {
		if err := e.fence.Beat(ctx, e.d.watchBeats(), e.id, ledger.ErrDeclaredDead, e.log); err != nil {
			failed <- err
		}
	})
	e.d.stops.push("registration", 0, func(ctx context.Context) error { return e.d.ledger.Deregister(ctx, e.id) })
	e.d.control.OnChange(e.obeyDrain(ctx))
	e.d.control.OnChange(e.dispatcher.Wake)
	if err := e.d.watchControl(ctx); err != nil {
		return err
	}
	e.committer.Watch(e.d.watched("commit of starts"), e.d.watched("commit of outcomes"))
	e.d.loop(ctx, "group commit", e.committer.Run)
	e.d.loop(ctx, "reconciler", e.reconciler().Run)
	e.d.loop(ctx, "strays", e.releaseStrays)
	e.d.loop(ctx, "cancels", e.stopCancelled)
	if e.remote != nil {
		e.d.stops.push("redis pulling", 0, func(context.Context) error { e.remote.Halt(); return nil })
		if err := e.remote.Start(ctx); err != nil {
			return err
		}
	}
	e.d.stops.push("running jobs", e.d.o.Config.Drain+stopLimit, e.drain)
	e.d.loop(ctx, "listener", func(ctx context.Context) { e.d.ledger.Listen(ctx, e.dispatcher.Bell()) })
	e.dispatchTurns.begin(e.d.health, "dispatch", e.d.o.Stuck)
	e.d.loop(ctx, "dispatch", e.dispatcher.Run)
	e.d.loop(ctx, "periodic work", e.upkeep.run)
	return nil
}

// assemble makes the parts that carry the process's id.
func (e *engine) assemble(ctx context.Context) error {
	c := e.d.o.Config
	var err error
	if e.id, err = e.d.register(ctx, c.Slots); err != nil {
		return err
	}
	client, err := meta.NewClient(meta.Options{
		GraphURL: c.Meta.GraphURL, InstagramURL: c.Meta.InstagramURL, Version: c.Meta.GraphVersion,
		AppID: c.Meta.AppID, AppSecrets: secret.RevealAll(c.Meta.AppSecrets), Fence: e.fence.Err,
	})
	if err != nil {
		return err
	}
	e.d.stops.push("provider connections", 0, func(context.Context) error { client.Close(); return nil })
	e.upkeep = newUpkeep(e.d, client)
	send := &worker.Send{Outbox: e.d.store, Sender: client, Pauser: e.d.store, Keeper: e.d.store, Now: e.d.o.Now, Logger: e.log}
	processors := map[job.Type]worker.Processor{
		job.SendMessage: send, job.SendTemplate: send,
		job.SyncSpend: e.upkeep.spend(client), job.RefreshToken: e.upkeep.refresh(client),
		job.RunAutomation: &worker.Automation{Runner: e.d.store},
	}
	maps.Copy(processors, e.d.o.Processors)
	e.committer = e.d.ledger.NewCommitter(e.id)
	e.pool, err = worker.New(worker.Options{
		Slots: c.Slots, Processors: processors,
		Recorder: e.committer, Recaller: e.d.ledger, Cooler: e.d.ledger, Fence: e.fence.Err, Freed: func() { e.dispatcher.Freed() },
		Logger: e.log, Registerer: e.d.registry, Tracer: e.d.tracer,
	})
	if err != nil {
		return err
	}
	o := dispatch.Options{
		Poller: e.d.ledger.NewPoller(), Ledger: e.d.ledger, Runner: e.pool, WorkerID: e.id, Logger: e.log,
		Control: e.d.control.Current, Dial: c.Dial, Limits: e.d.limiter, Now: bootTime,
		Tick: e.dispatchTurns.turn, Registerer: e.d.registry,
	}
	if e.remote != nil {
		o.Remote = e.remote
	}
	e.dispatcher, err = dispatch.New(o)
	return err
}

func (e *engine) reconciler() *ledger.Reconciler {
	o := ledger.ReconcilerOptions{NewMark: rand.Text, Self: e.id, BeatAge: e.fence.Age, Tick: e.d.watched("reconciler")}
	if e.remote != nil {
		o.Remote = e.remote
	}
	return e.d.ledger.NewReconciler(o)
}

// drain lets running jobs end. Nothing new begins towards the outside: what
// has not been sent yet goes back to ready for other workers at once.
func (e *engine) drain(ctx context.Context) error {
	e.fence.Leave()
	if e.remote != nil {
		e.remote.Pause()
	}
	telling, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	if err := e.d.ledger.Drain(telling, e.id); err != nil {
		e.log.WarnContext(ctx, "others were not told of the drain", "error", err)
	}
	if left := e.pool.Drain(ctx); left > 0 {
		e.log.ErrorContext(ctx, "drain ended with jobs still running; the reconciler will take them over", "count", left)
	}
	return nil
}

// obeyDrain returns a hook that makes this process rest while an operator drains
// it. It stands before the acknowledgement; what is on its way under our name is
// called back beside it.
func (e *engine) obeyDrain(ctx context.Context) func() {
	begun := make(chan struct{}, 1)
	e.d.loop(ctx, "drain by operators", func(ctx context.Context) {
		for {
			select {
			case <-begun:
				if n, err := e.d.ledger.RecallOwn(ctx, "drain", e.id); err != nil || n > 0 {
					e.log.InfoContext(ctx, "drained: handed back what was on its way", "count", n, "error", err)
				}
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		drained := e.d.control.Current().Drained(e.id)
		e.pool.Rest(drained)
		if e.remote != nil {
			e.remote.Rest(drained)
		}
		if drained {
			select {
			case begun <- struct{}{}:
			default:
			}
		}
	}
}

func (e *engine) releaseStrays(ctx context.Context) {
	e.d.every(ctx, strayEvery, "strays", func(ctx context.Context) error {
		_, err := e.d.ledger.ReleaseStrays(ctx, e.id, strayAge, e.pool.Holds)
		return err
	})
}

// stopCancelled asks running jobs to end that somebody wants cancelled.
func (e *engine) stopCancelled(ctx context.Context) {
	e.d.every(ctx, cancelEvery, "cancels", func(ctx context.Context) error {
		tickets, err := e.d.ledger.CancelRequests(ctx, e.id)
		for _, t := range tickets {
			e.pool.Stop(t)
		}
		return err
	})
}

// slotsOf is how many jobs of a queue this process runs at once, at most.
func (d *Daemon) slotsOf(q job.Queue) int {
	if q.Background() {
		return job.BackgroundSlots(d.o.Config.Slots)
	}
	return d.o.Config.Slots
}

// loop runs f in the background until its turn to stop comes, which is not
// when ctx ends: the order of stopping matters.
func (d *Daemon) loop(ctx context.Context, name string, f func(context.Context)) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { f(ctx) })
	d.stops.push(name, 0, func(context.Context) error { cancel(); wg.Wait(); return nil })
}

// every calls f at once and then at each interval until ctx ends. A turn has
// five seconds; its error is a warning, the next turn tries again. One that
// does not come back stops the watchdog.
func (d *Daemon) every(ctx context.Context, interval time.Duration, name string, f func(context.Context) error) {
	tick := d.health.Loop(name, interval+d.o.Stuck)
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		turn, cancel := context.WithTimeout(ctx, 5*time.Second)
		if err := f(turn); err != nil && !errors.Is(err, context.Canceled) {
			d.log.WarnContext(ctx, "housekeeping failed", "task", name, "error", err)
		}
		cancel()
		tick()
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}
