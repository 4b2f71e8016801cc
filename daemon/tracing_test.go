package daemon_test

import (
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
)

// otlpReceiver is a collector: it keeps the spans that processes send it.
type otlpReceiver struct {
	url string

	mu    sync.Mutex
	spans []*otlp.Span
	bad   []string // requests it could not read
}

func newOTLPReceiver(t *testing.T) *otlpReceiver {
	t.Helper()
	r := &otlpReceiver{}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// ServeHTTP takes what an exporter posts.
func (r *otlpReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	spans, err := readSpans(req)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.bad = append(r.bad, err.Error())
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.spans = append(r.spans, spans...)
}

func readSpans(req *http.Request) (spans []*otlp.Span, err error) {
	if req.URL.Path != "/v1/traces" {
		return nil, fmt.Errorf("path %s", req.URL.Path)
	}
	unzipped, err := gzip.NewReader(req.Body)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(unzipped)
	if err != nil {
		return nil, err
	}
	var export otlp.TracesData // its bytes are those of a request
	if err := proto.Unmarshal(raw, &export); err != nil {
		return nil, err
	}
	for _, resource := range export.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			spans = append(spans, scope.GetSpans()...)
		}
	}
	return spans, nil
}

// trace returns the spans of the one trace that has a span of this name and has
// all those named; nil if none has.
func (r *otlpReceiver) trace(names ...string) []*otlp.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	byTrace := map[string][]*otlp.Span{}
	for _, s := range r.spans {
		byTrace[string(s.GetTraceId())] = append(byTrace[string(s.GetTraceId())], s)
	}
	for _, spans := range byTrace {
		has := func(name string) bool {
			return slices.ContainsFunc(spans, func(s *otlp.Span) bool { return s.GetName() == name })
		}
		if !slices.ContainsFunc(names, func(name string) bool { return !has(name) }) {
			return spans
		}
	}
	return nil
}

func (r *otlpReceiver) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for _, s := range r.spans {
		names = append(names, hex.EncodeToString(s.GetTraceId()[:3])+" "+s.GetName())
	}
	slices.Sort(names)
	return strings.Join(append(names, r.bad...), "\n")
}

// Whoever asks why a customer waited must find everything in one place, whichever
// process did it and whichever lane carried it.
func TestOneTraceFromWebhookToDelivery(t *testing.T) {
	t.Parallel()
	for dial, lane := range map[int]string{0: "postgres", 100: "redis"} {
		t.Run(lane, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.redis, h.dial = stacktest.Redis(t), dial
			receiver := newOTLPReceiver(t)
			settings := []string{"INBOXD_TRACING_ENDPOINT=" + receiver.url, "INBOXD_TRACING_SHARE=1"}
			worker, err := h.tryStart("worker", settings...)
			require.NoError(t, err)
			api, err := h.tryStart("api", settings...)
			require.NoError(t, err)
			h.furnish()
			conversation := h.customer(waNumber, "12025550123", "where is my order?")
			sent := h.reply(conversation, "on its way")
			h.awaitStatus(sent.Message.ID, "delivered", "read")
			names := []string{
				"POST /webhooks/meta", "accept reply", "wait", "lane " + lane, "job send_message", "graph send", "commit", "message delivered",
			}
			require.Eventually(t, func() bool { return receiver.trace(names...) != nil }, patience, 50*time.Millisecond, "%s", receiver.said)
			connected(t, receiver.trace(names...))
			status, err := h.operator().Status(t.Context())
			require.NoError(t, err)
			metrics := openMetrics(t, *status.Item.MetricsURL)
			require.Contains(t, metrics, `# {trace_id="`, "a slow bucket leads to a trace")
			for _, name := range []string{"job_retry_count", "inbox_rate_limit_hits", "api_request_count"} {
				require.Contains(t, metrics, "\n"+name+"{", "the agreed names hold in every format")
			}
			require.NoError(t, worker.stop())
			require.NoError(t, api.stop())
			secretsStayIn(t, receiver)
		})
	}
}

// connected fails unless every span hangs on another of its trace, down to one.
func connected(t *testing.T, spans []*otlp.Span) {
	t.Helper()
	ids, roots := map[string]bool{}, []string{}
	for _, s := range spans {
		ids[string(s.GetSpanId())] = true
	}
	for _, s := range spans {
		if len(s.GetParentSpanId()) == 0 {
			roots = append(roots, s.GetName())
			continue
		}
		require.True(t, ids[string(s.GetParentSpanId())], "%s hangs on nothing", s.GetName())
		require.LessOrEqual(t, s.GetStartTimeUnixNano(), s.GetEndTimeUnixNano(), s.GetName())
	}
	require.Equal(t, []string{"POST /webhooks/meta"}, roots)
}

// secretsStayIn fails if what a customer or an agent wrote, or who they are, left
// with the traces.
func secretsStayIn(t *testing.T, r *otlpReceiver) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		for _, secret := range []string{"order", "on its way", "12025550123", "channel-token"} {
			require.NotContains(t, s.String(), secret)
		}
	}
}

// A caller who traces goes on in its own trace, when the customer's message is
// in none. One whom nobody knows does not: it could have everything kept.
func TestCallerGoesOnWithItsTrace(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	receiver := newOTLPReceiver(t)
	_, err := h.tryStart("all", "INBOXD_TRACING_ENDPOINT="+receiver.url, "INBOXD_TRACING_SHARE=0")
	require.NoError(t, err)
	h.furnish()
	conversation := h.customer(waNumber, "12025550124", "hello")
	const caller = "4bf92f3577b34da6a3ce929d0e0e4736"
	const parent = "00-" + caller + "-00f067aa0ba902b7-01"
	for _, token := range []string{"", "Bearer x", "Bearer inb_" + strings.Repeat("x", 43)} {
		require.Equal(t, http.StatusUnauthorized, h.call(http.MethodGet, "/v1/conversations", "", nil, "Authorization", token, "Traceparent", parent))
	}
	sent := h.reply(conversation, "hi", "Traceparent", parent)
	h.awaitStatus(sent.Message.ID, "delivered", "read")
	names := []string{"POST /v1/conversations/{id}/messages", "job send_message", "graph send", "message delivered"}
	require.Eventually(t, func() bool { return receiver.trace(names...) != nil }, patience, 50*time.Millisecond, "%s", receiver.said)
	for _, s := range receiver.trace(names...) {
		require.Equal(t, caller, hex.EncodeToString(s.GetTraceId()))
		require.NotEqual(t, "GET /v1/conversations", s.GetName(), "a stranger has nothing kept")
	}
	require.Nil(t, receiver.trace("POST /webhooks/meta"), "of what begins here a share of 0 is traced")
}

// Traces are a help for later; customers are answered now. A collector that is
// gone, or takes its time, must cost nothing but spans.
func TestCollectorHarmsNothing(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-never:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(never) })
	for name, url := range map[string]string{"Gone": "http://127.0.0.1:1", "Slow": slow.URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			p, err := h.tryStart("all", "INBOXD_TRACING_ENDPOINT="+url, "INBOXD_TRACING_SHARE=1")
			require.NoError(t, err)
			h.furnish()
			conversation := h.customer(waNumber, "12025550125", "hello")
			for i := range 10 {
				sent := h.reply(conversation, fmt.Sprint("answer ", i))
				h.awaitStatus(sent.Message.ID, "delivered", "read")
			}
			require.Empty(t, h.sim.Duplicates())
			began := time.Now()
			require.NoError(t, p.stop(), "nor does the stop wait for it, or fail")
			require.Less(t, time.Since(began), patience)
		})
	}
}

// openMetrics reads the metrics as a Prometheus that wants exemplars does.
func openMetrics(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}).Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}
