package dev

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
)

// supervise runs a shell script as a child until stop or the test's end.
func supervise(t *testing.T, script string) (c *child, log string, stop func()) {
	t.Helper()
	log = filepath.Join(t.TempDir(), "child.log")
	spawner := devstack.NewSpawner()
	c = &child{
		role: role{name: "child"}, spawner: spawner, logger: slog.New(slog.DiscardHandler), changed: func() {},
		command: devstack.Command{
			Argv: []string{"/bin/sh", "-c", script}, Env: os.Environ(), LogPath: log, Append: true, OrphanSignal: syscall.SIGTERM,
		},
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { c.run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		spawner.Close()
		require.Zero(t, c.pid())
	})
	t.Cleanup(stop)
	return c, log, stop
}

const patient = 20 * time.Second

// TestRestartPause: a run with kills measures the daemon, not our slowness, so a
// sound child is back at once; one that dies at birth is not started in a frenzy.
func TestRestartPause(t *testing.T) {
	t.Parallel()
	require.Equal(t, 100*time.Millisecond, restartPause(0, 0))
	require.Equal(t, 100*time.Millisecond, restartPause(restartMost, soundLife))
	pause, sum := time.Duration(0), time.Duration(0)
	for range 10 {
		pause = restartPause(pause, time.Millisecond)
		sum += pause
	}
	require.Equal(t, restartMost, pause)
	require.Greater(t, sum, 20*time.Second)
}

// TestKilledChildIsBack with a new process, and is not taken for a failing one.
func TestKilledChildIsBack(t *testing.T) {
	t.Parallel()
	c, _, _ := supervise(t, "while :; do sleep 0.05; done")
	require.Eventually(t, func() bool { return c.pid() != 0 }, patient, time.Millisecond)
	before := c.pid()
	require.NoError(t, c.kill(t.Context()))
	require.Eventually(t, func() bool { return c.pid() != 0 && c.pid() != before }, patient, time.Millisecond)
	require.False(t, c.failing())
}

// TestStopIsOrderly: a child gets the time to drain.
func TestStopIsOrderly(t *testing.T) {
	t.Parallel()
	_, log, stop := supervise(t, `trap 'echo drained; exit 0' TERM; echo up; while :; do sleep 0.02; done`)
	require.Eventually(t, func() bool {
		content, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(content), "up")
	}, patient, time.Millisecond)
	stop()
	content, err := os.ReadFile(log)
	require.NoError(t, err)
	require.Equal(t, "up\ndrained\n", string(content))
}

// TestFailingChildIsNoticed: waiting 30 s for a daemon that dies of a bad
// setting would hide why.
func TestFailingChildIsNoticed(t *testing.T) {
	t.Parallel()
	c, log, _ := supervise(t, "echo bad setting; exit 78")
	require.Eventually(t, c.failing, patient, time.Millisecond)
	require.Contains(t, devstack.LogTail(log), "bad setting")
}
