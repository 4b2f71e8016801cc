package ledger

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// wide asks a question over many jobs, in a transaction of its own: from an index
// alone where one knows the answer, in memory, and by several processes of the
// database if it has them.
func (l *Ledger) wide(ctx context.Context, sql string, args []any, read func(rows pgx.Rows) error) error {
	return pgx.BeginTxFunc(ctx, l.reads, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue(`SELECT set_config('enable_seqscan', 'off', true), set_config('work_mem', '64MB', true), set_config('plan_cache_mode', 'force_custom_plan', true)`)
		b.Queue(sql, args...).Query(read)
		return tx.SendBatch(ctx, b).Close()
	})
}
