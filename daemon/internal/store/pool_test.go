package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

func TestMigrations(t *testing.T) {
	t.Parallel()
	ctx, dsn := t.Context(), stacktest.Database(t, nil)
	before, err := store.MigrationStatus(ctx, dsn)
	require.NoError(t, err)
	require.NotEmpty(t, before)
	require.True(t, before[0].AppliedAt.IsZero())
	done := make(chan error)
	for range 3 { // several processes start at once
		go func() { done <- store.Migrate(ctx, dsn) }()
	}
	for range 3 {
		require.NoError(t, <-done)
	}
	after, err := store.MigrationStatus(ctx, dsn)
	require.NoError(t, err)
	for _, m := range after {
		require.False(t, m.AppliedAt.IsZero(), m.Name)
	}
	for range after {
		require.NoError(t, store.MigrateDown(ctx, dsn))
	}
	require.NoError(t, store.MigrateDown(ctx, dsn), "with nothing left it does nothing")
	require.NoError(t, store.Migrate(ctx, dsn))
	require.Error(t, store.Migrate(ctx, "postgres://%zz"))
}

func TestOpen(t *testing.T) {
	t.Parallel()
	ctx, registry := t.Context(), prometheus.NewRegistry()
	options := store.PoolOptions{DSN: stacktest.Database(t, nil), Name: "inboxd test", LockTimeout: 1500 * time.Millisecond, Registerer: registry}
	pool, err := store.Open(ctx, options)
	require.NoError(t, err)
	defer pool.Close()
	second, err := store.Open(ctx, options)
	require.NoError(t, err, "two pools share one histogram")
	defer second.Close()
	for name, want := range map[string]string{
		"application_name": "inboxd test", "statement_timeout": "30s", "lock_timeout": "1500ms",
		"idle_in_transaction_session_timeout": "30s", "jit": "off", "enable_seqscan": "on",
	} {
		var got string
		require.NoError(t, pool.QueryRow(store.Named(ctx, store.QueryEngine), `SELECT current_setting($1)`, name).Scan(&got))
		require.Equal(t, want, got, name)
	}
	counts := map[string]uint64{}
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		require.Equal(t, "db_query_duration_seconds", f.GetName())
		for _, m := range f.GetMetric() {
			counts[m.GetLabel()[0].GetValue()] = m.GetHistogram().GetSampleCount()
		}
	}
	require.EqualValues(t, 6, counts["engine"])
	require.Contains(t, counts, "ingest", "every type has a series from the start")

	away, err := store.Open(ctx, store.PoolOptions{DSN: "postgres://nobody:secret@127.0.0.1:1/none"})
	require.NoError(t, err, "a server that is away is found out at the first use")
	away.Close()
	_, err = store.Open(ctx, store.PoolOptions{DSN: "postgres://nobody:secret@127.0.0.1:port/none"})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}

// A connection refused because the server takes no writes is a failover, not a
// fault of ours: callers can tell.
func TestOpenOnAReadOnlyServer(t *testing.T) {
	t.Parallel()
	pool, err := store.Open(t.Context(), store.PoolOptions{DSN: stacktest.Database(t, nil) + "&options=-cdefault_transaction_read_only%3Don"})
	require.NoError(t, err)
	defer pool.Close()
	err = pool.Ping(t.Context())
	require.ErrorContains(t, err, "read only")
	passing, ok := errors.AsType[interface {
		error
		SafeToRetry() bool
	}](err)
	require.True(t, ok)
	require.True(t, passing.SafeToRetry())
}
