package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// unit is one transaction made of pipelined batches, one round trip each:
// BEGIN travels with the first batch and COMMIT with the last. Not safe for
// concurrent use.
type unit struct {
	conn *pgxpool.Conn
	tx   pgx.Tx // nil before the first batch is sent
}

// errRolledBack says that the server answered COMMIT with a rollback.
var errRolledBack = errors.New("transaction was rolled back")

const rollbackTimeout = 2 * time.Second

// atomically runs work in one transaction. What work has not committed with
// commit is rolled back.
func (s *Store) atomically(ctx context.Context, work func(*unit) error) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("acquire connection: %w", err)
	}
	defer conn.Release() // destroys a connection that is still in a transaction
	u := &unit{conn: conn}
	err = work(u)
	if conn.Conn().PgConn().TxStatus() != 'I' && u.tx != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = u.tx.Rollback(ctx) // Release sees to a connection this fails on
	}
	return err
}

// batch returns an empty batch of this transaction. Writes look rows up by key:
// while the planner believes a table to be nearly empty it would rather hash all
// of it, and keep that plan while it grows.
func (u *unit) batch() *pgx.Batch {
	b := &pgx.Batch{}
	if u.tx == nil {
		b.BeginTx(pgx.TxOptions{})
		b.Queue(`SET LOCAL enable_hashjoin = off`)
	}
	return b
}

// send runs a batch; its callbacks have been called when it returns.
func (u *unit) send(ctx context.Context, b *pgx.Batch) error {
	results := u.conn.SendBatch(ctx, b)
	if u.tx == nil {
		u.tx = results.Tx()
	}
	return results.Close()
}

// commit runs a batch and commits. Only nil means that everything is durable;
// a lost connection may leave it durable or not.
func (u *unit) commit(ctx context.Context, b *pgx.Batch) error {
	b.Queue("COMMIT").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return errRolledBack
		}
		return nil
	})
	return u.send(ctx, b)
}

// repeats is how often a transaction that lost against another one is tried.
const repeats = 4

// repeated runs work again when it lost a deadlock, or inserted the same key at
// the same moment as somebody else: the next try finds their row.
func repeated(ctx context.Context, work func() error) error {
	var err error
	for range repeats {
		if err = work(); err == nil || ctx.Err() != nil || !lost(err) {
			return err
		}
	}
	return err
}

// errLost asks repeated for another try.
var errLost = errors.New("overtaken by a concurrent write")

func lost(err error) bool {
	if errors.Is(err, errLost) {
		return true
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	switch pg.Code {
	case "40001", "40P01", "23505", "23503":
		return true
	}
	return false
}

// violates reports whether err is a breach of the named constraint.
func violates(err error, constraint string) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.ConstraintName == constraint
}
