package devstack_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
)

func start(t *testing.T, o devstack.Options) *devstack.Stack {
	t.Helper()
	s, err := devstack.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *devstack.Stack) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	require.NoError(t, s.Stop(ctx))
}

func query(t *testing.T, dsn, sql string) (string, error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	var answer string
	err = conn.QueryRow(t.Context(), sql).Scan(&answer)
	return answer, err
}

func redisClient(t *testing.T, s *devstack.Stack) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(s.RedisURL)
	require.NoError(t, err)
	options.MaxRetries = -1
	client := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

// place returns a directory that the server's user may enter; t.TempDir is
// private to us.
func place(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "inboxd-test-") //nolint:usetesting // See above.
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// TestLife follows one stack from start to end: it must answer when Start
// returns, survive the crash of either server, and leave nothing behind.
func TestLife(t *testing.T) {
	t.Parallel()
	s := start(t, devstack.Options{Redis: true})
	encoding, err := query(t, s.DatabaseURL, "SHOW server_encoding")
	require.NoError(t, err)
	require.Equal(t, "UTF8", encoding)
	before := s.PIDs()
	require.Len(t, before, 2)

	client := redisClient(t, s)
	require.NoError(t, client.Set(t.Context(), "key", "value", 0).Err())
	require.NoError(t, s.KillRedis(t.Context()))
	require.Error(t, client.Ping(t.Context()).Err())
	require.NotContains(t, s.PIDs(), "redis")
	require.NoError(t, s.StartRedis(t.Context()))
	require.ErrorIs(t, client.Get(t.Context(), "key").Err(), redis.Nil, "same port, and the data is gone")
	require.NoError(t, s.RestartRedis(t.Context()))
	require.NoError(t, client.Ping(t.Context()).Err())

	require.NoError(t, s.KillPostgres(t.Context()))
	_, err = query(t, s.DatabaseURL, "SHOW server_encoding")
	require.Error(t, err)
	require.NoError(t, s.StartPostgres(t.Context()))
	require.NoError(t, s.StartPostgres(t.Context()), "starting what runs does nothing")
	_, err = query(t, s.DatabaseURL, "SHOW server_encoding")
	require.NoError(t, err)

	after := s.PIDs()
	require.NotEqual(t, before, after)
	stop(t, s)
	for name, pid := range after {
		require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, name)
	}
	require.NoDirExists(t, s.Dir)
	require.Error(t, s.StartRedis(t.Context()), "a stopped stack stays stopped")
	require.Error(t, s.StartPostgres(t.Context()))
}

func TestPostgresAloneHasNoRedis(t *testing.T) {
	t.Parallel()
	s := start(t, devstack.Options{})
	require.Empty(t, s.RedisURL)
	require.ErrorIs(t, s.KillRedis(t.Context()), devstack.ErrNoRedis)
	require.ErrorIs(t, s.StartRedis(t.Context()), devstack.ErrNoRedis)
}

// TestRedisAlone is development against somebody else's PostgreSQL.
func TestRedisAlone(t *testing.T) {
	t.Parallel()
	s := start(t, devstack.Options{NoPostgres: true, Redis: true, Finder: devstack.Finder{LookPath: missing}})
	require.Empty(t, s.DatabaseURL)
	require.NoError(t, redisClient(t, s).Ping(t.Context()).Err())
	require.ErrorIs(t, s.KillPostgres(t.Context()), devstack.ErrNoPostgresHere)
	require.ErrorIs(t, s.StartPostgres(t.Context()), devstack.ErrNoPostgresHere)
}

// TestPostgresDropsRoot matters in containers, where everything runs as root
// and PostgreSQL refuses to.
func TestPostgresDropsRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	s := start(t, devstack.Options{})
	info, err := os.Stat("/proc/" + strconv.Itoa(s.PIDs()["postgres"]))
	require.NoError(t, err)
	owner, ok := info.Sys().(*syscall.Stat_t)
	require.True(t, ok)
	require.NotZero(t, owner.Uid)
}

// TestDirectoryIsKept starts twice on one directory, as `inboxd dev --data`
// does: what was stored must be there again, in both servers.
func TestDirectoryIsKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(place(t), "data")
	first := start(t, devstack.Options{Dir: dir, Redis: true, Durable: true})
	_, err := query(t, first.DatabaseURL, "SELECT pg_catalog.set_config('x.y', 'z', false)")
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), first.DatabaseURL)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT 'here' AS word")
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	require.NoError(t, redisClient(t, first).Set(t.Context(), "key", "value", 0).Err())
	fsync, err := query(t, first.DatabaseURL, "SHOW fsync")
	require.NoError(t, err)
	require.Equal(t, "on", fsync)

	_, err = devstack.Start(t.Context(), devstack.Options{Dir: dir})
	require.ErrorContains(t, err, "in use")
	stop(t, first)

	pidFile := filepath.Join(dir, "postgres", "postmaster.pid")
	require.NoError(t, os.WriteFile(pidFile, []byte("999999999\n"), 0o600), "a crash leaves a stale pid file")
	second := start(t, devstack.Options{Dir: dir, Redis: true})
	word, err := query(t, second.DatabaseURL, "SELECT word FROM kept")
	require.NoError(t, err)
	require.Equal(t, "here", word)
	value, err := redisClient(t, second).Get(t.Context(), "key").Result()
	require.NoError(t, err)
	require.Equal(t, "value", value)
	stop(t, second)
	require.DirExists(t, dir)
}

// TestForeignServerOnDirectory starts a server behind our back: taking its
// directory would destroy its data.
func TestForeignServerOnDirectory(t *testing.T) {
	t.Parallel()
	other := start(t, devstack.Options{})
	dir := place(t)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "postgres"), 0o700))
	for name, content := range map[string]string{"PG_VERSION": "15\n", "postmaster.pid": strconv.Itoa(other.PIDs()["postgres"]) + "\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres", name), []byte(content), 0o600))
	}
	_, err := devstack.Start(t.Context(), devstack.Options{Dir: dir})
	require.ErrorContains(t, err, "another PostgreSQL (process "+strconv.Itoa(other.PIDs()["postgres"])+")")
	require.FileExists(t, filepath.Join(dir, "postgres", "postmaster.pid"))
}

func TestClosedDirectoryIsNamed(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root: otherwise we are the server's user")
	}
	closed := filepath.Join(place(t), "closed")
	require.NoError(t, os.Mkdir(closed, 0o700))
	_, err := devstack.Start(t.Context(), devstack.Options{Dir: filepath.Join(closed, "data")})
	require.ErrorContains(t, err, "may not enter "+closed)
}

func missing(string) (string, error) { return "", exec.ErrNotFound }

// onlyPostgres is a machine without Redis.
func onlyPostgres(name string) (string, error) {
	if strings.Contains(name, "redis") || strings.Contains(name, "valkey") {
		return "", exec.ErrNotFound
	}
	return exec.LookPath(name)
}

func TestNoPostgresNamesTheInstallCommand(t *testing.T) {
	t.Parallel()
	_, err := devstack.Start(t.Context(), devstack.Options{Finder: devstack.Finder{LookPath: missing}})
	require.ErrorIs(t, err, devstack.ErrNoPostgres)
	for _, tool := range []string{"apt-get install", "dnf install", "brew install"} {
		require.ErrorContains(t, err, tool)
	}
}

// TestNewestVersionWins builds two installations that only differ in number.
func TestNewestVersionWins(t *testing.T) {
	t.Parallel()
	root := place(t)
	for _, version := range []string{"9", "10"} {
		bin := filepath.Join(root, version, "bin")
		require.NoError(t, os.MkdirAll(bin, 0o755))
		for _, name := range []string{"initdb", "postgres"} {
			script := "#!/bin/sh\necho version " + version + " was chosen\nexit 3\n"
			require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755))
		}
	}
	finder := devstack.Finder{LookPath: missing, Globs: []string{filepath.Join(root, "*", "bin")}}
	_, err := devstack.Start(t.Context(), devstack.Options{Finder: finder})
	require.ErrorContains(t, err, "version 10 was chosen")
}

// TestRedisImitation is what a newcomer without Redis gets: keys must expire
// although no test drives the clock, and a crash loses them.
func TestRedisImitation(t *testing.T) {
	t.Parallel()
	globs := []string{"/usr/lib/postgresql/*/bin"}
	s := start(t, devstack.Options{Redis: true, Finder: devstack.Finder{LookPath: onlyPostgres, Globs: globs}})
	client := redisClient(t, s)
	require.NotContains(t, s.PIDs(), "redis")
	require.NoError(t, client.Set(t.Context(), "short", "value", 20*time.Millisecond).Err())
	require.NoError(t, client.Set(t.Context(), "long", "value", time.Hour).Err())
	require.Eventually(t, func() bool { return errors.Is(client.Get(t.Context(), "short").Err(), redis.Nil) },
		10*time.Second, 5*time.Millisecond)
	require.NoError(t, client.Get(t.Context(), "long").Err())
	require.NoError(t, s.RestartRedis(t.Context()))
	require.ErrorIs(t, client.Get(t.Context(), "long").Err(), redis.Nil)
}

func TestStartStopsWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := devstack.Start(ctx, devstack.Options{Redis: true})
	require.ErrorIs(t, err, context.Canceled)
}

func TestRunWithPassesExitCodeAndAddresses(t *testing.T) {
	t.Parallel()
	script := `case "$` + devstack.TestDatabaseURL + `$` + devstack.TestRedisURL + `$EXTRA" in postgres://*redis://*more) exit 7;; esac; exit 1`
	code, err := devstack.RunWith(t.Context(), []string{"sh", "-c", script}, []string{"EXTRA=more"})
	require.NoError(t, err)
	require.Equal(t, 7, code)
	code, err = devstack.RunWith(t.Context(), []string{"sh", "-c", "kill -9 $$"}, nil)
	require.NoError(t, err)
	require.Equal(t, 137, code)
	_, err = devstack.RunWith(t.Context(), []string{"/no/such/program"}, nil)
	require.Error(t, err)
	_, err = devstack.RunWith(t.Context(), nil, nil)
	require.Error(t, err)
}
