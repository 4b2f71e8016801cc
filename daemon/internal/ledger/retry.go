package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

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
// messages are queued again. It is an operation that is waited for, and leaves
// out rows somebody else has locked. It returns how many it revived, also when
// it stops with an error. Only dead jobs are ever touched, uncertain ones never.
func (l *Ledger) RetryDead(ctx context.Context, f inspect.Filter, by string) (int, error) {
	f.States, f.Retrying = nil, false
	o, err := l.operate(ctx, operation.Request{Kind: operation.Retry, Filter: f, Actor: by})
	return int(o.Done), err
}

// reviveManySQL revives the jobs $3, in bulk if $4: what is chosen by the hundred
// must not stand before what somebody waits for.
const reviveManySQL = `
UPDATE jobs j SET priority = CASE WHEN $4 THEN 3 ELSE j.priority END,` + reviveSet + `
FROM unnest($3::bigint[]) u(id), ` + patienceTable + `
WHERE j.id = u.id AND p.job_type = j.job_type AND ` + isDead
