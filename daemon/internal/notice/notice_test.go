package notice_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/notice"
)

const patience = 30 * time.Second

var noon = time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)

// book is the database of one process: what is due until it was told.
type book struct {
	mu     sync.Mutex
	due    inbox.Notices
	down   error
	told   int
	waits  []time.Duration
	claims int64
	fresh  bool // set since the last claim
}

func (b *book) ClaimNotices(context.Context, inbox.NoticePace) (inbox.Notices, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.due
	if len(n.Firing)+len(n.Over) > 0 {
		b.claims++
		b.fresh = false
		n.Claim = b.claims
	}
	return n, b.down
}

// NoticesTold leaves what has become due since the claim.
func (b *book) NoticesTold(_ context.Context, n inbox.Notices, _ time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told++
	if n.Claim == b.claims && !b.fresh {
		b.due = inbox.Notices{}
	}
	return nil
}

func (b *book) NoticesFailed(_ context.Context, _ inbox.Notices, wait, _ time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waits = append(b.waits, wait)
	return nil
}

func (b *book) set(n inbox.Notices, down error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.due, b.down, b.fresh = n, down, true
}

func (b *book) outcome() (told int, waits []time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.told, append([]time.Duration{}, b.waits...)
}

// hook is a webhook that answers as it is told to.
type hook struct {
	*httptest.Server

	mu     sync.Mutex
	texts  []string
	header http.Header
	answer func(w http.ResponseWriter, r *http.Request)
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m map[string]string
		raw, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(raw, &m)
		h.mu.Lock()
		h.texts, h.header = append(h.texts, m["text"]), r.Header
		answer := h.answer
		h.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) said() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.texts...)
}

func (h *hook) answers(f func(w http.ResponseWriter, r *http.Request)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = f
}

func alert(id string) inbox.Alert {
	return inbox.Alert{
		ID: id, Severity: "critical", Rule: "jobs wait", Scope: "whatsapp", Text: "1m16s > 1m0s", Cause: "the limit send_text of acme is used up",
		Command: "inboxctl jobs list --queue whatsapp --state ready", Runbook: "runbooks/flood.md", Since: noon.Add(-6 * time.Minute),
	}
}

func run(t *testing.T, o notice.Options) *notice.Notifier {
	t.Helper()
	o.Every, o.Environment, o.Now = 10*time.Millisecond, "production", func() time.Time { return noon }
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	n, err := notice.New(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); n.Run(ctx, func() {}) }()
	t.Cleanup(func() { cancel(); <-ended })
	return n
}

// What somebody reads at three in the morning says what, since when, why, and what
// to type; it can call nobody and draw nothing.
func TestMessage(t *testing.T) {
	t.Parallel()
	h, b := newHook(t), &book{}
	run(t, notice.Options{URL: h.URL + "/services/canary", Book: b, Header: "X-Key: abc"})
	a := alert("jobs_wait/whatsapp")
	a.Text += " <!channel> `x`\n"
	b.set(inbox.Notices{Firing: []inbox.Alert{a}}, nil)
	require.Eventually(t, func() bool { return len(h.said()) == 1 }, patience, 5*time.Millisecond)
	require.Equal(t, `[production] CRITICAL jobs wait: whatsapp, 1m16s &gt; 1m0s &lt;!channel&gt; 'x' 
since 02:54:00Z (6m0s)
likely: the limit send_text of acme is used up
type: `+"`inboxctl jobs list --queue whatsapp --state ready`"+`
runbook: https://github.com/bandeja/inboxd/blob/main/docs/runbooks/flood.md
somebody at it? `+"`inboxctl alerts ack jobs_wait/whatsapp`", h.said()[0])
	h.mu.Lock()
	require.Equal(t, "abc", h.header.Get("X-Key"))
	h.mu.Unlock()

	over := alert("jobs_wait/whatsapp")
	over.ResolvedAt = noon
	b.set(inbox.Notices{Over: []inbox.Alert{over}}, nil)
	require.Eventually(t, func() bool { return len(h.said()) == 2 }, patience, 5*time.Millisecond)
	require.Equal(t, "[production] RESOLVED jobs wait: whatsapp, after 6m0s", h.said()[1])
}

// A storm is one message that a person can read.
func TestStormIsOneMessage(t *testing.T) {
	t.Parallel()
	h, b := newHook(t), &book{}
	run(t, notice.Options{URL: h.URL, Book: b})
	var storm inbox.Notices
	for i := range 500 {
		storm.Firing = append(storm.Firing, alert(fmt.Sprintf("sla_missed/org%d", i)))
	}
	over := alert("worker_silent/1@a")
	over.ResolvedAt = noon
	storm.Over = []inbox.Alert{over}
	b.set(storm, nil)
	require.Eventually(t, func() bool { told, _ := b.outcome(); return told == 1 }, patience, 5*time.Millisecond)
	require.Len(t, h.said(), 1)
	text := h.said()[0]
	require.True(t, strings.HasPrefix(text, "[production] 500 alerts (500 critical), 1 resolved\n"), text)
	require.Contains(t, text, "and 492 more: `inboxctl alerts list`")
	require.Less(t, len(text), 5000)
}

// A webhook that fails, hangs or asks for patience is tried again by whoever is
// next, never before it wants; nothing waits for it and nothing shows its address.
func TestWebhookInTrouble(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		wait   time.Duration
		says   string
	}{
		"Fails": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, 0, "it answered 500"},
		"Hangs": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 0, "deadline exceeded"},
		"Throttles": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "37")
			w.WriteHeader(http.StatusTooManyRequests)
		}, 37 * time.Second, "it answered 429"},
		"Lies": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "99999999")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, time.Hour, "it answered 503"},
		"Redirects": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, 0, "it answered 307"},
		"HangsUp": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := http.NewResponseController(w).Hijack()
			_ = conn.Close()
		}, 0, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, b := newHook(t), &book{}
			h.answers(c.answer)
			logs := &buffer{}
			registry := prometheus.NewRegistry()
			n := run(t, notice.Options{URL: h.URL + "/services/canary", Book: b, Registerer: registry, Call: 200 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(logs, nil))})
			b.set(inbox.Notices{Firing: []inbox.Alert{alert("a")}}, nil)
			require.Eventually(t, func() bool { _, waits := b.outcome(); return len(waits) >= 2 }, patience, 5*time.Millisecond)
			_, err := n.Test(t.Context())
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "canary")
			h.answers(nil)
			require.Eventually(t, func() bool { told, _ := b.outcome(); return told == 1 }, patience, 5*time.Millisecond)
			_, waits := b.outcome()
			require.InDelta(t, c.wait.Seconds(), waits[0].Seconds(), 1)
			require.Contains(t, logs.String(), c.says)
			require.NotContains(t, logs.String(), "canary")
			require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(fmt.Sprintf(`
# HELP inboxd_alert_posts_total Messages about alerts to the webhook by what became of them.
# TYPE inboxd_alert_posts_total counter
inboxd_alert_posts_total{outcome="failed"} %d
inboxd_alert_posts_total{outcome="sent"} 1
`, len(waits)))))
			host, err := n.Test(t.Context())
			require.NoError(t, err)
			require.Equal(t, strings.TrimPrefix(h.URL, "http://"), host)
		})
	}
}

// With the database away nobody can say who speaks: each process does, once, and
// tells the others when it is back.
func TestSpeaksAloneWithoutDatabase(t *testing.T) {
	t.Parallel()
	h, b := newHook(t), &book{}
	n := run(t, notice.Options{URL: h.URL, Book: b})
	b.set(inbox.Notices{}, errors.New("connection refused"))
	muted, acked := alert("muted"), alert("acked")
	muted.MutedUntil, acked.AckedBy = noon.Add(time.Hour), "ana"
	n.Alone([]inbox.Alert{alert("part_away/postgres"), muted, acked})
	require.Eventually(t, func() bool { return len(n.ToldAlone()) == 1 }, patience, 5*time.Millisecond)
	n.Alone([]inbox.Alert{alert("part_away/postgres"), alert("part_away/ledger")})
	require.Eventually(t, func() bool { return len(n.ToldAlone()) == 2 }, patience, 5*time.Millisecond)
	require.Len(t, h.said(), 2, "each once")
	b.set(inbox.Notices{}, nil)
	n.Rejoin(n.ToldAlone())
	require.Empty(t, n.ToldAlone())
}

// buffer is safe for a log.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
