package telemetry_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/telemetry"
	"github.com/bandeja/inboxd/daemon/internal/trace"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	parent  = "00-" + traceID + "-00f067aa0ba902b7-01"
)

// traced is a context that belongs to a trace which is kept.
func traced(t *testing.T) context.Context {
	t.Helper()
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(collector.Close)
	tracer, err := trace.New(t.Context(), trace.Options{Endpoint: collector.URL, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, tracer.Stop(context.Background())) })
	ctx, span := tracer.Begin(t.Context(), "a job", trace.Runner, parent)
	t.Cleanup(span.End)
	return ctx
}

// The agreed names are what alerts and dashboards ask for: OpenMetrics must not
// rename them, or turning on traces would turn off alerts.
func TestExemplarsKeepNames(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	duration := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "api_request_duration_seconds", Help: "x", Buckets: []float64{1, 5}})
	count := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "job_retry_count", Help: "x"}, []string{"org_id"})
	total := prometheus.NewCounter(prometheus.CounterOpts{Name: "inboxd_recalls_total", Help: "x"})
	registry.MustRegister(duration, count, total)
	telemetry.Observe(traced(t), duration, 3)
	telemetry.Observe(t.Context(), duration, 0.5)
	count.WithLabelValues("acme").Inc()
	scrape := func(exemplars bool, accept string) string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		telemetry.Handler(telemetry.NewHealth(nil), registry, exemplars).ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code)
		return w.Body.String()
	}
	const open = "application/openmetrics-text;version=1.0.0"
	body := scrape(true, open)
	require.Contains(t, body, `api_request_duration_seconds_bucket{le="5.0"} 2 # {trace_id="`+traceID+`"} 3.0`)
	require.Contains(t, body, "\njob_retry_count{org_id=\"acme\"} 1.0\n")
	require.Contains(t, body, "\ninboxd_recalls_total 0.0\n")
	require.Contains(t, body, "# EOF")
	require.Equal(t, scrape(false, open), scrape(true, "text/plain"), "without traces, or for others, nothing changes")
	require.Contains(t, scrape(false, open), "# TYPE job_retry_count counter")
}

// From a line in the log to everything else that was done for that customer.
func TestLinesNameTheirTrace(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	log := telemetry.Traced(telemetry.Logger(&said, "json", slog.LevelInfo)).With("job", 7)
	log.InfoContext(traced(t), "attempt failed")
	require.Contains(t, said.String(), `"job":7,"trace_id":"`+traceID+`"`)
	said.Reset()
	log.InfoContext(t.Context(), "ready")
	require.NotContains(t, said.String(), "trace_id")
}
