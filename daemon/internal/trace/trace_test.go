package trace_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/daemon/internal/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// collect starts a Tracer with a collector that counts its posts.
func collect(tb testing.TB, share float64) (*trace.Tracer, *prometheus.Registry) {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	tb.Cleanup(server.Close)
	registry := prometheus.NewRegistry()
	tracer, err := trace.New(tb.Context(), trace.Options{
		Endpoint: server.URL, Share: share, Logger: slog.New(slog.DiscardHandler), Registerer: registry,
	})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, tracer.Stop(context.Background())) })
	return tracer, registry
}

// work is what a request or a job does of tracing.
func work(ctx context.Context, tracer *trace.Tracer, parent string) {
	ctx, span := tracer.Begin(ctx, "job", trace.Runner, parent)
	defer span.End()
	span.Number("job", 1)
	inner, child := trace.Start(ctx, "graph send", trace.Client)
	child.Text("request_id", "1.1")
	child.Fail("transient")
	child.End()
	_, joined := trace.Join(inner, caller, "message read")
	joined.End()
	trace.Past(inner, "wait", time.Unix(1, 0), time.Unix(2, 0))
	_, _, _ = trace.Parent(inner), trace.ID(inner), trace.On(inner)
}

// Whoever has not asked for traces pays nothing for them.
//
//nolint:paralleltest // others would allocate beside it
func TestOffCostsNothing(t *testing.T) {
	tracer, err := trace.New(t.Context(), trace.Options{})
	require.NoError(t, err)
	require.Nil(t, tracer)
	require.NoError(t, tracer.Stop(t.Context()))
	ctx := t.Context()
	require.Zero(t, testing.AllocsPerRun(100, func() { work(ctx, tracer, "") }))
	require.False(t, trace.On(ctx))
	require.Empty(t, trace.Parent(ctx)+trace.ID(ctx))
}

// A trace goes on wherever its parent was written down, and nowhere else.
func TestTraceGoesOn(t *testing.T) {
	t.Parallel()
	tracer, _ := collect(t, 0)
	ctx, span := tracer.Begin(t.Context(), "a job", trace.Runner, caller)
	require.True(t, span.On(), "whoever began the trace has decided")
	require.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", trace.ID(ctx))
	require.True(t, strings.HasPrefix(trace.Parent(ctx), "00-4bf92f3577b34da6a3ce929d0e0e4736-"))
	require.NotEqual(t, caller, trace.Parent(ctx))
	_, same := trace.Join(ctx, caller, "of the same trace")
	require.False(t, same.On())
	span.End()

	for _, parent := range []string{"", "x", "00-0-0-01", "00-5bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"} {
		ctx, span := tracer.Begin(t.Context(), "a job", trace.Runner, parent)
		require.False(t, span.On(), "a share of 0 keeps nothing: %q", parent)
		require.True(t, trace.On(ctx))
		require.Empty(t, trace.Parent(ctx)+trace.ID(ctx), "what is not kept is not handed on")
		joined, late := trace.Join(ctx, caller, "of another trace")
		require.True(t, late.On(), "from what is not kept one may still go on with what is")
		require.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", trace.ID(joined))
		late.End()
		span.End()
	}
}

// What is lost must be seen, in figures and once in the log.
func TestLostSpansAreCounted(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	registry := prometheus.NewRegistry()
	tracer, err := trace.New(t.Context(), trace.Options{
		Endpoint: "http://127.0.0.1:1", Share: 1, Logger: slog.New(slog.NewTextHandler(&said, nil)), Registerer: registry,
	})
	require.NoError(t, err)
	_, span := tracer.Begin(t.Context(), "a request", trace.Server, "")
	span.End()
	require.NoError(t, tracer.Stop(t.Context()))
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP inboxd_trace_spans_total Spans by what became of them.
# TYPE inboxd_trace_spans_total counter
inboxd_trace_spans_total{result="lost"} 1
inboxd_trace_spans_total{result="sent"} 0
`)))
	require.Contains(t, said.String(), "traces are lost")
}

func BenchmarkTrace(b *testing.B) {
	for name, share := range map[string]float64{"Off": -1, "NotKept": 0, "Kept": 1} {
		b.Run(name, func(b *testing.B) {
			var tracer *trace.Tracer
			if share >= 0 {
				tracer, _ = collect(b, share)
			}
			b.ReportAllocs()
			for b.Loop() {
				work(b.Context(), tracer, "")
			}
		})
	}
}

// A collector behind a login takes nothing without its header.
func TestCollectorGetsItsHeaders(t *testing.T) {
	t.Parallel()
	got := make(chan http.Header, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case got <- r.Header:
		default:
		}
	}))
	t.Cleanup(server.Close)
	tracer, err := trace.New(t.Context(), trace.Options{
		Endpoint: server.URL, Share: 1, Logger: slog.New(slog.DiscardHandler),
		Header: map[string]string{"authorization": "Bearer abc", "x-scope": "acme"},
	})
	require.NoError(t, err)
	work(t.Context(), tracer, "")
	require.NoError(t, tracer.Stop(t.Context()))
	header := <-got
	require.Equal(t, []string{"Bearer abc", "acme"}, []string{header.Get("Authorization"), header.Get("X-Scope")})
}
