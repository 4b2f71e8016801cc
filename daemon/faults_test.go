package daemon_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon"
	"github.com/bandeja/inboxd/daemon/internal/devstack/proxy"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// serveForTest is the daemon process of kill tests.
func serveForTest() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	c, _, err := daemon.LoadConfig("", os.Environ(), nil)
	if err == nil {
		var d *daemon.Daemon
		d, err = daemon.New(ctx, daemon.Options{
			Config: c, Build: daemon.Build{Version: "v0.0.0-test"}, Logger: log, Getenv: os.Getenv, PID: os.Getpid(), Host: "test",
		})
		if err == nil {
			err = d.Run(ctx)
		}
	}
	if err != nil {
		log.ErrorContext(ctx, "test daemon ended", "error", err)
		return 1
	}
	return 0
}

// spawn starts a daemon as a process of its own.
func (h *house) spawn(mode string, more ...string) *exec.Cmd {
	h.t.Helper()
	exe, err := os.Executable()
	require.NoError(h.t, err)
	cmd := exec.CommandContext(context.Background(), exe)
	cmd.Env = append(append(h.environ(mode), more...), serveEnv+"=1")
	cmd.Stderr = h.logs
	require.NoError(h.t, cmd.Start())
	h.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// rounds is how often a fault test repeats: once in the ordinary run, as often
// as INBOXD_FAULT_ROUNDS says in `make faults`.
func rounds(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("INBOXD_FAULT_ROUNDS"))
	if err != nil {
		return 1
	}
	return n
}

// through puts a proxy in front of the server that a URL names.
func through(t *testing.T, raw string) (string, *proxy.Proxy) {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	p, err := proxy.New(u.Host)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	u.Host = p.Addr()
	return u.String(), p
}

// Redis goes down, loses everything and comes back while messages flow: the
// postgres lane carries on, what was on its way is recalled.
func TestFaultRedisLosesEverything(t *testing.T) {
	t.Parallel()
	for round := range rounds(t) {
		t.Run(fmt.Sprint("Round", round), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			direct := stacktest.Redis(t)
			var cut *proxy.Proxy
			h.redis, cut = through(t, direct)
			h.dial = 100
			h.start("all")
			h.furnish()
			conversation := h.customer(waNumber, "12025550101", "hello")
			h.awaitStatus(h.reply(conversation, "before").Message.ID, "delivered", "read")

			cut.Cut()
			during := h.reply(conversation, "during")
			h.awaitStatus(during.Message.ID, "delivered", "read")
			o, err := redis.ParseURL(direct)
			require.NoError(t, err)
			flush := redis.NewClient(o)
			defer func() { _ = flush.Close() }()
			require.NoError(t, flush.FlushDB(t.Context()).Err())
			cut.Pass()
			var after []receipt
			for range 10 {
				after = append(after, h.reply(conversation, "after"))
			}
			for _, r := range after {
				h.awaitStatus(r.Message.ID, "delivered", "read")
			}
			require.Empty(t, h.sim.Duplicates())
			inOrder(t, h.sim.Sends(0))
		})
	}
}

// Without Redis at the start the process is ready and works by the postgres
// lane.
func TestFaultRedisDownAtStart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var cut *proxy.Proxy
	h.redis, cut = through(t, stacktest.Redis(t))
	h.dial = 100
	cut.Cut()
	h.start("all")
	h.furnish()
	conversation := h.customer(waNumber, "12025550101", "hello")
	h.awaitStatus(h.reply(conversation, "one").Message.ID, "delivered", "read")
	cut.Pass()
	h.awaitStatus(h.reply(conversation, "two").Message.ID, "delivered", "read")
	require.Empty(t, h.sim.Duplicates())
}

// Without PostgreSQL at the start the process waits, says that it is not ready,
// and begins when the database is there.
func TestFaultPostgresDownAtStart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var cut *proxy.Proxy
	h.dsn, cut = through(t, h.dsn)
	cut.Cut()
	h.start("all")
	require.EventuallyWithT(t, func(t *collect) {
		status, _, err := h.tryCall(http.MethodGet, "/readyz", "")
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, status)
	}, patience, 20*time.Millisecond)
	cut.Pass()
	h.furnish()
	conversation := h.customer(waNumber, "12025550101", "hello")
	h.awaitStatus(h.reply(conversation, "one").Message.ID, "delivered", "read")
}

// PostgreSQL goes away while messages are being sent and comes back: what was
// accepted is sent once, webhooks are repeated by Meta until they are stored,
// and nobody is declared dead for it.
func TestFaultPostgresAwayDuringWork(t *testing.T) {
	t.Parallel()
	for round := range rounds(t) {
		t.Run(fmt.Sprint("Round", round), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			var cut *proxy.Proxy
			h.dsn, cut = through(t, h.dsn)
			h.redis, h.dial = stacktest.Redis(t), 50
			require.NoError(t, h.sim.SetSettings(metasim.Settings{Response: metasim.Span{MinMS: 50, MaxMS: 200}}))
			h.start("all")
			h.furnish()
			var sent []receipt
			for i := range 6 {
				conversation := h.customer(waNumber, fmt.Sprint("1202555010", i), "hi")
				for range 3 {
					sent = append(sent, h.reply(conversation, "answer"))
				}
			}
			cut.Cut()
			status, _, err := h.tryCall(http.MethodGet, "/v1/conversations", "")
			require.NoError(t, err)
			require.Equal(t, http.StatusServiceUnavailable, status)
			_, err = h.sim.Inbound(waNumber, metasim.Contact{UserID: "US.late", WaID: "12025559999"}, "written during the outage")
			require.NoError(t, err)
			time.AfterFunc(2*time.Second, cut.Pass)
			for _, r := range sent {
				h.awaitStatus(r.Message.ID, "delivered", "read", "uncertain")
			}
			h.customer(waNumber, "late", "and after it")
			require.Empty(t, h.sim.Duplicates())
			inOrder(t, h.sim.Sends(0))
		})
	}
}

// A client that trickles its request at the stop must not use up the time that
// running sends need to end.
func TestFaultSlowClientAtStop(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.start("all")
	h.furnish()
	conversation := h.customer(waNumber, "12025550101", "hello")
	h.awaitStatus(h.reply(conversation, "first").Message.ID, "delivered", "read")
	require.NoError(t, h.sim.SetSettings(metasim.Settings{Response: metasim.Span{MinMS: 7000, MaxMS: 7000}}))
	r := h.reply(conversation, "under way")
	require.Eventually(t, func() bool { return len(h.sim.Sends(0)) == 2 }, patience, time.Millisecond)

	u, err := url.Parse(h.api)
	require.NoError(t, err)
	var dialer net.Dialer
	slow, err := dialer.DialContext(t.Context(), "tcp", u.Host)
	require.NoError(t, err)
	defer func() { _ = slow.Close() }()
	_, err = fmt.Fprintf(slow, "POST /webhooks/meta HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	require.NoError(t, err)
	_ = p.stop() // the cut-off client is an error of the stop, and that is fine
	h.start("all")
	h.awaitStatus(r.Message.ID, "accepted", "sent", "delivered", "read")
	require.Empty(t, h.sim.Duplicates())
}

// A worker frozen for longer than others wait (SIGSTOP, a suspended machine) is
// declared dead; when it wakes up it sends nothing more and ends, so that its
// supervisor starts it afresh.
func TestFaultWorkerFrozen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.redis, h.dial = stacktest.Redis(t), 50
	require.NoError(t, h.sim.SetSettings(metasim.Settings{Response: metasim.Span{MinMS: 50, MaxMS: 300}}))
	h.start("api")
	h.furnish()
	frozen := h.spawn("worker")
	var sent []receipt
	for i := range 6 {
		conversation := h.customer(waNumber, fmt.Sprint("1202555010", i), "hi")
		for range 3 {
			sent = append(sent, h.reply(conversation, "answer"))
		}
	}
	require.Eventually(t, func() bool { return len(h.sim.Sends(0)) >= 4 }, patience, time.Millisecond)
	require.NoError(t, frozen.Process.Signal(syscall.SIGSTOP))
	h.spawn("worker")
	for _, r := range sent {
		h.awaitStatus(r.Message.ID, "delivered", "read", "uncertain")
	}
	h.awaitDeath() // also if everything it had begun was done already
	before := h.sim.Sends(0)
	lost := h.lostTickets()
	require.NoError(t, frozen.Process.Signal(syscall.SIGCONT))
	require.Error(t, frozen.Wait(), "it ends with a failure")
	for _, s := range h.sim.Sends(0)[len(before):] {
		// Its late word "never sent" may free an uncertain job for others: they
		// send it under a new epoch.
		require.NotContains(t, lost, s.RequestID, "it sends nothing more")
	}
	require.Empty(t, h.sim.Duplicates())
	inOrder(t, before)
}

// awaitDeath waits until a process has been declared dead.
func (h *house) awaitDeath() {
	h.t.Helper()
	conn, err := pgx.Connect(h.t.Context(), h.dsn)
	require.NoError(h.t, err)
	defer func() { _ = conn.Close(h.t.Context()) }()
	require.Eventually(h.t, func() bool {
		var dead int
		err := conn.QueryRow(h.t.Context(), `SELECT count(*) FROM workers WHERE dead_at IS NOT NULL`).Scan(&dead)
		return err == nil && dead > 0
	}, 3*patience, 20*time.Millisecond)
}

// lostTickets are the hand-outs that were running in a worker declared dead.
func (h *house) lostTickets() (tickets []string) {
	h.t.Helper()
	conn, err := pgx.Connect(h.t.Context(), h.dsn)
	require.NoError(h.t, err)
	defer func() { _ = conn.Close(h.t.Context()) }()
	rows, err := conn.Query(h.t.Context(), `SELECT job_id || '.' || epoch FROM job_events WHERE kind = 3 AND error_class = 'worker_lost'`)
	require.NoError(h.t, err)
	tickets, err = pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(h.t, err)
	return tickets
}
