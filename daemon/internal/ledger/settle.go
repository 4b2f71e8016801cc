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

const settleSQL = `
WITH l AS MATERIALIZED (SELECT id FROM jobs WHERE id = ANY($1) ORDER BY id FOR UPDATE),
     d AS (DELETE FROM jobs j USING l WHERE j.id = l.id AND (j.state+0) BETWEEN 0 AND 5 RETURNING j.*)
INSERT INTO job_history (outcome, ` + historyColumns + `)
SELECT 1, ` + historyColumns + ` FROM d
RETURNING id, attempt::int`

// Settle makes T13 in the caller's transaction: the provider says that these
// jobs went out, so they are done, whatever state we believed them to be in.
// Ids that are final, dead or unknown are skipped.
func (l *Ledger) Settle(ctx context.Context, tx pgx.Tx, ids []int64) ([]job.Settled, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, settleSQL, ids)
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
