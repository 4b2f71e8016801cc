package latency

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

// Mark is a moment in the order of commits: a snapshot of PostgreSQL, and the
// time it was taken by the database's clock.
type Mark struct {
	Snapshot string
	At       time.Time
}

// Cursor is where reading between two marks goes on: transactions of which
// everything was read.
type Cursor struct{ History, Events uint64 }

// Log is history and events.
type Log interface {
	// Mark returns the present one.
	Mark(ctx context.Context) (Mark, error)
	// EndedBetween returns some of the rows that were committed after from and
	// not after to, and the cursor for the next call; more is false at the end.
	// Whole transactions only, each once.
	EndedBetween(ctx context.Context, from, to Mark, c Cursor) (rows []Ended, next Cursor, more bool, err error)
	// EndedWithin calls each with the rows that ended from since on and before
	// until and were committed by the mark (empty: now). orgID 0 means all orgs.
	EndedWithin(ctx context.Context, at Mark, since, until time.Time, orgID int64, each func(Ended)) error
}

// Orgs knows their names.
type Orgs interface {
	OrgNames(ctx context.Context, ids []int64) (map[int64]string, error)
}

// Depths counts what waits.
type Depths interface {
	Depths(ctx context.Context) ([]Depth, error)
}

// Options are what a Tail needs; all down to Logger are required.
type Options struct {
	Log     Log
	Rollups Rollups
	Orgs    Orgs
	Depths  Depths
	Logger  *slog.Logger

	Registerer prometheus.Registerer  // nil: metrics are kept but not exposed
	Labels     telemetry.LabelOptions // which orgs have series of their own
	Bytes      int                    // most memory for single orgs; 0: 96 MiB

	// Watch is told of a task that begins and of the longest time from turn to turn;
	// what it returns is called after each. Nil: nobody watches.
	Watch func(task string, most time.Duration) (tick func())
}

const (
	turnEvery   = time.Second
	depthEvery  = 15 * time.Second
	rollupEvery = time.Minute

	pageTimeout   = 10 * time.Second
	loadTimeout   = 2 * time.Minute
	rollupTimeout = 5 * time.Minute
	depthTimeout  = 5 * time.Second

	loadChunk = 5 * time.Minute // of history, per statement
	loadSpan  = 72 * time.Minute
	// freshMark is how old the roll-ups may be for the tail to begin where they
	// end: then the day is exact. Else it begins now.
	freshMark = 10 * time.Minute
)

// Tail follows the log in one process. Every process that shows latency or the
// metrics of jobs has one; all count the same.
type Tail struct {
	o       Options
	metrics *metrics
	names   names

	mu     sync.Mutex
	w      *windows // nil: not loaded yet
	rolled Rolled
	pasts  map[pastKey]map[Key]*Times // full hours of single orgs, added up; not changed any more

	tick     func()
	from, to Mark // everything committed by from was counted; to: being read, empty: nothing is
	cursor   Cursor
}

// New checks the options and returns a Tail that knows nothing yet.
func New(o Options) (*Tail, error) {
	if o.Log == nil || o.Rollups == nil || o.Orgs == nil || o.Depths == nil || o.Logger == nil {
		return nil, errors.New("latency: Log, Rollups, Orgs, Depths and Logger are required")
	}
	t := &Tail{o: o, tick: func() {}, names: names{orgs: o.Orgs, known: map[int64]string{}}}
	t.metrics = newMetrics(o.Registerer, telemetry.NewLabels[int64](o.Labels), t.bytes)
	return t, nil
}

func (t *Tail) windows() *windows {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.w
}

func (t *Tail) bytes() float64 {
	w := t.windows()
	if w == nil {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return float64(w.bytes)
}

// Run follows the log until ctx ends. It calls tick after every turn, and every
// page of a long one.
func (t *Tail) Run(ctx context.Context, tick func()) {
	t.tick = tick
	ticker := time.NewTicker(turnEvery)
	defer ticker.Stop()
	failing := false
	for {
		err := t.Turn(ctx)
		switch {
		case err != nil && ctx.Err() == nil && !failing:
			t.o.Logger.WarnContext(ctx, "latency and job metrics stand still", "error", err)
		case err == nil && failing:
			t.o.Logger.InfoContext(ctx, "latency and job metrics go on")
		}
		failing = err != nil
		t.tick()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// Turn reads what is new. The first one rebuilds the windows from history and
// roll-ups. What fails is done again by the next turn; nothing is counted twice.
func (t *Tail) Turn(ctx context.Context) error {
	if t.windows() != nil {
		return t.follow(ctx, t.windows(), t.metrics.observe)
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	w, err := t.load(ctx)
	if err != nil {
		return fmt.Errorf("rebuild latency: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.w = w
	return nil
}

// load rebuilds the windows as of the present mark. The metrics count from there,
// so they are not told.
func (t *Tail) load(ctx context.Context) (*windows, error) {
	now, err := t.o.Log.Mark(ctx)
	if err != nil {
		return nil, err
	}
	rolled, err := t.o.Rollups.Rolled(ctx)
	if err != nil {
		return nil, err
	}
	t.setRolled(rolled)
	base := now
	if rolled.Mark.Snapshot != "" && now.At.Sub(rolled.Mark.At) < freshMark {
		base = rolled.Mark
	}
	w := newWindows(t.o.Bytes)
	w.advance(now.At)
	day := RollupFilter{Since: now.At.Truncate(time.Hour).Add(-24 * time.Hour), Until: rolled.Until, Totals: true}
	if err := t.o.Rollups.Rollups(ctx, day, func(r Rollup) { w.merge(r.Key, r.Hour, r.Metric, r.Times) }); err != nil {
		return nil, err
	}
	since := now.At.Add(-loadSpan)
	if rolled.Until.Before(since) && now.At.Sub(rolled.Until) < 3*loadSpan {
		since = rolled.Until
	}
	for from := since; !from.After(now.At); from = from.Add(loadChunk) {
		err := t.o.Log.EndedWithin(ctx, base, from, from.Add(loadChunk), 0, func(e Ended) {
			if !e.At.Before(rolled.Until) {
				w.addHours(e, true)
			}
			w.addHours(e, false)
		})
		if err != nil {
			return nil, err
		}
	}
	t.from, t.to, t.cursor = base, now, Cursor{}
	return w, t.follow(ctx, w, func(context.Context, []Ended, map[int64]string) {})
}

// follow reads from the last mark to a new one, a page at a time. A page is
// counted at once or not at all, and the cursor remembers it, so each row counts
// once whatever fails between.
func (t *Tail) follow(ctx context.Context, w *windows, observe func(context.Context, []Ended, map[int64]string)) error {
	for more := true; more; {
		if err := t.page(ctx, w, observe, &more); err != nil {
			return err
		}
		t.tick()
	}
	t.metrics.turn(t.names.all())
	return nil
}

func (t *Tail) page(ctx context.Context, w *windows, observe func(context.Context, []Ended, map[int64]string), more *bool) error {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	if t.to.Snapshot == "" {
		to, err := t.o.Log.Mark(ctx)
		if err != nil {
			return err
		}
		t.to, t.cursor = to, Cursor{}
	}
	var rows []Ended
	var next Cursor
	if *more = t.to.Snapshot != t.from.Snapshot; *more {
		var err error
		if rows, next, *more, err = t.o.Log.EndedBetween(ctx, t.from, t.to, t.cursor); err != nil {
			return err
		}
	}
	names, err := t.names.of(ctx, orgsOf(rows))
	if err != nil {
		return err
	}
	w.add(rows)
	observe(ctx, rows, names)
	t.cursor = next
	if !*more {
		w.advance(t.to.At)
		t.metrics.read(t.to.At)
		t.from, t.to = t.to, Mark{}
	}
	return nil
}

func orgsOf(rows []Ended) map[int64]bool {
	orgs := map[int64]bool{}
	for _, e := range rows {
		orgs[e.OrgID] = true
	}
	return orgs
}

// RunRollups keeps the roll-ups until ctx ends. All processes may: one at a time
// writes.
func (t *Tail) RunRollups(ctx context.Context) {
	t.every(ctx, rollupEvery, rollupTimeout, "roll-ups of latency", t.rollUp)
}

// rollUp goes on at once as long as it gets nearer to now: an installation that
// begins with a long past has many hours to make.
func (t *Tail) rollUp(ctx context.Context) error {
	for before := (time.Time{}); ; {
		rolled, err := t.o.Rollups.RollUp(ctx)
		if err != nil {
			return err
		}
		t.setRolled(rolled)
		if !rolled.Until.After(before) || rolled.Mark.At.Sub(rolled.Until) < 2*time.Hour {
			return nil
		}
		before = rolled.Until
	}
}

// RunDepths counts what waits until ctx ends.
func (t *Tail) RunDepths(ctx context.Context) {
	t.every(ctx, depthEvery, depthTimeout, "job_queue_depth", t.ReadDepths)
}

// ReadDepths counts what waits now.
func (t *Tail) ReadDepths(ctx context.Context) error {
	depths, err := t.o.Depths.Depths(ctx)
	if err != nil {
		return err
	}
	orgs := map[int64]bool{}
	for _, d := range depths {
		orgs[d.OrgID] = true
	}
	names, err := t.names.of(ctx, orgs)
	if err != nil {
		return err
	}
	t.metrics.depths(depths, names)
	return nil
}

func (t *Tail) every(ctx context.Context, interval, timeout time.Duration, task string, f func(context.Context) error) {
	tick := func() {}
	if t.o.Watch != nil {
		tick = t.o.Watch(task, interval+timeout)
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		turn, cancel := context.WithTimeout(ctx, timeout)
		if err := f(turn); err != nil && ctx.Err() == nil {
			t.o.Logger.WarnContext(ctx, "housekeeping failed", "task", task, "error", err)
		}
		cancel()
		tick()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (t *Tail) setRolled(r Rolled) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.Until.After(t.rolled.Until) {
		t.rolled, t.pasts = r, nil
	}
}

// names remembers what orgs are called: it never changes.
type names struct {
	orgs  Orgs
	mu    sync.Mutex
	known map[int64]string
}

// of returns the names of at least these orgs; an org that is gone has none.
func (n *names) of(ctx context.Context, orgs map[int64]bool) (map[int64]string, error) {
	found := make(map[int64]string, len(orgs))
	var missing []int64
	n.mu.Lock()
	for id := range orgs {
		if name, ok := n.known[id]; ok {
			found[id] = name
		} else {
			missing = append(missing, id)
		}
	}
	n.mu.Unlock()
	if len(missing) == 0 {
		return found, nil
	}
	more, err := n.orgs.OrgNames(ctx, missing)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, id := range missing {
		name := cmp.Or(more[id], telemetry.OtherLabel)
		n.known[id], found[id] = name, name
	}
	return found, nil
}

func (n *names) all() func(int64) string {
	return func(id int64) string {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.known[id]
	}
}
