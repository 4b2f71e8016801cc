package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	partitionsAhead = 7
	partitionLock   = 0x696e626f78700001 // any constant of ours: "inboxp"
)

// Partitions makes the daily partitions of job_history and job_events from
// today to a week ahead. Any process may call it at any time; one at a time
// works. Rows for a day without a partition go to the default one, so a late
// call loses nothing.
func (l *Ledger) Partitions(ctx context.Context, now time.Time) error {
	return pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(partitionLock)).Scan(&mine); err != nil || !mine {
			return err
		}
		if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '1s'`); err != nil {
			return err
		}
		day := now.UTC().Truncate(24 * time.Hour)
		for range partitionsAhead + 1 {
			for _, table := range []string{"job_history", "job_events"} {
				if err := makePartition(ctx, tx, table, day); err != nil {
					return err
				}
			}
			day = day.Add(24 * time.Hour)
		}
		return nil
	})
}

// DropOldPartitions deletes history and events older than that many days, a day
// at a time. A partition that somebody reads just now is left for the next call.
func (l *Ledger) DropOldPartitions(ctx context.Context, now time.Time, days int) error {
	cutoff := now.UTC().AddDate(0, 0, -days).Format("20060102")
	rows, err := l.pool.Query(ctx, `
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
WHERE p.relname IN ('job_history', 'job_events') AND c.relname ~ '_[0-9]{8}$' AND right(c.relname, 8) < $1 ORDER BY 1`, cutoff)
	if err != nil {
		return fmt.Errorf("list old partitions: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list old partitions: %w", err)
	}
	for _, name := range names {
		err := pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '1s'`); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `DROP TABLE IF EXISTS `+pgx.Identifier{name}.Sanitize())
			return err
		})
		if err != nil {
			return fmt.Errorf("drop partition %s: %w", name, err)
		}
		l.log.InfoContext(ctx, "old history dropped", "partition", name)
	}
	return nil
}

// makePartition does nothing if the partition is there. A day whose rows are
// already in the default partition stays there.
func makePartition(ctx context.Context, tx pgx.Tx, table string, day time.Time) error {
	name := table + "_" + day.Format("20060102")
	var there bool
	if err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&there); err != nil || there {
		return err
	}
	column := map[string]string{"job_history": "finished_at", "job_events": "at"}[table]
	var taken bool
	from, to := day.Format(time.RFC3339), day.Add(24*time.Hour).Format(time.RFC3339)
	q := fmt.Sprintf(`SELECT EXISTS (SELECT 1 FROM %s_default WHERE %s >= $1::text::timestamptz AND %s < $2::text::timestamptz)`, table, column, column)
	if err := tx.QueryRow(ctx, q, from, to).Scan(&taken); err != nil || taken {
		return err
	}
	_, err := tx.Exec(ctx, fmt.Sprintf(`CREATE TABLE %s PARTITION OF %s FOR VALUES FROM ('%s') TO ('%s')`, name, table, from, to))
	if err != nil {
		return fmt.Errorf("make partition %s: %w", name, err)
	}
	return nil
}
