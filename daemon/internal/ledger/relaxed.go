package ledger

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// relaxedSQL lets the commit of this transaction return before its record is on
// disk. It stands in front of what promises nothing to anybody: a crash of the
// server may then undo the last such commits, nothing else, and whatever commits
// later takes them to the disk with it.
const relaxedSQL = `SELECT set_config('synchronous_commit', 'off', true)`

// relaxed runs one statement in one round trip, with such a commit.
func relaxed(ctx context.Context, pool *pgxpool.Pool, read func(pgx.Rows) error, sql string, args ...any) error {
	b := &pgx.Batch{}
	b.Queue(relaxedSQL)
	b.Queue(sql, args...).Query(read)
	return pool.SendBatch(ctx, b).Close()
}
