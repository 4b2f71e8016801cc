package ledger_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/ledger"
)

// A commit that is not relaxed costs each round of hand-outs a flush; one that
// stays relaxed for others could lose what a customer was promised.
func TestACommitIsRelaxedForItsTransactionOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	conn, err := b.pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	commit := func(tx interface {
		QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	},
	) (how string) {
		require.NoError(t, tx.QueryRow(t.Context(), `SHOW synchronous_commit`).Scan(&how))
		return how
	}
	usual := commit(conn)
	require.NoError(t, pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE control SET version = version WHERE `+ledger.RelaxedCommit)
		require.Equal(t, "off", commit(tx))
		return err
	}))
	require.Equal(t, usual, commit(conn))
}
