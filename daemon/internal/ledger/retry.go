package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// reviveChunk is how many jobs one transaction revives: few enough to hold
// their locks for milliseconds.
const reviveChunk = 500

// reviveSet makes a dead job j ready with all its attempts back; p is the table
// of patience. It keeps the epochs: they rise at the next hand-out, and until
// then fence whatever is left of the old one.
const reviveSet = `
       state = 1, attempt = 0, throttled = 0, lost = 0, run_at = clock_timestamp(), ready_at = clock_timestamp(),
       dispatched_at = NULL, started_at = NULL, worker_id = NULL, cancel_requested = false,
       error_class = NULL, error_code = NULL, last_error = NULL,
       deadline_at = greatest(j.deadline_at, clock_timestamp() + p.patience)`

// patience returns the types and how long each lives from now: the first two
// parameters, and the table p, of statements with reviveSet.
func patience() (types []int16, lives []time.Duration) {
	for _, t := range job.Types() {
		types, lives = append(types, int16(t)), append(lives, job.PolicyOf(t).Deadline)
	}
	return types, lives
}

const patienceTable = `unnest($1::smallint[], $2::interval[]) p(job_type, patience)`

// isDead is a guard on job j; (state+0) keeps partial indexes out of the plan.
const isDead = `(j.state+0) = 6`

const reviveSQL = `
UPDATE jobs j SET` + reviveSet + `
FROM ` + patienceTable + `
WHERE j.id = $3 AND j.org_id = $4 AND p.job_type = j.job_type AND ` + isDead + `
RETURNING j.id`

// Revive makes T18 for one job: dead -> ready with all its attempts back and a
// new deadline, in the caller's transaction. It returns false if the job is not
// dead.
func (l *Ledger) Revive(ctx context.Context, tx pgx.Tx, orgID, jobID int64) (bool, error) {
	types, lives := patience()
	rows, err := tx.Query(ctx, reviveSQL, types, lives, jobID, orgID)
	if err != nil {
		return false, fmt.Errorf("revive job %d: %w", jobID, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return false, fmt.Errorf("revive job %d: %w", jobID, err)
	}
	return len(ids) == 1, nil
}

// DeadByOrg counts the dead jobs a filter chooses, per org, most first. The
// filter's states are not looked at.
func (l *Ledger) DeadByOrg(ctx context.Context, f inspect.Filter) ([]inspect.OrgCount, error) {
	var c conditions
	c.common(f)
	rows, err := l.pool.Query(ctx, `
SELECT coalesce(o.name, ''), d.n FROM (
  SELECT j.org_id, count(*) AS n FROM jobs j WHERE j.state = 6 AND `+c.where()+` GROUP BY j.org_id) d
LEFT JOIN orgs o ON o.id = d.org_id ORDER BY d.n DESC, o.name`, c.args...)
	if err != nil {
		return nil, fmt.Errorf("count dead jobs: %w", err)
	}
	counts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[inspect.OrgCount])
	if err != nil {
		return nil, fmt.Errorf("count dead jobs: %w", err)
	}
	return counts, nil
}

// RetryDead makes T18 for the dead jobs a filter chooses: ready, with all their
// attempts back and a new deadline, in bulk unless they are named by id; their
// messages are queued again. It works
// in chunks by rising id, so each job is visited once even if it dies again
// meanwhile, and skips rows somebody else has locked. It returns how many it
// revived, also when it stops with an error. The filter's states are not looked
// at: only dead jobs are ever touched, uncertain ones never.
func (l *Ledger) RetryDead(ctx context.Context, f inspect.Filter) (int, error) {
	var total int
	for after := int64(0); ; {
		revived, err := l.reviveChunk(ctx, f, after)
		if err != nil {
			return total, fmt.Errorf("retry dead jobs after %d: %w", after, err)
		}
		if len(revived) == 0 {
			return total, nil
		}
		total += len(revived)
		after = revived[len(revived)-1].ID
		l.Wake(queuesOf(revived)...)
	}
}

// revived is a job that has just become ready again.
type revived struct {
	ID        int64
	RunEpoch  int32
	Queue     job.Queue
	Type      job.Type
	SubjectID int64
	OrgID     int64
}

// reviveChunk locks jobs before messages, as everybody does.
func (l *Ledger) reviveChunk(ctx context.Context, f inspect.Filter, after int64) (chunk []revived, err error) {
	err = pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		sql, args := reviveChunkSQL(f, after)
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		if chunk, err = pgx.CollectRows(rows, pgx.RowToStructByPos[revived]); err != nil {
			return err
		}
		effects := requeued(chunk)
		if err := l.queueEffects(ctx, tx, effects); err != nil {
			return err
		}
		return recordFirst(ctx, tx, f, after, orgsOf(chunk, func(r revived) int64 { return r.OrgID }))
	})
	slices.SortFunc(chunk, func(a, b revived) int { return cmp.Compare(a.ID, b.ID) })
	return chunk, err
}

// recordFirst records a bulk change in the transaction of its first chunk: what
// cannot be recorded does not begin. A chunk that is full says that there may be
// more to come. orgs has the org of each job of the chunk.
func recordFirst(ctx context.Context, tx pgx.Tx, f inspect.Filter, after int64, orgs []int64) error {
	n := len(orgs)
	if after != 0 || n == 0 {
		return nil
	}
	r := audit.Record{Target: fmt.Sprintf("%d jobs", n), Begun: n == reviveChunk, After: map[string]any{"changed_at_once": n}}
	switch all := slices.Compact(slices.Sorted(slices.Values(orgs))); {
	case len(f.OrgIDs) == 1:
		r.OrgID = f.OrgIDs[0]
	case len(all) == 1 && !r.Begun:
		r.OrgID = all[0]
	}
	if n == 1 {
		r.Target = "1 job"
	}
	if len(f.IDs) == 1 {
		r.Target = fmt.Sprintf("job %d", f.IDs[0])
	}
	return audit.Write(ctx, tx, r)
}

func orgsOf[T any](chunk []T, org func(T) int64) []int64 {
	orgs := make([]int64, len(chunk))
	for i, x := range chunk {
		orgs[i] = org(x)
	}
	return orgs
}

func (l *Ledger) queueEffects(ctx context.Context, tx pgx.Tx, effects []job.Effect) error {
	if len(effects) == 0 {
		return nil
	}
	b := &pgx.Batch{}
	l.effects.QueueEffects(b, effects)
	return tx.SendBatch(ctx, b).Close()
}

func reviveChunkSQL(f inspect.Filter, after int64) (string, []any) {
	types, lives := patience()
	c := conditions{args: []any{types, lives, reviveChunk}}
	priority := `j.priority`
	if len(f.IDs) == 0 { // what is chosen by the hundred must not stand before what somebody waits for
		priority = `3`
	}
	c.common(f)
	c.add("j.id > $%d::bigint", after)
	return `
WITH picked AS (
       SELECT j.id FROM jobs j WHERE j.state = 6 AND ` + c.where() + `
       ORDER BY j.id LIMIT $3::bigint FOR NO KEY UPDATE SKIP LOCKED)
UPDATE jobs j SET priority = ` + priority + `,` + reviveSet + `
FROM picked, ` + patienceTable + `
WHERE j.id = picked.id AND p.job_type = j.job_type AND ` + isDead + `
RETURNING j.id, j.run_epoch, j.queue, j.job_type, coalesce(j.subject_id, 0), j.org_id`, c.args
}

// requeued tells the store which messages wait to be sent again.
func requeued(chunk []revived) []job.Effect {
	var effects []job.Effect
	for _, r := range chunk {
		if (r.Type == job.SendMessage || r.Type == job.SendTemplate) && r.SubjectID != 0 {
			effects = append(effects, job.Effect{JobID: r.ID, Epoch: r.RunEpoch, MessageID: r.SubjectID, Status: inbox.Queued})
		}
	}
	return effects
}

func queuesOf(chunk []revived) []job.Queue {
	var queues []job.Queue
	for _, r := range chunk {
		if !slices.Contains(queues, r.Queue) {
			queues = append(queues, r.Queue)
		}
	}
	return queues
}
