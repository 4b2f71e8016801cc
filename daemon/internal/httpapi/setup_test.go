package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/httpapi"
)

const verifyToken = "inboxd-verify-token"

// bundle is an API over fakes.
type bundle struct {
	api      http.Handler
	store    *fakeStore
	ingester *fakeIngester
	limiter  *fakeLimiter
	registry *prometheus.Registry
	logs     *logBuffer
	starting atomic.Bool // what operators have set is not known yet
}

func setup(tb testing.TB) *bundle {
	tb.Helper()
	b := &bundle{store: &fakeStore{}, ingester: &fakeIngester{}, limiter: &fakeLimiter{}, registry: prometheus.NewRegistry(), logs: &logBuffer{}}
	var err error
	b.api, err = httpapi.New(httpapi.Options{
		Authenticator: b.store, Conversations: b.store, Sends: b.store, Spending: b.store, SLA: b.store, Automations: b.store, Ingester: b.ingester, Webhooks: fakeHooks{},
		Limiter: b.limiter, Limits: func() *control.Snapshot { return control.New(0, nil, nil, nil) }, Repeats: b.store,
		Known: func(context.Context) error {
			if b.starting.Load() {
				return context.DeadlineExceeded
			}
			return nil
		},
		Logger:     slog.New(slog.NewJSONHandler(b.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Registerer: b.registry, VerifyToken: verifyToken, Version: "1.2.3",
		Now: func() time.Time { return now },
	})
	require.NoError(tb, err)
	return b
}

// reply is an answer that was read to its end.
type reply struct {
	StatusCode int
	Header     http.Header
	Body       string
}

// do sends one request; headers are name, value, name, value.
func (b *bundle) do(tb testing.TB, method, target, body string, headers ...string) reply {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.api.ServeHTTP(w, r)
	return reply{w.Code, w.Header(), w.Body.String()}
}

// as returns the Authorization header of a token and more headers.
func as(token string, more ...string) []string {
	return append([]string{"Authorization", "Bearer " + token}, more...)
}

// readReply reads the answer of a real server.
func readReply(tb testing.TB, answer *http.Response) reply {
	tb.Helper()
	body, err := io.ReadAll(answer.Body)
	require.NoError(tb, err)
	require.NoError(tb, answer.Body.Close())
	return reply{answer.StatusCode, answer.Header, string(body)}
}

// problem is what every error answer must decode to.
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Code      string `json:"code"`
	Org       string `json:"org"`
	Action    string `json:"action"`
	Limit     *int   `json:"limit"`
	RetryMS   *int64 `json:"retry_after_ms"`
	RequestID string `json:"request_id"`
	Errors    []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
}

// requireProblem checks the whole shape of an error answer.
func requireProblem(tb testing.TB, answer reply, status int, code string) problem {
	tb.Helper()
	body := answer.Body
	require.Equal(tb, status, answer.StatusCode, body)
	require.Equal(tb, "application/problem+json", answer.Header.Get("Content-Type"), body)
	require.Equal(tb, "nosniff", answer.Header.Get("X-Content-Type-Options"))
	var p problem
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.DisallowUnknownFields()
	require.NoError(tb, decoder.Decode(&p), body)
	require.Equal(tb, code, p.Code, body)
	require.Equal(tb, status, p.Status)
	require.Equal(tb, "about:blank", p.Type)
	require.Equal(tb, http.StatusText(status), p.Title)
	require.NotEmpty(tb, p.Detail)
	require.NotEmpty(tb, p.RequestID)
	require.Equal(tb, answer.Header.Get("X-Request-Id"), p.RequestID)
	return p
}

// logBuffer collects log lines from several goroutines.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
