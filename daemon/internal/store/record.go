package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
)

// record makes a change and records it, both or neither: change returns what the
// audit trail says of it.
func (s *Store) record(ctx context.Context, change func(context.Context, pgx.Tx) (audit.Record, error)) error {
	ctx = Named(ctx, QueryProvision)
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		r, err := change(ctx, tx)
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, r)
	})
}
