package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/latency"
)

// A dump brings rows with transactions of a server that had counted further. They
// belong to the past: whoever rebuilds a day counts them, whoever follows does
// not, now or when this server has counted as far.
func TestRestoredHistoryIsOfThePast(t *testing.T) {
	t.Parallel()
	b := setupHot(t)
	_, err := b.pool.Exec(b.ctx, insertEnded, 1)
	require.NoError(t, err)
	rows, err := b.AdoptRestored(b.ctx)
	require.NoError(t, err)
	require.Zero(t, rows, "nothing to do where nothing was restored")

	_, err = b.pool.Exec(b.ctx, `UPDATE job_history SET tx = (tx::text::bigint + 1000000)::text::xid8`)
	require.NoError(t, err)
	rows, err = b.AdoptRestored(b.ctx)
	require.NoError(t, err)
	require.Equal(t, int64(1), rows)

	now, err := b.Mark(b.ctx)
	require.NoError(t, err)
	_, err = b.pool.Exec(b.ctx, insertEnded, 2)
	require.NoError(t, err)
	after, err := b.Mark(b.ctx)
	require.NoError(t, err)
	require.Len(t, b.follow(t, now, after), 1, "only what is new")
	past := 0
	require.NoError(t, b.EndedWithin(b.ctx, now, now.At.Add(-time.Hour), now.At, 0, func(latency.Ended) { past++ }))
	require.Equal(t, 1, past)
}
