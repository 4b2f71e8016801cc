package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// hastenSQL finds its rows in jobs_backing_off, whatever else is scheduled. It
// skips rows that somebody has locked: they are being handed out or
// changed anyway, and the caller may hold locks that come after jobs.
const hastenSQL = `
WITH h AS (SELECT id FROM jobs
           WHERE state = 0 AND error_class IS NOT NULL AND channel_id = ANY($1::bigint[]) AND error_class = ANY($2::text[])
           ORDER BY id FOR UPDATE SKIP LOCKED)
UPDATE jobs j SET run_at = clock_timestamp(), throttled = 0 FROM h WHERE j.id = h.id`

// Hasten makes scheduled jobs of these channels due that wait because of one of
// these classes, in the caller's transaction: what they waited for has come.
// One that is passed over comes when its own time is up.
func (l *Ledger) Hasten(ctx context.Context, tx pgx.Tx, channelIDs []int64, classes ...job.Class) error {
	words := make([]string, len(classes))
	for i, c := range classes {
		words[i] = string(c)
	}
	if _, err := tx.Exec(ctx, hastenSQL, channelIDs, words); err != nil {
		return fmt.Errorf("hasten jobs that wait for %v: %w", words, err)
	}
	return nil
}
