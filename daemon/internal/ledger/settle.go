package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// historyColumns are copied from a job row into history as they are.
const historyColumns = `id, org_id, user_id, queue, job_type, priority, run_epoch, attempt, lane,
       serial_key, subject_id, worker_id, error_class, last_error, created_at, ready_at, started_at`

// settleSQL locks every row it is asked about, also those it leaves alone, so
// that nobody revives a dead job before the caller has judged its message. An
// attempt that was given back sent nothing, and a revived job has none yet: a
// word about one attempt means neither.
const settleSQL = `
WITH u AS (SELECT * FROM unnest($1::bigint[], $2::int[]) u(id, e)),
     l AS MATERIALIZED (
       SELECT j.id, (j.state+0) AS st, j.run_epoch, j.attempt FROM jobs j
       WHERE j.id = ANY($1::bigint[]) ORDER BY j.id FOR UPDATE),
     d AS (
       DELETE FROM jobs j USING l
       WHERE j.id = l.id AND l.st <> 6
         AND EXISTS (SELECT 1 FROM u WHERE u.id = l.id AND (u.e = 0 OR (u.e = l.run_epoch AND l.attempt > 0)))
       RETURNING j.*)
INSERT INTO job_history (outcome, ` + historyColumns + `)
SELECT 1, ` + historyColumns + ` FROM d
RETURNING id, attempt::int`

// Settle makes T13 in the caller's transaction: the provider has told what
// became of these jobs, so they are done, whatever state we believed them to be
// in. Jobs that are final, dead, unknown, or at another attempt than the one
// meant are skipped.
func (l *Ledger) Settle(ctx context.Context, tx pgx.Tx, s []job.Settlement) ([]job.Settled, error) {
	if len(s) == 0 {
		return nil, nil
	}
	ids, epochs := make([]int64, len(s)), make([]int32, len(s))
	for i, x := range s {
		ids[i], epochs[i] = x.ID, x.Epoch
	}
	rows, err := tx.Query(ctx, settleSQL, ids, epochs)
	if err != nil {
		return nil, fmt.Errorf("settle %d jobs: %w", len(ids), err)
	}
	done, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s job.Settled, err error) {
		err = row.Scan(&s.ID, &s.Attempt)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("settle %d jobs: %w", len(ids), err)
	}
	return done, nil
}
