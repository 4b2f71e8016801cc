package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// deferSQL takes back what pacing does not let go yet: it was handed out in
// this very round and has not begun. A running row is one the postgres lane has
// just claimed; its attempt is given back.
const deferSQL = `
WITH u AS (SELECT * FROM unnest($1::bigint[], $2::int[], $3::interval[]) u(id, e, delay)),
     l AS MATERIALIZED (
       SELECT j.id, (j.state+0) AS st FROM u JOIN jobs j ON j.id = u.id AND j.epoch = u.e
       WHERE (j.state+0) = 2 OR ((j.state+0) = 3 AND j.run_epoch = u.e AND j.worker_id = $4)
       ORDER BY j.id FOR NO KEY UPDATE OF j)
UPDATE jobs j SET state = CASE WHEN u.delay > interval '0' THEN 0 ELSE 1 END,
       run_at = CASE WHEN u.delay > interval '0' THEN clock_timestamp() + u.delay ELSE j.run_at END,
       attempt = CASE WHEN l.st = 3 THEN j.attempt - 1 ELSE j.attempt END, worker_id = NULL
FROM l JOIN u USING (id) WHERE j.id = l.id`

// Defer makes T4 (dispatched) and T11 (running here, not begun) for hand-outs
// whose number or pair must wait. It costs no attempt.
func (l *Ledger) Defer(ctx context.Context, deferrals []job.Deferral, workerID int64) error {
	n := len(deferrals)
	ids, epochs, delays := make([]int64, n), make([]int32, n), make([]time.Duration, n)
	for i, d := range deferrals {
		ids[i], epochs[i], delays[i] = d.ID, d.Epoch, d.After
	}
	if _, err := l.pool.Exec(ctx, deferSQL, ids, epochs, delays, workerID); err != nil {
		return fmt.Errorf("put back %d paced jobs: %w", n, err)
	}
	return nil
}
