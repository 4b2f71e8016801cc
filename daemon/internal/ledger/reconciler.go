package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Remote is the redis lane as the reconciler sees it.
type Remote interface {
	// Generation returns the mark in Redis that says which data set this is;
	// empty after a loss of data.
	Generation(ctx context.Context) (string, error)
	// Mark writes a new generation.
	Mark(ctx context.Context, generation string) error
}

// ReconcilerOptions are the thresholds. Wrong suspicion is harmless (the epoch
// fences it), so they are short.
type ReconcilerOptions struct {
	Every        time.Duration        // between rounds; zero: 2 s
	StaleAfter   time.Duration        // R1: a dispatched job older than this is recalled; zero: 30 s
	DeadAfter    time.Duration        // R3: a beat unchanged for this long is a death; zero: 20 s
	MinSightings int                  // R3: and seen unchanged at least this often; zero: 5
	Remote       Remote               // nil: no redis lane
	Self         int64                // this process in workers: never suspected by itself
	BeatAge      func() time.Duration // age of this process's own last beat; nil: none of its own
	Now          func() time.Time
	NewMark      func() string // a fresh generation
	Tick         func()        // called after each round, for the liveness check; nil: nobody asks
}

// Reconciler finds what got lost on the way: every process runs one, one acts
// at a time. Its rules:
//
//	R1 a hand-out older than StaleAfter is taken back (T4)
//	R2 Redis lost its data: every redis-lane hand-out is taken back (T4)
//	R3 a worker's beat stands still: it is fenced, its running jobs are taken
//	   over (T12), and redis-lane hand-outs older than its death taken back (T4)
//	R4 is the worker's own: it stops before others may declare it dead
//	R5 is the start claim's: a hand-out of a limited type that is older than its
//	   token goes back to ready (see startSQL)
type Reconciler struct {
	ledger *Ledger
	o      ReconcilerOptions
	seen   map[int64]sighting
	looked time.Time // when the beats were last read
}

// sighting is a beat as this observer has seen it, by its own clock.
type sighting struct {
	beat  int64
	since time.Time
	times int
}

// NewReconciler fills in the defaults.
func (l *Ledger) NewReconciler(o ReconcilerOptions) *Reconciler {
	if o.Every == 0 {
		o.Every = 2 * time.Second
	}
	if o.StaleAfter == 0 {
		o.StaleAfter = 30 * time.Second
	}
	if o.DeadAfter == 0 {
		o.DeadAfter = 20 * time.Second
	}
	if o.MinSightings == 0 {
		o.MinSightings = 5
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Tick == nil {
		o.Tick = func() {}
	}
	return &Reconciler{ledger: l, o: o, seen: map[int64]sighting{}}
}

// Run makes rounds until ctx ends.
func (r *Reconciler) Run(ctx context.Context) {
	t := time.NewTicker(r.o.Every)
	defer t.Stop()
	for {
		if err := r.Round(ctx); err != nil && ctx.Err() == nil {
			r.ledger.log.WarnContext(ctx, "reconciliation round failed", "error", err)
		}
		r.o.Tick()
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

const (
	reconcileLock = 0x696e626f78720001 // "inboxr"
	roundTimeout  = 10 * time.Second
	freshBeat     = 5 * time.Second
)

// Round applies all rules once. Everybody watches the beats; only the holder
// of the lock acts.
func (r *Reconciler) Round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	beats, err := r.ledger.Beats(ctx)
	if err != nil {
		clear(r.seen) // nobody could beat either: an outage must not look like many deaths
		return err
	}
	suspects := r.watch(beats)
	err = pgx.BeginFunc(ctx, r.ledger.pool, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(reconcileLock)).Scan(&mine); err != nil {
			return fmt.Errorf("take the reconciler's turn: %w", err)
		}
		if !mine {
			return nil
		}
		return r.act(ctx, suspects)
	})
	return err
}

// act applies each rule whatever became of the others: one that is held up by
// somebody's lock must not keep the rest from all orgs.
func (r *Reconciler) act(ctx context.Context, suspects []int64) error {
	bury := r.bury(ctx, suspects)
	if bury != nil {
		clear(r.seen) // what stops our writes may have stopped their beats
	}
	_, orphans := r.ledger.Orphans(ctx) // every round, not only at the moment of death
	_, stale := r.ledger.RecallOlder(ctx, "stale", r.o.StaleAfter)
	if r.o.Remote != nil {
		if err := r.checkGeneration(ctx); err != nil {
			r.ledger.log.DebugContext(ctx, "redis generation not checked", "error", err)
		}
	}
	return errors.Join(bury, orphans, stale, r.ledger.SweepCancelled(ctx), r.ledger.Warmed(ctx))
}

// watch updates what this observer has seen and returns whose beat has stood
// still for too long.
func (r *Reconciler) watch(beats map[int64]int64) (suspects []int64) {
	now := r.o.Now()
	if now.Sub(r.looked) > r.o.DeadAfter/2 {
		clear(r.seen) // this observer was away itself
	}
	r.looked = now
	for id := range r.seen {
		if _, ok := beats[id]; !ok {
			delete(r.seen, id)
		}
	}
	for id, beat := range beats {
		s, ok := r.seen[id]
		if !ok || s.beat != beat {
			s = sighting{beat: beat, since: now}
		}
		s.times++
		r.seen[id] = s
		if id != r.o.Self && s.times >= r.o.MinSightings && now.Sub(s.since) >= r.o.DeadAfter {
			suspects = append(suspects, id)
		}
	}
	return suspects
}

func (r *Reconciler) bury(ctx context.Context, suspects []int64) error {
	if r.o.BeatAge != nil && r.o.BeatAge() > freshBeat {
		suspects = nil // who cannot beat itself is no judge of others: writes may be stuck for all
	}
	for _, id := range suspects {
		at, dead, err := r.ledger.DeclareDead(ctx, id, r.seen[id].beat)
		if err != nil {
			return err
		}
		if !dead {
			continue
		}
		r.ledger.log.WarnContext(ctx, "process declared dead", "worker", id)
		if _, err := r.ledger.RecallBefore(ctx, "worker_lost", at); err != nil {
			return err
		}
	}
	return r.ledger.ForgetDead(ctx)
}

// checkGeneration makes R2: the mark in Redis must be the one the ledger
// remembers. The recall comes before the new mark, so a crash in between
// repeats it.
func (r *Reconciler) checkGeneration(ctx context.Context) error {
	there, err := r.o.Remote.Generation(ctx)
	if err != nil {
		return err
	}
	known, err := r.ledger.Generation(ctx)
	if err != nil || (there != "" && there == known) {
		return err
	}
	if known != "" {
		if _, err := r.ledger.RecallOlder(ctx, "redis_lost", 0); err != nil {
			return err
		}
	}
	mark := r.o.NewMark()
	if ok, err := r.ledger.SetGeneration(ctx, known, mark); err != nil || !ok {
		return err
	}
	return r.o.Remote.Mark(ctx, mark)
}
