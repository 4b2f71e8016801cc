package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// ReleaseStrays makes T11 for jobs that the ledger believes to run in this
// worker while held says they do not: the answer of their claim got lost on
// the way. Only claims older than age count, which must be longer than a claim
// can be under way. They were never begun, so they cost no
// attempt. The redis lane has none: a start is repeated until its answer is here.
func (l *Ledger) ReleaseStrays(ctx context.Context, workerID int64, age time.Duration, held func(job.Ticket) bool) (int, error) {
	rows, err := l.pool.Query(ctx, `
SELECT id, run_epoch FROM jobs
WHERE state IN (2, 3) AND (state+0) = 3 AND worker_id = $1 AND started_at < clock_timestamp() - $2::interval`, workerID, age)
	if err != nil {
		return 0, fmt.Errorf("look for strays: %w", err)
	}
	mine, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t job.Ticket, err error) {
		err = row.Scan(&t.ID, &t.Epoch)
		return t, err
	})
	if err != nil {
		return 0, fmt.Errorf("look for strays: %w", err)
	}
	released := 0
	for _, t := range mine {
		if held(t) {
			continue
		}
		tag, err := l.pool.Exec(ctx, `
UPDATE jobs SET state = 1, attempt = attempt - 1, ready_at = clock_timestamp(), worker_id = NULL
WHERE id = $1 AND run_epoch = $2 AND worker_id = $3 AND (state+0) = 3`, t.ID, t.Epoch, workerID)
		if err != nil {
			return released, fmt.Errorf("release stray %s: %w", t, err)
		}
		released += int(tag.RowsAffected())
	}
	if released > 0 {
		l.log.WarnContext(ctx, "claims whose answer was lost are ready again", "count", released)
		l.wake.ring()
	}
	return released, nil
}
