package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A row that can be seen and is not yet committed came with a dump, from a server
// that had counted further. Older ones nobody follows.
const (
	adoptHistory = `UPDATE job_history SET tx = DEFAULT WHERE tx >= pg_snapshot_xmax(pg_current_snapshot()) AND finished_at >= clock_timestamp() - $1::interval`
	adoptEvents  = `UPDATE job_events SET tx = DEFAULT WHERE tx >= pg_snapshot_xmax(pg_current_snapshot()) AND at >= clock_timestamp() - $1::interval`
)

// AdoptRestored makes a database that was restored from a dump one whose history
// can be followed, and returns how many rows that took; none in any other.
// Without it whoever follows the log would meet these rows again and again, or in
// the middle of the day. To be called before anybody follows.
func (l *Ledger) AdoptRestored(ctx context.Context) (rows int64, err error) {
	err = pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		rows = 0
		if _, err := tx.Exec(ctx, planAnew+`, set_config('statement_timeout', '50s', true)`); err != nil {
			return err
		}
		for _, sql := range []string{adoptHistory, adoptEvents} {
			tag, err := tx.Exec(ctx, sql, tailDays)
			if err != nil {
				return err
			}
			rows += tag.RowsAffected()
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("adopt what was restored from a dump: %w", err)
	}
	return rows, nil
}
