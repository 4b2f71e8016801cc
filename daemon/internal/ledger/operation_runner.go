package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

const (
	operationPoll  = time.Second
	operationsOnce = 4                // that one process runs at a time
	turnTime       = 10 * time.Second // of one transaction
	lockedPasses   = 5                // over jobs that somebody holds
	busyPause      = 300 * time.Millisecond
	canaryPause    = 300 * time.Millisecond
	failPause      = time.Second
	failMost       = 60 // turns in a row that may fail before the operation does
	fewOutcomes    = 20 // below which a share says nothing
)

// RunOperations carries out committed operations until ctx ends, those of dead
// processes too, and keeps the books about them. Any number of processes may
// run it. It calls tick after every turn, which ends whatever the database does.
func (l *Ledger) RunOperations(ctx context.Context, tick func()) {
	var wg sync.WaitGroup
	defer wg.Wait()
	places := make(chan struct{}, operationsOnce)
	t := time.NewTicker(operationPoll)
	defer t.Stop()
	k := keeper{l: l, after: map[int64]int64{}}
	for {
		l.adoptAll(ctx, &wg, places)
		k.keep(ctx)
		tick()
		select {
		case <-l.started:
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// adoptAll takes on what nobody runs, as long as there is a place.
func (l *Ledger) adoptAll(ctx context.Context, wg *sync.WaitGroup, places chan struct{}) {
	for ctx.Err() == nil {
		select {
		case places <- struct{}{}:
		default:
			return
		}
		d, err := l.adopt(ctx)
		if d == nil {
			<-places
			if err != nil && ctx.Err() == nil {
				l.log.WarnContext(ctx, "operations not looked for", "error", err)
			}
			return
		}
		wg.Go(func() {
			defer func() { <-places }()
			d.run(ctx)
		})
	}
}

// driver takes one operation from turn to turn.
type driver struct {
	l       *Ledger
	id      int64
	runner  string
	rate    float64
	abortIf *float64
	waited  bool // for by its caller: locked jobs are not waited for

	size   int   // of the next chunk
	passes int   // over locked jobs
	after  int64 // the last locked job of this pass
}

func (l *Ledger) newDriver(id int64, runner string, rate float64, abortIf *float64) *driver {
	return &driver{l: l, id: id, runner: runner, rate: rate, abortIf: abortIf, size: chunkSize}
}

// adopt takes on an operation that nobody runs; nil: there is none.
func (l *Ledger) adopt(ctx context.Context) (*driver, error) {
	ctx, cancel := context.WithTimeout(ctx, turnTime)
	defer cancel()
	var id int64
	var rate float64
	var abortIf *float64
	runner := rand.Text()
	err := l.pool.QueryRow(ctx, `
UPDATE operations SET runner = $1, lease_until = clock_timestamp() + $2::interval
WHERE id = (SELECT id FROM operations WHERE state IN ('running', 'aborting') AND (lease_until IS NULL OR lease_until < clock_timestamp())
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, coalesce(rate, 0), abort_if`, runner, leaseTime).Scan(&id, &rate, &abortIf)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // that nothing is to be done is the ordinary case
	}
	if err != nil {
		return nil, err
	}
	return l.newDriver(id, runner, rate, abortIf), nil
}

// run goes on until the operation ends, another process has taken it over, or
// ctx ends: then it is free for others at once.
func (d *driver) run(ctx context.Context) {
	log := d.l.log.With("operation", d.id)
	for failures := 0; ctx.Err() == nil; {
		rest, over, err := d.turn(ctx)
		switch {
		case errors.Is(err, errNotMine):
			d.abandon(ctx)
			return
		case over:
			log.InfoContext(ctx, "operation ended")
			d.l.dropChunks(ctx, d.id)
			return
		case err != nil && ctx.Err() == nil:
			if failures++; failures >= failMost {
				d.end(ctx, operation.Failed, "it stopped after repeated errors: see the daemon's log")
				return
			}
			log.WarnContext(ctx, "a chunk of an operation failed; it is tried again", "error", err)
			rest = failPause
		case err == nil:
			failures = 0
		}
		d.rest(ctx, rest)
	}
	d.release(ctx)
}

// rest waits, and keeps the lease meanwhile. It ends early when the operation is
// aborted, or another process has it.
func (d *driver) rest(ctx context.Context, rest time.Duration) {
	const step = leaseTime / 5
	for end := time.Now().Add(rest); ctx.Err() == nil; {
		left := time.Until(end)
		if left <= step {
			pause(ctx, left)
			return
		}
		pause(ctx, step)
		if d.lost(ctx) {
			return
		}
	}
}

// lost reports whether the operation is not ours to run any more, and keeps the
// lease if it is.
func (d *driver) lost(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, turnTime)
	defer cancel()
	tag, err := d.l.pool.Exec(ctx, `
UPDATE operations SET lease_until = clock_timestamp() + $3::interval WHERE id = $1 AND runner = $2 AND state = 'running'`, d.id, d.runner, leaseTime)
	return err == nil && tag.RowsAffected() == 0
}

// abandon ends an operation that was aborted; what another process runs is left
// to it.
func (d *driver) abandon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnTime)
	defer cancel()
	tag, err := d.l.pool.Exec(ctx, `
UPDATE operations SET state = 'aborted', finished_at = clock_timestamp(), lease_until = NULL
WHERE id = $1 AND runner = $2 AND state = 'aborting'`, d.id, d.runner)
	if err != nil {
		d.l.log.WarnContext(ctx, "operation not ended; another turn will", "operation", d.id, "error", err)
		return
	}
	if tag.RowsAffected() == 1 {
		d.l.log.InfoContext(ctx, "operation aborted", "operation", d.id)
		d.l.dropChunks(ctx, d.id)
	}
}

// end ends the operation before its time.
func (d *driver) end(ctx context.Context, state operation.State, why string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnTime)
	defer cancel()
	if _, err := d.l.pool.Exec(ctx, endSQL, d.id, d.runner, string(state), storable(why)); err != nil {
		d.l.log.WarnContext(ctx, "operation not ended", "operation", d.id, "error", err)
	}
}

const endSQL = `
UPDATE operations SET state = $3, error = nullif($4, ''), finished_at = clock_timestamp(), lease_until = NULL
WHERE id = $1 AND runner = $2 AND state IN ('running', 'aborting')`

func (d *driver) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if _, err := d.l.pool.Exec(ctx, `UPDATE operations SET lease_until = NULL WHERE id = $1 AND runner = $2`, d.id, d.runner); err != nil {
		d.l.log.WarnContext(ctx, "operation not handed over; others wait for its lease", "operation", d.id, "error", err)
	}
}

// turn makes one transaction. over: it was the last. Rows that are in the way
// outside jobs, and values the database refuses, are found by halving.
func (d *driver) turn(ctx context.Context) (rest time.Duration, over bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, turnTime)
	defer cancel()
	alone := d.size == 1
	changed := false
	work := func(t *turn) (err error) {
		rest, over, changed, err = d.work(ctx, t)
		return err
	}
	err = d.transact(ctx, work)
	switch {
	case err == nil:
		if changed {
			d.size = min(2*d.size, chunkSize)
			d.l.wake.ring()
		}
	case !isLockTimeout(err) && !isDataError(err):
	case !alone:
		d.size = max(1, d.size/2)
		return 0, false, nil
	default:
		result, reason := operation.JobLocked, reasonLocked
		if isDataError(err) {
			result, reason = operation.JobFailed, "the database refuses it: see the daemon's log"
			d.l.log.ErrorContext(ctx, "a job of an operation cannot be changed", "operation", d.id, "error", err)
		}
		return 0, false, d.transact(ctx, func(t *turn) (err error) {
			d.after, err = t.refuse(ctx, d.after, result, reason)
			return err
		})
	}
	return rest, over && err == nil, err // what did not commit was not the last
}

func (d *driver) transact(ctx context.Context, work func(*turn) error) error {
	return pgx.BeginFunc(ctx, d.l.pool, func(tx pgx.Tx) error {
		t, err := d.l.takeTurn(ctx, tx, d.id, d.runner)
		if err != nil {
			return err
		}
		return work(t)
	})
}

// work does what comes next.
func (d *driver) work(ctx context.Context, t *turn) (rest time.Duration, over, changed bool, err error) {
	if why := t.tooBad(d.abortIf); why != "" {
		return 0, true, false, t.end(ctx, d.runner, operation.Aborted, why)
	}
	ahead := t.matched - t.visited
	if t.canary > 0 && !t.passed {
		if ahead = min(t.canary, t.matched) - t.visited; ahead <= 0 {
			rest, over, err = d.judgeCanary(ctx, t)
			return rest, over, false, err
		}
	}
	if ahead > 0 {
		most := min(int64(d.size), ahead, chunkSize-t.visited%chunkSize)
		if d.rate > 0 {
			most = min(most, max(1, int64(math.Ceil(d.rate/2))))
			rest = time.Duration(float64(most) / d.rate * float64(time.Second))
		}
		return rest, false, true, t.chunk(ctx, int(most))
	}
	return d.finish(ctx, t)
}

// finish gives locked jobs another chance, some times, and ends.
func (d *driver) finish(ctx context.Context, t *turn) (rest time.Duration, over, changed bool, err error) {
	last, err := t.again(ctx, d.after, d.size)
	switch {
	case err != nil:
		return 0, false, false, err
	case last != 0: // there may be more of this pass
		d.after = last
		return 0, false, true, nil
	}
	locked, err := t.locked(ctx)
	if err != nil {
		return 0, false, false, err
	}
	if d.passes, d.after = d.passes+1, 0; locked && d.passes < lockedPasses && !d.waited {
		return busyPause, false, false, nil
	}
	if err := t.giveUp(ctx); err != nil {
		return 0, false, false, err
	}
	return 0, true, false, t.end(ctx, d.runner, operation.Done, "")
}

// judgeCanary waits until each job of the canary has run, and lets the others
// follow or not.
func (d *driver) judgeCanary(ctx context.Context, t *turn) (rest time.Duration, over bool, err error) {
	waiting, failed, ran, err := t.canaryOutcome(ctx)
	switch {
	case err != nil:
		return 0, false, err
	case waiting > 0:
		return canaryPause, false, nil
	case d.abortIf != nil && float64(failed) > *d.abortIf*float64(ran):
		return 0, true, t.end(ctx, d.runner, operation.Aborted, fmt.Sprintf("%d of the %d jobs of the canary failed", failed, ran))
	}
	_, err = t.tx.Exec(ctx, `UPDATE operations SET canary_passed = true WHERE id = $1`, t.id)
	return 0, false, err
}

// operate plans, commits and carries out an operation before it returns; it is
// aborted when ctx ends. What cannot be done at all changes nothing and is no
// error.
func (l *Ledger) operate(ctx context.Context, r operation.Request) (operation.Operation, error) {
	o, err := l.PlanOperation(ctx, r)
	if err != nil || o.Matched == 0 {
		return operation.Operation{}, notSuch(err)
	}
	runner := rand.Text()
	if o, err = l.commit(ctx, 0, o.ID, operation.Terms{}, runner); err != nil {
		return operation.Operation{}, err
	}
	d := l.newDriver(o.ID, runner, 0, nil)
	d.waited = true
	for over := false; !over && err == nil; {
		_, over, err = d.turn(ctx)
	}
	if err != nil {
		d.end(ctx, operation.Aborted, "the caller waited for it no longer")
	}
	finished, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnTime)
	defer cancel()
	l.dropChunks(finished, o.ID)
	after, readErr := l.Operation(finished, 0, o.ID)
	return after, errors.Join(err, readErr)
}
