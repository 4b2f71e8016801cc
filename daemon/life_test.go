package daemon_test

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon"
	"github.com/bandeja/inboxd/daemon/internal/devstack/proxy"
)

// manager is a service manager that keeps what it was told.
type manager struct {
	socket string
	mu     sync.Mutex
	heard  []string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "m") //nolint:usetesting // t.TempDir is too long for a socket on some systems
	require.NoError(t, err)
	m := &manager{socket: filepath.Join(dir, "notify")}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 4096)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.heard = append(m.heard, strings.Split(string(buffer[:n]), "\n")...)
			m.mu.Unlock()
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done; _ = os.RemoveAll(dir) })
	return m
}

func (m *manager) getenv(name string) string {
	return map[string]string{"NOTIFY_SOCKET": m.socket, "WATCHDOG_USEC": "300000"}[name]
}

// count is how often a line was heard.
func (m *manager) count(line string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.heard {
		if l == line {
			n++
		}
	}
	return n
}

func (m *manager) await(t *testing.T, line string, times int) {
	t.Helper()
	require.Eventually(t, func() bool { return m.count(line) >= times }, patience, 10*time.Millisecond, "%q, %d times", line, times)
}

// run starts a daemon under the manager; stop ends it.
func (m *manager) run(t *testing.T, h *house, c daemon.Config, level *slog.LevelVar, stuck time.Duration) *process {
	t.Helper()
	d, err := daemon.New(t.Context(), daemon.Options{
		Config: c, Build: daemon.Build{Version: "v0.0.0-test"}, Host: "test", PID: os.Getpid(), Stuck: stuck, Level: level,
		Logger: slog.New(slog.NewTextHandler(h.logs, &slog.HandlerOptions{Level: level})), Getenv: m.getenv,
	})
	require.NoError(t, err)
	return launch(t, d)
}

// While the database is away the watchdog must be fed: a restart cures nothing,
// and would take the operators' doors down on top. Loops count as stuck after
// ten seconds here; the outage lasts longer.
func TestOutageDoesNotTripTheWatchdog(t *testing.T) {
	t.Parallel()
	h, m := newHouse(t), newManager(t)
	var p *proxy.Proxy
	h.dsn, p = through(t, h.dsn)
	c, _, err := daemon.LoadConfig("", h.environ("all"), nil)
	require.NoError(t, err)
	d := m.run(t, h, c, new(slog.LevelVar), 10*time.Second)
	m.await(t, "READY=1", 1)

	p.Cut()
	fed, begin := m.count("WATCHDOG=1"), time.Now()
	require.Eventually(t, func() bool { return time.Since(begin) > 15*time.Second }, patience, 50*time.Millisecond)
	m.await(t, "WATCHDOG=1", fed+100) // of 150
	begun := m.count("WATCHDOG=1")
	m.await(t, "WATCHDOG=1", begun+3) // and it is fed still
	p.Pass()
	require.NoError(t, d.stop())
	require.Equal(t, 1, m.count("STOPPING=1"))
	require.Equal(t, 1, m.count("EXTEND_TIMEOUT_USEC=30000000"), "the drain and a margin")
	require.Equal(t, 1, m.count("STATUS=v0.0.0-test, mode all, draining"))
}

// A reload changes what can change, says what needs a restart, and with a fault
// in the settings changes nothing. The service manager is told of each.
func TestReload(t *testing.T) {
	t.Parallel()
	h, m := newHouse(t), newManager(t)
	environ := h.environ("api")
	c, _, err := daemon.LoadConfig("", environ, nil)
	require.NoError(t, err)
	level := new(slog.LevelVar)
	d := m.run(t, h, c, level, 0)
	m.await(t, "READY=1", 1)

	reload := func(more ...string) {
		d.Reload(t.Context(), func() (daemon.Config, error) {
			c, _, err := daemon.LoadConfig("", append(environ, more...), nil)
			return c, err
		})
	}
	reload("INBOXD_LOG_LEVEL=warn", "INBOXD_SLOTS=3", "INBOXD_META_VERIFY_TOKEN=another")
	require.Equal(t, slog.LevelWarn, level.Level())
	require.Contains(t, h.logs.String(), `settings="[INBOXD_SLOTS INBOXD_META_VERIFY_TOKEN]"`)
	require.NotContains(t, h.logs.String(), "another")
	reload("INBOXD_LOG_LEVEL=debug", "INBOXD_SLOTS=many")
	require.Equal(t, slog.LevelWarn, level.Level(), "one fault: nothing changes")
	require.Contains(t, h.logs.String(), "INBOXD_SLOTS: got")
	m.await(t, "RELOADING=1", 2)
	m.await(t, "READY=1", 3)
	require.NoError(t, d.stop())
}

// Without a service manager's sockets nothing changes; with broken ones the
// start says so.
func TestBrokenActivationIsAnError(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, _, err := daemon.LoadConfig("", h.environ("api"), nil)
	require.NoError(t, err)
	env := map[string]string{"LISTEN_PID": "77", "LISTEN_FDS": "two"}
	_, err = daemon.New(t.Context(), daemon.Options{
		Config: c, Host: "test", PID: 77, Logger: slog.New(slog.NewTextHandler(new(bytes.Buffer), nil)), Getenv: func(k string) string { return env[k] },
	})
	require.ErrorContains(t, err, "LISTEN_FDS")
}
