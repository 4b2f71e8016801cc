package telemetry_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

// systemd is a fake one: it listens, and gives what it hears in order.
type systemd struct {
	env  map[string]string
	conn *net.UnixConn
}

func newSystemd(t *testing.T, socket string) *systemd {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return &systemd{env: map[string]string{"NOTIFY_SOCKET": socket}, conn: conn}
}

func (s *systemd) getenv(name string) string { return s.env[name] }

func (s *systemd) hear(t *testing.T) string {
	t.Helper()
	require.NoError(t, s.conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	buffer := make([]byte, 4096)
	n, err := s.conn.Read(buffer)
	require.NoError(t, err)
	return string(buffer[:n])
}

func TestNotifierSpeaksInOrder(t *testing.T) {
	t.Parallel()
	directory, err := os.MkdirTemp("", "n") //nolint:usetesting // t.TempDir is too long for a socket on some systems
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(directory)) })
	sockets := []string{filepath.Join(directory, "notify"), fmt.Sprintf("@inboxd-test-%d", os.Getpid())}
	for _, socket := range sockets {
		s := newSystemd(t, socket)
		n := telemetry.NewNotifier(s.getenv, os.Getpid())
		require.NoError(t, n.Ready())
		require.NoError(t, n.Status("v1.0.0\nREADY=1"))
		require.NoError(t, n.Reloading())
		require.NoError(t, n.Stopping(30*time.Second))
		for _, want := range []string{"READY=1", "STATUS=v1.0.0 READY=1", "RELOADING=1", "STOPPING=1\nEXTEND_TIMEOUT_USEC=30000000"} {
			require.Equal(t, want, s.hear(t), socket)
		}
	}
}

// A process that is stuck must not be kept alive by its watchdog, and one that
// turns again must.
func TestWatchdogIsFedOnlyWhileAlive(t *testing.T) {
	t.Parallel()
	s := newSystemd(t, fmt.Sprintf("@inboxd-watchdog-%d", os.Getpid()))
	s.env["WATCHDOG_USEC"], s.env["WATCHDOG_PID"] = "3000", strconv.Itoa(os.Getpid())
	n := telemetry.NewNotifier(s.getenv, os.Getpid())
	ctx, cancel := context.WithCancel(t.Context())
	asked, done := make(chan bool), make(chan struct{})
	var answers atomic.Int32
	go func() {
		defer close(done)
		n.Watchdog(ctx, func() bool {
			answers.Add(1)
			select {
			case alive := <-asked:
				return alive
			case <-ctx.Done():
				return false
			}
		})
	}()
	asked <- false
	asked <- false
	require.NoError(t, n.Status("stuck"))
	asked <- true
	require.Equal(t, "STATUS=stuck", s.hear(t), "nothing was sent while stuck")
	require.Equal(t, "WATCHDOG=1", s.hear(t))
	cancel()
	<-done
	require.GreaterOrEqual(t, answers.Load(), int32(3))
}

func TestNotifierWithoutSystemdDoesNothing(t *testing.T) {
	t.Parallel()
	n := telemetry.NewNotifier(func(string) string { return "" }, 1)
	require.NoError(t, n.Ready())
	require.NoError(t, n.Stopping(time.Second))
	n.Watchdog(t.Context(), func() bool { panic("nobody asked") })

	foreign := map[string]string{"NOTIFY_SOCKET": "@none-" + strings.Repeat("x", 20), "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}
	n = telemetry.NewNotifier(func(name string) string { return foreign[name] }, 2)
	n.Watchdog(t.Context(), func() bool { panic("not our watchdog") })
	require.ErrorContains(t, n.Ready(), "notify systemd")
}
