package daemon_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// serveEnv makes this test binary a daemon: the process that tests kill.
const serveEnv = "INBOXD_TEST_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveEnv) != "" {
		os.Exit(serveForTest()) //nolint:forbidigo // this is its main
	}
	// go-redis looks once a second whether a server that refused it is back, and
	// ends within that second after Close.
	stacktest.Main(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

const (
	appSecret = "test-app-secret"
	secretKey = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	waNumber  = "120000000000201"
	igAccount = "17841400000000301"
	patience  = time.Minute
)

// house is a simulated Meta, a database and what tests start on it.
type house struct {
	t      testing.TB
	dsn    string
	redis  string // URL; empty: none
	dial   int
	sim    *metasim.Sim
	api    string // base URL of the public API
	token  string // of org acme, user dana
	socket string
	every  time.Duration // between looks for periodic work
	logs   *logs
	level  slog.Level
}

// logs keeps what the daemons said, for a failing test.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }

func (l *logs) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func newHouse(tb testing.TB) *house {
	tb.Helper()
	sim, err := metasim.New(metasim.Options{AppSecret: appSecret, Seed: 1})
	require.NoError(tb, err)
	require.NoError(tb, sim.Start(tb.Context()))
	h := &house{t: tb, dsn: stacktest.Database(tb, store.Migrate), sim: sim, logs: &logs{}, level: slog.LevelDebug}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(tb, sim.Stop(ctx))
		if tb.Failed() {
			tb.Log(h.logs.String())
		}
	})
	for _, a := range []metasim.Account{
		{Kind: metasim.WhatsApp, ID: waNumber, BusinessID: "110000000000101", Token: "channel-token"},
		{Kind: metasim.Instagram, ID: igAccount, Token: "channel-token"},
	} {
		require.NoError(tb, sim.AddAccount(a))
	}
	return h
}

// environ are the settings of one process.
func (h *house) environ(mode string) []string {
	dir, err := os.MkdirTemp("", "inboxd") // short: a socket path has 107 bytes
	require.NoError(h.t, err)
	h.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	h.socket = filepath.Join(dir, "admin.sock")
	e := []string{
		"APP_MODE=" + mode, "INBOXD_DATABASE_URL=" + h.dsn, "INBOXD_LISTEN=127.0.0.1:0", "INBOXD_METRICS_LISTEN=127.0.0.1:0",
		"INBOXD_ADMIN_SOCKET=" + h.socket, "INBOXD_META_APP_SECRET=" + appSecret, "INBOXD_META_VERIFY_TOKEN=verify",
		"INBOXD_SECRET_KEY=" + secretKey, "INBOXD_META_GRAPH_URL=" + h.sim.URL(), "INBOXD_META_INSTAGRAM_URL=" + h.sim.URL(),
		"INBOXD_META_APP_ID=" + h.sim.AppID(),
		"INBOXD_META_PAIR_BURST=45", "INBOXD_DRAIN=5s", fmt.Sprintf("INBOXD_DIAL=%d", h.dial), "INBOXD_SLOTS=8",
	}
	if h.redis != "" {
		e = append(e, "INBOXD_REDIS_URL="+h.redis)
	}
	return e
}

// process is a daemon that runs in this test.
type process struct {
	*daemon.Daemon
	cancel context.CancelFunc
	done   chan error
}

// start runs a daemon until the test ends, or stop.
func (h *house) start(mode string) *process {
	h.t.Helper()
	p, err := h.tryStart(mode)
	require.NoError(h.t, err)
	return p
}

func (h *house) tryStart(mode string, more ...string) (*process, error) {
	h.t.Helper()
	c, _, err := daemon.LoadConfig("", append(h.environ(mode), more...), nil)
	require.NoError(h.t, err)
	d, err := daemon.New(h.t.Context(), daemon.Options{
		Config: c, Build: daemon.Build{Version: "v0.0.0-test"}, Host: "test", PID: os.Getpid(), Every: h.every,
		Logger: slog.New(slog.NewTextHandler(h.logs, &slog.HandlerOptions{Level: h.level})), Getenv: func(string) string { return "" },
	})
	if err != nil {
		return nil, err
	}
	p := launch(h.t, d)
	if mode != "worker" {
		h.api = d.APIURL()
		h.sim.SetWebhook(h.api+"/webhooks/meta", appSecret)
	}
	return p, nil
}

// launch runs a daemon until the test ends, or stop.
func launch(tb testing.TB, d *daemon.Daemon) *process {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{Daemon: d, cancel: cancel, done: make(chan error, 1)}
	go func() { p.done <- d.Run(ctx) }()
	tb.Cleanup(func() { _ = p.stop() })
	return p
}

// stop ends the process as SIGTERM would; a second call does nothing.
func (p *process) stop() error {
	p.cancel()
	err, ok := <-p.done
	if ok {
		close(p.done)
	}
	return err
}

// furnish adds org acme with user dana, both channels and a token.
func (h *house) furnish() {
	h.t.Helper()
	c, err := admin.NewClient(admin.Options{Server: "unix://" + h.socket})
	require.NoError(h.t, err)
	defer c.Close()
	ctx := h.t.Context()
	require.EventuallyWithT(h.t, func(t *collect) {
		_, err := c.AddOrg(ctx, admin.OrgAdd{Name: "acme"})
		require.NoError(t, err)
	}, patience, 20*time.Millisecond)
	_, err = c.AddUser(ctx, admin.UserAdd{Org: "acme", Name: "dana"})
	require.NoError(h.t, err)
	_, err = c.AddChannel(ctx, admin.ChannelAdd{Org: "acme", Kind: "whatsapp", ExternalID: waNumber, Token: "channel-token"})
	require.NoError(h.t, err)
	_, err = c.AddChannel(ctx, admin.ChannelAdd{Org: "acme", Kind: "instagram", ExternalID: igAccount, Token: "channel-token"})
	require.NoError(h.t, err)
	_, err = c.SetLimits(ctx, admin.LimitSet{Org: "acme", Values: map[string]string{"send_text": "100000/min", "send_template": "100000/min"}})
	require.NoError(h.t, err)
	token, err := c.CreateToken(ctx, admin.TokenCreate{Org: "acme", User: "dana"})
	require.NoError(h.t, err)
	h.token = token.Item.Token
}

// call speaks to the public API and decodes the answer into out.
func (h *house) call(method, path, body string, out any, headers ...string) int {
	h.t.Helper()
	status, raw, err := h.tryCall(method, path, body, headers...)
	require.NoError(h.t, err)
	if out != nil {
		require.NoError(h.t, json.Unmarshal(raw, out), "%s", raw)
	}
	return status
}

func (h *house) tryCall(method, path, body string, headers ...string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, h.api+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, raw, err
}

// customer lets a customer write and returns the conversation's id.
func (h *house) customer(account, who, text string) string {
	h.t.Helper()
	contact := metasim.Contact{UserID: "US." + who, WaID: who}
	if account == igAccount {
		contact = metasim.Contact{UserID: who}
	}
	_, err := h.sim.Inbound(account, contact, text)
	require.NoError(h.t, err)
	var id string
	require.EventuallyWithT(h.t, func(t *collect) {
		var list struct {
			Items []struct {
				ID      string `json:"id"`
				Contact struct {
					UserID string `json:"user_id"`
				} `json:"contact"`
			} `json:"items"`
		}
		status, raw, err := h.tryCall(http.MethodGet, "/v1/conversations?limit=200", "")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status, "%s", raw)
		require.NoError(t, json.Unmarshal(raw, &list))
		for _, c := range list.Items {
			if c.Contact.UserID == contact.UserID {
				id = c.ID
			}
		}
		require.NotEmpty(t, id)
	}, patience, 20*time.Millisecond)
	return id
}

// receipt is the answer to a send.
type receipt struct {
	Message struct{ ID, Status string } `json:"message"`
	Job     struct{ ID, State string }  `json:"job"`
}

func (h *house) reply(conversation, text string, headers ...string) receipt {
	h.t.Helper()
	var r receipt
	require.Equal(h.t, http.StatusAccepted, h.call(http.MethodPost, "/v1/conversations/"+conversation+"/messages",
		fmt.Sprintf(`{"text":%q}`, text), &r, headers...))
	return r
}

// message is one message as the API shows it.
type message struct {
	Status string `json:"status"`
	Error  *struct {
		Class string `json:"class"`
		Text  string `json:"text"`
	} `json:"error"`
}

func (h *house) message(id string) (m message) {
	h.t.Helper()
	require.Equal(h.t, http.StatusOK, h.call(http.MethodGet, "/v1/messages/"+id, "", &m))
	return m
}

// awaitStatus waits until a message has one of the statuses.
func (h *house) awaitStatus(id string, want ...string) message {
	h.t.Helper()
	var m message
	require.EventuallyWithT(h.t, func(t *collect) {
		status, raw, err := h.tryCall(http.MethodGet, "/v1/messages/"+id, "")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status, "%s", raw)
		m = message{}
		require.NoError(t, json.Unmarshal(raw, &m))
		require.Contains(t, want, m.Status)
	}, patience, 20*time.Millisecond)
	return m
}

func jobNumber(t *testing.T, s string) (n int64) {
	t.Helper()
	_, err := fmt.Sscan(s, &n)
	require.NoError(t, err)
	return n
}

// exec changes the database as an operator's tool would.
func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	conn, err := pgx.Connect(h.t.Context(), h.dsn)
	require.NoError(h.t, err)
	defer func() { _ = conn.Close(h.t.Context()) }()
	_, err = conn.Exec(h.t.Context(), sql, args...)
	require.NoError(h.t, err)
}
