package daemon_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon"
	"github.com/bandeja/inboxd/daemon/internal/devstack/proxy"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// manager is a service manager that keeps what it was told.
type manager struct {
	socket string
	mu     sync.Mutex
	heard  []string
	fed    time.Time
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
			if bytes.Contains(buffer[:n], []byte("WATCHDOG=1")) {
				m.fed = time.Now()
			}
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

// silent reports whether the watchdog, which is fed ten times a second, has not
// been fed for so long.
func (m *manager) silent(most time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Since(m.fed) > most
}

func (m *manager) await(t *testing.T, line string, times int) {
	t.Helper()
	require.Eventually(t, func() bool { return m.count(line) >= times }, patience, 10*time.Millisecond, "%q, %d times", line, times)
}

// run starts a daemon under the manager; stop ends it.
func (m *manager) run(t *testing.T, h *house, c daemon.Config, level *slog.LevelVar, stuck time.Duration) *process {
	t.Helper()
	return m.runLogging(t, slog.NewTextHandler(h.logs, &slog.HandlerOptions{Level: level}), c, level, stuck)
}

func (m *manager) runLogging(t *testing.T, log slog.Handler, c daemon.Config, level *slog.LevelVar, stuck time.Duration) *process {
	t.Helper()
	d, err := daemon.New(t.Context(), daemon.Options{
		Config: c, Build: daemon.Build{Version: "v0.0.0-test"}, Host: "test", PID: os.Getpid(), Stuck: stuck, Level: level,
		Logger: slog.New(log), Getenv: m.getenv,
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

// jam is a log that takes one message and never comes back, as a full pipe does:
// whoever says it is stuck.
type jam struct {
	slog.Handler
	on              string
	stuck, released chan struct{}
	once            *sync.Once
}

func (j jam) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == j.on {
		j.once.Do(func() { close(j.stuck) })
		<-j.released
	}
	return j.Handler.Handle(ctx, r)
}

func (j jam) WithAttrs(a []slog.Attr) slog.Handler { j.Handler = j.Handler.WithAttrs(a); return j }

func (j jam) WithGroup(name string) slog.Handler { j.Handler = j.Handler.WithGroup(name); return j }

// A loop without which no job is sent, or none is settled, must not stand still
// in a process that looks well: the service manager hears no more of it, and
// starts another.
func TestStuckLoopTripsTheWatchdog(t *testing.T) {
	t.Parallel()
	for name, on := range map[string]string{
		"dispatch": "dispatch fails", "reconciler": "reconciliation round failed", "commit of outcomes": "group commit will be repeated",
		"operations": "operations not looked for",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, m := newHouse(t), newManager(t)
			require.NoError(t, h.sim.SetSettings(metasim.Settings{Response: metasim.Span{MinMS: 1000, MaxMS: 1000}}))
			var p *proxy.Proxy
			h.dsn, p = through(t, h.dsn)
			c, _, err := daemon.LoadConfig("", h.environ("all"), nil)
			require.NoError(t, err)
			log := jam{slog.NewTextHandler(h.logs, nil), on, make(chan struct{}), make(chan struct{}), new(sync.Once)}
			d := m.runLogging(t, log, c, new(slog.LevelVar), 10*time.Second)
			t.Cleanup(func() { close(log.released) }) // before the daemon is stopped
			m.await(t, "READY=1", 1)
			h.api = d.APIURL()
			h.sim.SetWebhook(h.api+"/webhooks/meta", appSecret)
			h.furnish()
			h.reply(h.customer(waNumber, "12025550101", "hello"), "under way during the cut")
			require.Eventually(t, func() bool { return len(h.sim.Sends(0)) == 1 }, patience, time.Millisecond)

			p.Cut()
			<-log.stuck
			p.Pass() // all is well again but for one loop
			require.Eventually(t, func() bool { return m.silent(2 * time.Second) }, patience, 50*time.Millisecond)
			status, body, err := h.tryCall(http.MethodGet, "/livez", "")
			require.NoError(t, err)
			require.Equal(t, http.StatusServiceUnavailable, status)
			require.Contains(t, string(body), `"name":"`+name+`","ok":false`)
		})
	}
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
