package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

// leaseTime is how long a process that runs an operation may be silent before
// another one goes on with it. Each chunk renews it.
const leaseTime = 10 * time.Second

// Reasons of items.
const (
	reasonChanged = "changed" // since the plan: it is another version of the row, or gone
	reasonLocked  = "locked"  // somebody held it, again and again
	reasonAsked   = "asked"   // it runs, and was asked to stop
	reasonRan     = "ran"     // too late to undo
)

// errNotMine says that another process runs the operation now, or that it has
// ended.
var errNotMine = errors.New("the operation is run by another process or has ended")

// turn is one transaction of an operation: it holds the row of the operation,
// so that it is the only one, and whatever it does is in it or nowhere.
type turn struct {
	l  *Ledger
	tx pgx.Tx

	id       int64
	kind     operation.Kind
	named    bool
	as       inspect.Resolution
	undoOf   int64
	undoKind operation.Kind
	actor    string
	visited  int64
	matched  int64
	canary   int64 // 0: none
	passed   bool  // the canary
	skipped  map[string]int64

	done, failed, succeeded, failedAgain int64
}

// takeTurn begins a turn: it locks the row of the operation, and that of the one it
// undoes, and renews the lease.
func (l *Ledger) takeTurn(ctx context.Context, tx pgx.Tx, id int64, runner string) (*turn, error) {
	t := &turn{l: l, tx: tx, id: id, skipped: map[string]int64{}}
	var skipped json.RawMessage
	if _, err := tx.Exec(ctx, `
SELECT id FROM operations WHERE id IN ($1, (SELECT undo_of FROM operations WHERE id = $1)) ORDER BY id FOR NO KEY UPDATE`, id); err != nil {
		return nil, err
	}
	err := tx.QueryRow(ctx, `
UPDATE operations SET lease_until = clock_timestamp() + $3::interval WHERE id = $1 AND runner = $2 AND state = 'running'
RETURNING kind, named, coalesce(settle_as, ''), coalesce(undo_of, 0), coalesce(undo_kind, ''), actor, visited, matched, coalesce(canary, 0), canary_passed,
          skipped, done, failed, succeeded, failed_again`,
		id, runner, leaseTime).Scan(&t.kind, &t.named, &t.as, &t.undoOf, &t.undoKind, &t.actor, &t.visited, &t.matched, &t.canary, &t.passed,
		&skipped, &t.done, &t.failed, &t.succeeded, &t.failedAgain)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errNotMine
	}
	if err != nil {
		return nil, err
	}
	return t, json.Unmarshal(skipped, &t.skipped)
}

// fate is what becomes of one pick in this turn.
type fate struct {
	pick

	result operation.Result
	reason string
	job    lockedJob
}

// lockedJob is what a turn knows of a job it has locked, before it changes it.
type lockedJob struct {
	State     job.State
	RunEpoch  int32
	Attempt   int16
	Queue     job.Queue
	Type      job.Type
	SubjectID int64
}

// chunk gives the next jobs their turn, at most so many.
func (t *turn) chunk(ctx context.Context, most int) error {
	picks, err := t.next(ctx, most)
	if err != nil {
		return err
	}
	fates, err := t.change(ctx, picks)
	if err != nil {
		return err
	}
	return t.record(ctx, fates, len(picks))
}

// next reads the picks at the cursor.
func (t *turn) next(ctx context.Context, most int) ([]pick, error) {
	var ids, orgs, versions []int64
	err := t.tx.QueryRow(ctx, `SELECT job_ids, org_ids, versions FROM operation_chunks WHERE operation_id = $1 AND n = $2`,
		t.id, t.visited/chunkSize).Scan(&ids, &orgs, &versions)
	if err != nil {
		return nil, fmt.Errorf("read chunk %d: %w", t.visited/chunkSize, err)
	}
	from := int(t.visited % chunkSize)
	to := min(from+most, len(ids))
	var picks []pick
	for i := from; i < to; i++ {
		picks = append(picks, pick{ids[i], orgs[i], versions[i]})
	}
	return picks, nil
}

// change does what the operation is for, in the lock order, and writes down what
// the jobs were before.
func (t *turn) change(ctx context.Context, picks []pick) ([]fate, error) {
	if t.kind == operation.Undo {
		return t.takeBack(ctx, picks)
	}
	fates, err := t.lock(ctx, picks)
	if err != nil {
		return nil, err
	}
	b := &pgx.Batch{}
	t.queueItems(b, fates, true)
	t.queueChange(b, fates)
	if err := t.tx.SendBatch(ctx, b).Close(); err != nil {
		return nil, err
	}
	if t.kind == operation.Resolve {
		_, err = t.l.resolve(ctx, t.tx, 0, doneOf(fates), t.as, t.actor)
	}
	return fates, err
}

// lockSQL returns what it could lock, and nothing of the rest: a join of the two
// would compare each with each, because this pool hashes nothing.
const lockSQL = `
SELECT j.id, (j.state+0), j.run_epoch, j.attempt, j.queue, j.job_type, coalesce(j.subject_id, 0), j.xmin::text::bigint
FROM unnest($1::bigint[]) u(id) JOIN jobs j ON j.id = u.id ORDER BY j.id FOR UPDATE OF j SKIP LOCKED`

// lock locks what nobody else has locked, in id order, and leaves alone what is
// no longer the row that was chosen.
func (t *turn) lock(ctx context.Context, picks []pick) ([]fate, error) {
	rows, err := t.tx.Query(ctx, lockSQL, idsOf(picks))
	if err != nil {
		return nil, err
	}
	locked, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f fate, err error) {
		j := &f.job
		err = row.Scan(&f.ID, &j.State, &j.RunEpoch, &j.Attempt, &j.Queue, &j.Type, &j.SubjectID, &f.Version)
		return f, err
	})
	if err != nil {
		return nil, err
	}
	got := make(map[int64]fate, len(locked))
	for _, f := range locked {
		got[f.ID] = f
	}
	busy, err := busyOf(ctx, t.tx, picks, got)
	if err != nil {
		return nil, err
	}
	fates := make([]fate, 0, len(picks))
	for _, p := range picks {
		fates = append(fates, t.judge(p, got, busy))
	}
	return fates, nil
}

func (t *turn) judge(p pick, got map[int64]fate, busy map[int64]bool) fate {
	f, locked := got[p.ID]
	same := f.Version == p.Version
	switch f.pick = p; {
	case busy[p.ID]:
		f.result, f.reason = operation.JobLocked, reasonLocked
	case !locked || !same || !slices.Contains(t.kind.Takes(), f.job.State):
		f.result, f.reason = operation.JobSkipped, reasonChanged
	default:
		f.result = operation.JobDone
		if t.kind == operation.Cancel && f.job.State == job.Running {
			f.reason = reasonAsked
		}
	}
	return f
}

// busyOf returns which of the jobs that were not locked are still there: somebody
// else holds them.
func busyOf[T any](ctx context.Context, tx pgx.Tx, picks []pick, got map[int64]T) (map[int64]bool, error) {
	var missing []int64
	for _, p := range picks {
		if _, ok := got[p.ID]; !ok {
			missing = append(missing, p.ID)
		}
	}
	if len(missing) == 0 {
		return map[int64]bool{}, nil
	}
	return idSet(tx.Query(ctx, `SELECT j.id FROM unnest($1::bigint[]) u(id) JOIN jobs j ON j.id = u.id`, missing))
}

func idsOf(picks []pick) []int64 {
	ids := make([]int64, len(picks))
	for i, p := range picks {
		ids[i] = p.ID
	}
	return ids
}

// queueItems writes down what becomes of the jobs; before: with their rows as
// they are now. A locked one that comes again has an item already.
func (t *turn) queueItems(b *pgx.Batch, fates []fate, before bool) {
	n := len(fates)
	ids, orgs, versions := make([]int64, n), make([]int64, n), make([]int64, n)
	results, reasons := make([]int16, n), make([]string, n)
	for i, f := range fates {
		ids[i], orgs[i], versions[i], results[i], reasons[i] = f.ID, f.OrgID, f.Version, int16(f.result), storable(f.reason)
	}
	b.Queue(`
INSERT INTO operation_items (operation_id, job_id, org_id, result, reason, version, outcome, before)
SELECT $1, u.id, u.org, u.result, nullif(u.reason, ''), CASE WHEN u.result = 0 THEN u.version END, CASE WHEN u.result = 1 AND $6 THEN 0 END, to_jsonb(j)
FROM unnest($2::bigint[], $3::bigint[], $4::smallint[], $5::text[], $8::bigint[]) u(id, org, result, reason, version)
     LEFT JOIN jobs j ON j.id = u.id AND u.result = 1 AND $7
ON CONFLICT (operation_id, job_id) DO UPDATE SET result = excluded.result, reason = excluded.reason, version = excluded.version, outcome = excluded.outcome,
       before = excluded.before, tx = pg_current_xact_id(), at = clock_timestamp()`,
		t.id, ids, orgs, results, reasons, sends(t.kind, t.as), before, versions)
}

// record moves the cursor and the counters.
func (t *turn) record(ctx context.Context, fates []fate, visited int) error {
	var done, failed, open int64
	for _, f := range fates {
		switch f.result {
		case operation.JobDone:
			done++
		case operation.JobFailed:
			failed++
		case operation.JobSkipped:
			t.skipped[f.reason]++
		case operation.JobLocked:
		}
	}
	if sends(t.kind, t.as) {
		open = done
	}
	skipped, err := json.Marshal(t.skipped)
	if err != nil {
		return err
	}
	_, err = t.tx.Exec(ctx, `
UPDATE operations SET visited = visited + $2, done = done + $3, failed = failed + $4, open = open + $5, skipped = $6 WHERE id = $1`,
		t.id, visited, done, failed, open, skipped)
	return err
}

// doneOf returns the ids of the jobs that are changed.
func doneOf(fates []fate) (ids []int64) {
	for _, f := range fates {
		if f.result == operation.JobDone {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// again gives locked jobs another turn, at most so many with ids above after. It
// returns the last of them; 0: there was none.
func (t *turn) again(ctx context.Context, after int64, most int) (last int64, err error) {
	picks, err := t.nextOf(ctx, after, most)
	if err != nil || len(picks) == 0 {
		return 0, err
	}
	fates, err := t.change(ctx, picks)
	if err != nil {
		return 0, err
	}
	return picks[len(picks)-1].ID, t.record(ctx, fates, 0)
}

// giveUp skips the jobs that were locked each time.
func (t *turn) giveUp(ctx context.Context) error {
	tag, err := t.tx.Exec(ctx, `
UPDATE operation_items SET result = 2 WHERE operation_id = $1 AND result <> 1 AND result = 0`, t.id)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	t.skipped[reasonLocked] += tag.RowsAffected()
	return t.record(ctx, nil, 0)
}

// refuse passes over one job: it has failed, or comes again. That is the one at
// the cursor, or after the last the first locked one after that id, which it
// returns.
func (t *turn) refuse(ctx context.Context, after int64, result operation.Result, why string) (int64, error) {
	picks, err := t.nextOf(ctx, after, 1)
	if err != nil || len(picks) == 0 {
		return after, err
	}
	fates, visited := []fate{{pick: picks[0], result: result, reason: why}}, 1
	if t.visited >= t.matched {
		after, visited = picks[0].ID, 0
	}
	b := &pgx.Batch{}
	t.queueItems(b, fates, false)
	if err := t.tx.SendBatch(ctx, b).Close(); err != nil {
		return after, err
	}
	return after, t.record(ctx, fates, visited)
}

// nextOf returns what is to be done next: at the cursor or, when all had their
// turn, locked jobs with ids above after.
func (t *turn) nextOf(ctx context.Context, after int64, most int) ([]pick, error) {
	if t.visited < t.matched {
		return t.next(ctx, most)
	}
	rows, err := t.tx.Query(ctx, `
SELECT i.job_id, i.org_id, coalesce(i.version, 0)
FROM operation_items i WHERE i.operation_id = $1 AND i.result <> 1 AND i.result = 0 AND i.job_id > $2 ORDER BY i.job_id LIMIT $3`, t.id, after, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[pick])
}
