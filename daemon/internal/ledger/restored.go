package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// adoptPage is how many rows are adopted at once, and whole transactions: what is
// done stays done when the rest is not.
const adoptPage = 10000

// adoptSQL gives rows this server's place in the order of commits, the newest
// first. A row that can be seen and is not yet committed came with a dump, from a
// server that had counted further. Older ones nobody follows.
const adoptSQL = `
UPDATE %[1]s SET tx = DEFAULT
WHERE tx >= pg_snapshot_xmax(pg_current_snapshot()) AND %[2]s >= now() - $1::interval AND tx >= (
  SELECT tx FROM (
    SELECT tx FROM %[1]s WHERE tx >= pg_snapshot_xmax(pg_current_snapshot()) AND %[2]s >= now() - $1::interval ORDER BY tx DESC LIMIT $2) newest
  ORDER BY tx LIMIT 1)`

// AdoptRestored makes a database that was restored from a dump one whose history
// can be followed, and returns how many rows that took; none in any other.
// Without it whoever follows the log would meet these rows again and again, or in
// the middle of the day. To be called before anybody follows; after an error it
// goes on when it is called again.
func (l *Ledger) AdoptRestored(ctx context.Context) (rows int64, err error) {
	for _, table := range [][2]string{{"job_history", "finished_at"}, {"job_events", "at"}} {
		for page := int64(1); page > 0; rows += page {
			if page, err = l.adoptSome(ctx, fmt.Sprintf(adoptSQL, table[0], table[1]), adoptPage); err != nil {
				return rows, fmt.Errorf("adopt what was restored from a dump: %w", err)
			}
		}
	}
	return rows, nil
}

func (l *Ledger) adoptSome(ctx context.Context, sql string, most int) (rows int64, err error) {
	err = pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, planAnew+`, set_config('statement_timeout', '50s', true)`); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, sql, tailDays, most)
		rows = tag.RowsAffected()
		return err
	})
	return rows, err
}
