package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/latency"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
	"github.com/bandeja/inboxd/daemon/internal/limit"
	"github.com/bandeja/inboxd/daemon/internal/notice"
	"github.com/bandeja/inboxd/daemon/internal/store"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
	"github.com/bandeja/inboxd/daemon/internal/trace"
	"github.com/bandeja/inboxd/daemon/internal/worker"
)

// Options are what a process needs beside its settings; Level, Every,
// Stuck, Now and Processors may be left out.
type Options struct {
	Config Config
	Build  Build
	Logger *slog.Logger
	Level  *slog.LevelVar      // of Logger, for Reload; nil: it stays as it is
	Getenv func(string) string // for systemd's sockets
	PID    int
	Host   string           // as operators see it
	Every  time.Duration    // between two looks for periodic work; 0: 30 s
	Stuck  time.Duration    // a loop without a turn for so long, beyond its interval, is stuck; 0: 30 s
	Now    func() time.Time // the machine's clock, as far as times are decided here and not in a server; nil: time.Now

	Processors map[job.Type]worker.Processor // instead of our own: benchmarks run jobs that do nothing
}

// Daemon is one process of inboxd: api, worker or both.
type Daemon struct {
	o        Options
	log      *slog.Logger
	registry *prometheus.Registry
	health   *telemetry.Health
	notifier *telemetry.Notifier

	store   *store.Store
	ledger  *ledger.Ledger
	trail   *audit.Trail
	control *control.Watcher
	limiter *limit.Limiter
	tracer  *trace.Tracer // nil: nothing is traced
	tail    *latency.Tail // in modes api and all
	census  census
	skew    skew
	doors   doors
	engine  *engine // started in modes worker and all
	stops   stops

	punctuality *punctuality // nil in mode worker
	watchTop    func(ctx context.Context, tick func())
	announcer   *notice.Notifier // nil: nobody is told of alerts

	controlTurns turns

	historyDays atomic.Int64
	ready       atomic.Bool

	processID atomic.Int64 // in workers; 0: not registered yet
}

// New builds every part and binds every listener, so that a taken port or
// socket is an error here. Nothing is served and nothing outside is asked yet:
// the database may come later.
func New(ctx context.Context, o Options) (*Daemon, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Stuck = cmp.Or(o.Stuck, longestTurn)
	d := &Daemon{
		o: o, log: o.Logger, registry: telemetry.Registry(o.Build), health: telemetry.NewHealth(nil),
		notifier: telemetry.NewNotifier(o.Getenv, o.PID),
	}
	steps := []func(context.Context) error{d.buildTracer, d.openDatabase, d.bind, d.buildLimiter, d.buildEngine, d.buildAPIs}
	d.historyDays.Store(int64(o.Config.HistoryDays))
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, d.stops.run(context.WithoutCancel(ctx)))
		}
	}
	return d, nil
}

// engineLockTimeout is how long a group commit may wait for a row outside jobs
// before it goes on without the job concerned.
const engineLockTimeout = 100 * time.Millisecond

// openDatabase makes the pools and what lives on them. The engine and its
// heartbeat have pools of their own, so that slow reads of APIs and operators
// never stand in their way.
func (d *Daemon) openDatabase(ctx context.Context) error {
	reads, err := store.Open(ctx, d.pool("inboxd", 16, ""))
	if err != nil {
		return err
	}
	d.stops.push("database pool", 0, func(context.Context) error { reads.Close(); return nil })
	o := d.pool("inboxd-engine", 8, store.QueryEngine)
	o.LockTimeout, o.Lookups = engineLockTimeout, true
	hot, err := store.Open(ctx, o)
	if err != nil {
		return err
	}
	d.stops.push("engine pool", 0, func(context.Context) error { hot.Close(); return nil })
	beats, err := store.Open(ctx, d.pool("inboxd-heartbeat", 2, store.QueryEngine))
	if err != nil {
		return err
	}
	d.stops.push("heartbeat pool", 0, func(context.Context) error { beats.Close(); return nil })
	d.ledger, err = ledger.New(ledger.Options{Pool: hot, Reads: reads, Beats: beats, Logger: d.log, Registerer: d.registry})
	if err != nil {
		return err
	}
	sealer, err := d.sealer()
	if err != nil {
		return err
	}
	if d.store, err = store.New(store.Options{Pool: reads, Jobs: d.ledger, Sealer: sealer, Now: d.o.Now, Logger: d.log, Registerer: d.registry}); err != nil {
		return err
	}
	d.ledger.SetEffects(d.store)
	d.trail = audit.NewTrail(reads)
	if err := d.buildControl(); err != nil {
		return err
	}
	d.health.AddReady(telemetry.Check{Name: "postgres", Run: d.ledger.Healthy})
	d.health.AddReady(telemetry.Check{Name: "started", Run: d.started})
	return nil
}

func (d *Daemon) pool(name string, conns int32, unnamed store.QueryType) store.PoolOptions {
	return store.PoolOptions{
		DSN: d.o.Config.DatabaseURL.Reveal(), Name: name, MaxConns: conns, Hot: true, Registerer: d.registry, Unnamed: unnamed,
	}
}

// Run serves until ctx ends, then drains and stops. It returns nil after an
// ordinary stop.
func (d *Daemon) Run(ctx context.Context) error {
	failed := make(chan error, 8)
	d.doors.serve(func(err error) { failed <- err })
	// First, so that it is stopped last: a long drain is fed too.
	d.loop(ctx, "watchdog", func(ctx context.Context) {
		d.notifier.Watchdog(ctx, func() bool { return d.health.Live().OK })
	})
	d.tellStatus(ctx, "waiting for the database")
	err := d.start(ctx, failed)
	if err == nil {
		d.log.InfoContext(ctx, "ready", "mode", string(d.o.Config.Mode), "version", d.o.Build.Version,
			"api_url", d.doors.public.url(), "admin_socket", d.doors.adminSocket.path(), "metrics_url", d.doors.metrics.url()+"/metrics")
		d.tellStatus(ctx, "serving")
		d.ready.Store(true)
		d.notify(ctx, d.notifier.Ready)
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = nil
	}
	return errors.Join(err, d.stop(context.WithoutCancel(ctx)))
}

// started says whether every part works: before, a process that is rolled out
// would take the place of one that works.
func (d *Daemon) started(context.Context) error {
	if !d.ready.Load() {
		return errors.New("the process is starting")
	}
	return nil
}

// publicLimit is how long requests under way may take to end.
const publicLimit = 5 * time.Second

// start waits for the database, refuses an old schema, and lets the loops go.
func (d *Daemon) start(ctx context.Context, failed chan<- error) error {
	if err := d.awaitSchema(ctx); err != nil {
		return err
	}
	d.adoptRestored(ctx)
	d.keepHouse(ctx)
	d.keepLimits(ctx)
	d.keepLatency(ctx)
	d.keepSLA(ctx)
	work := d.attend
	if d.o.Config.Mode.RunsJobs() {
		work = func(ctx context.Context) error { return d.engine.start(ctx, failed) }
	}
	if err := work(ctx); err != nil {
		return err
	}
	if d.o.Config.Mode.ServesAPI() {
		d.errand(ctx, "operations", d.ledger.RunOperations)
		d.errand(ctx, "live picture", d.watchTop)
		if d.announcer != nil {
			d.errand(ctx, "alert messages", d.announcer.Run)
		}
	}
	if d.doors.public != nil {
		d.watchDoor(ctx)
		d.stops.push("public requests", publicLimit, d.doors.public.close)
	}
	return nil
}

// stop ends everything in order, each step within its own time, so that a
// client that trickles its request cannot use up the drain: first what the
// public has begun, then running jobs, then the doors of operators, the pools
// last.
func (d *Daemon) stop(ctx context.Context) error {
	d.log.InfoContext(ctx, "stopping", "drain_ms", d.o.Config.Drain.Milliseconds())
	d.tellStatus(ctx, "draining")
	d.notify(ctx, func() error { return d.notifier.Stopping(d.o.Config.Drain + stopMargin) })
	d.health.Drain()
	err := d.stops.run(ctx)
	d.log.InfoContext(ctx, "stopped")
	return err
}

// stopMargin is what stopping may take beside the drain: requests under way,
// the last commits, the pools.
const stopMargin = 25 * time.Second

// tellStatus sets the line that systemctl status shows.
func (d *Daemon) tellStatus(ctx context.Context, what string) {
	line := fmt.Sprintf("%s, mode %s, %s", d.o.Build.Version, d.o.Config.Mode, what)
	d.notify(ctx, func() error { return d.notifier.Status(line) })
}

func (d *Daemon) notify(ctx context.Context, send func() error) {
	if err := send(); err != nil {
		d.log.WarnContext(ctx, "service manager not reached", "error", err)
	}
}

// stops is what must be undone, in the opposite order.
type stops struct {
	mu    sync.Mutex
	named []namedStop
}

type namedStop struct {
	name  string
	limit time.Duration
	stop  func(context.Context) error
}

// stopLimit is the time of a step that names none.
const stopLimit = 3 * time.Second

// push adds a step; 0 means stopLimit.
func (s *stops) push(name string, most time.Duration, stop func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named = append(s.named, namedStop{name, cmp.Or(most, stopLimit), stop})
}

// run stops everything once; a second call does nothing. Each step has its own
// time, whatever happened to ctx or to the steps before.
func (s *stops) run(ctx context.Context) error {
	s.mu.Lock()
	named := s.named
	s.named = nil
	s.mu.Unlock()
	var errs []error
	for _, n := range slices.Backward(named) {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.limit)
		if err := n.stop(limited); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", n.name, err))
		}
		cancel()
	}
	return errors.Join(errs...)
}
