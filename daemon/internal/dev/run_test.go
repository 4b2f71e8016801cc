package dev

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
)

// inboxd builds the daemon and returns the command that runs it in development
// mode, with a home of its own so that no operator's file is touched.
func inboxd(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a whole inboxd for several seconds")
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "inboxd")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "github.com/bandeja/inboxd/cmd/inboxd")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	cmd := exec.CommandContext(t.Context(), bin, append([]string{"dev"}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	return cmd, &stdout, &stderr
}

// readManifest waits for dev.json.
func readManifest(t *testing.T, path string) manifest {
	t.Helper()
	var m manifest
	require.Eventually(t, func() bool {
		raw, err := os.ReadFile(path)
		return err == nil && json.Unmarshal(raw, &m) == nil
	}, time.Minute, 10*time.Millisecond)
	return m
}

// TestRunWithFaults is the promise of the product in one test: with a worker
// killed and Redis lost during traffic, nothing is lost, sent twice or out of
// order, and nothing stays behind.
func TestRunWithFaults(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dev.json")
	file := filepath.Join(t.TempDir(), "report.json")
	cmd, stdout, stderr := inboxd(t, "--for", "8s", "--rate", "40", "--kill-workers", "1", "--restart-redis",
		"--no-context", "--manifest", path, "--report", file)
	began := time.Now()
	require.NoError(t, cmd.Start())
	m := readManifest(t, path)
	t.Logf("ready after %s", time.Since(began).Round(100*time.Millisecond))
	require.Len(t, m.Orgs, 4)
	require.Contains(t, m.PIDs, "worker-2")
	require.Eventually(t, func() bool {
		raw, err := os.ReadFile(path)
		var now manifest
		return err == nil && json.Unmarshal(raw, &now) == nil && now.PIDs["worker-1"] != 0 && now.PIDs["worker-1"] != m.PIDs["worker-1"]
	}, time.Minute, 10*time.Millisecond, "the killed worker's new process id is published")
	require.NoError(t, cmd.Wait(), stderr.String())
	t.Logf("%s%s", stderr, stdout)

	var r Report
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &r))
	saved, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, stdout.String(), string(saved))
	require.Zero(t, r.Lost, "lost")
	require.Zero(t, r.DuplicateSends, "duplicate sends")
	require.Zero(t, r.OutOfOrder, "out of order")
	require.Zero(t, r.Jobs.Unfinished, "unfinished")
	require.Positive(t, r.Lanes.Redis)
	require.Positive(t, r.Lanes.Postgres)
	require.InDelta(t, 320, r.Messages.In, 20)
	require.GreaterOrEqual(t, r.Messages.OutAccepted, r.Messages.In)
	require.Equal(t, r.Messages.OutAccepted, r.Messages.Sent+r.Messages.Failed+r.Messages.Uncertain, "every accepted message is sent or explained")
	require.NoFileExists(t, path)
	require.NoDirExists(t, m.DataDir)
	for name, pid := range m.PIDs {
		require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, name)
	}
}

// TestTermEndsEarly: SIGTERM is an orderly end with a report, and the context
// file is left as it was.
func TestTermEndsEarly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dev.json")
	cmd, stdout, stderr := inboxd(t, "--for", "10m", "--rate", "20", "--manifest", path)
	require.NoError(t, cmd.Start())
	readManifest(t, path)
	contexts := filepath.Join(filepath.Dir(cmd.Path), "inboxctl", "config.json")
	require.Eventually(t, func() bool {
		raw, err := os.ReadFile(contexts)
		return err == nil && bytes.Contains(raw, []byte(`"dev"`))
	}, time.Minute, 10*time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	<-ctx.Done() // some traffic
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), stderr.String())
	var r Report
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &r), stderr.String())
	require.Less(t, r.Seconds, 60.0)
	require.Positive(t, r.Messages.In)
	require.Zero(t, r.Lost+r.DuplicateSends+r.OutOfOrder)
	raw, err := os.ReadFile(contexts)
	require.NoError(t, err)
	require.NotContains(t, string(raw), `"dev"`)
}

// TestTeardownGoesBackwards: what was started last may need what was started
// first, and one failure must not leave the rest running.
func TestTeardownGoesBackwards(t *testing.T) {
	t.Parallel()
	var order []int
	r := &run{}
	fault := errors.New("stuck")
	for i := range 3 {
		r.onTeardown(func(ctx context.Context) error {
			order = append(order, i)
			_, bounded := ctx.Deadline()
			require.True(t, bounded)
			require.NoError(t, ctx.Err(), "the end of the run is no reason not to clean up")
			if i == 2 {
				return fault
			}
			return nil
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.teardown(ended), fault)
	require.Equal(t, []int{2, 1, 0}, order)
	require.NoError(t, r.teardown(ended), "twice is harmless")
}

// TestFailedRunLeavesItsLogs: it names them, so they must be there for whoever
// looks; a database of 40 MB must not.
func TestFailedRunLeavesItsLogs(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	err := Run(t.Context(), Options{
		Argv: []string{"/bin/sh", "-c", "echo bad setting; exit 78"}, Stderr: &stderr, NoContext: true,
		Environ:     []string{"PATH=" + os.Getenv("PATH"), "INBOXD_DATABASE_URL=postgres://127.0.0.1:1/none", "INBOXD_REDIS_URL="},
		Migrate:     func(context.Context, string) error { return nil },
		OpenRecords: func(context.Context, string) (Records, func(), error) { return nil, func() {}, nil },
	})
	require.ErrorContains(t, err, "it ends again and again")
	_, dir, found := strings.Cut(err.Error(), "The logs are in ")
	require.True(t, found, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.Contains(t, stderr.String(), filepath.Join(dir, "api.log"))
	require.Contains(t, devstack.LogTail(filepath.Join(dir, "api.log")), "bad setting")
	require.NoFileExists(t, filepath.Join(dir, "secrets.json"))
	require.NoFileExists(t, filepath.Join(dir, "lock"), "it is not swept")
}

// TestPortsDiffer: the api refuses one port for two listeners, with exit 78.
func TestPortsDiffer(t *testing.T) {
	t.Parallel()
	const many = 500
	ports, err := devstack.FreePorts(t.Context(), many)
	require.NoError(t, err)
	slices.Sort(ports)
	require.Len(t, slices.Compact(ports), many)
}

// TestTakenPortIsWaitedFor: the kernel gives our ports to others' connections too
// between our choice and the api's start.
func TestTakenPortIsWaitedFor(t *testing.T) {
	t.Parallel()
	c, log, _ := supervise(t, `echo "listen tcp 127.0.0.1:1: bind: address already in use"; exit 1`)
	require.Eventually(t, c.failing, patient, time.Millisecond)
	require.Eventually(t, func() bool { return devstack.LogTail(log) != "" }, patient, time.Millisecond)
	require.True(t, c.portTaken())
}
