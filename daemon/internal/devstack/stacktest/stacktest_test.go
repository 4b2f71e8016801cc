package stacktest_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
)

// migrations counts over parallel tests.
var migrations atomic.Int32

// migrate leaves its connection open for a moment, as a pool does: the copy
// must work all the same.
func migrate(ctx context.Context, dsn string) error {
	migrations.Add(1)
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE TABLE things (id int PRIMARY KEY)")
	return err
}

// TestDatabasesAreIsolated inserts the same key in parallel: a shared database
// would refuse all but one.
func TestDatabasesAreIsolated(t *testing.T) {
	t.Parallel()
	for i := range 6 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			conn, err := pgx.Connect(t.Context(), stacktest.Database(t, migrate))
			require.NoError(t, err)
			_, err = conn.Exec(t.Context(), "INSERT INTO things VALUES (1)")
			require.NoError(t, err, "the connection is left open: the drop must cut it")
			require.EqualValues(t, 1, migrations.Load(), "the template is migrated once")
		})
	}
}

func TestDatabaseWithoutMigrationIsEmpty(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), stacktest.Database(t, nil))
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	var tables int
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables))
	require.Zero(t, tables)
}

func TestRedisDatabasesAreIsolated(t *testing.T) {
	t.Parallel()
	for i := range 6 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			options, err := redis.ParseURL(stacktest.Redis(t))
			require.NoError(t, err)
			require.NotZero(t, options.DB, "database 0 holds the counter")
			client := redis.NewClient(options)
			defer func() { require.NoError(t, client.Close()) }()
			set, err := client.SetNX(t.Context(), "key", i, 0).Result()
			require.NoError(t, err)
			require.True(t, set, "somebody else's key is here")
		})
	}
}

// TestFailedMigrationFailsTheTest guards against tests that run on an empty
// schema because nobody looked at the error.
func TestFailedMigrationFailsTheTest(t *testing.T) {
	t.Parallel()
	probe := &failing{TB: t}
	func() {
		defer func() { _ = recover() }()
		stacktest.Database(probe, func(context.Context, string) error { return errors.New("broken migration") })
	}()
	require.Contains(t, probe.said, "broken migration")
}

// failing is a test that records its failure and stops by a panic.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	panic(f.said)
}
