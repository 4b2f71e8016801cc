package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/bandeja/inboxd/daemon/internal/trace"
)

// Exemplar leads from a slow bucket to what was slow: the trace of it, or nothing.
type Exemplar string

// ExemplarOf returns that of ctx; for several figures of one thing, once.
func ExemplarOf(ctx context.Context) Exemplar { return Exemplar(trace.ID(ctx)) }

// Observe counts v, with the exemplar if there is one.
func (e Exemplar) Observe(o prometheus.Observer, v float64) {
	if e != "" {
		if with, ok := o.(prometheus.ExemplarObserver); ok {
			with.ObserveWithExemplar(v, prometheus.Labels{"trace_id": string(e)})
			return
		}
	}
	o.Observe(v)
}

// Observe counts v with the exemplar of ctx.
func Observe(ctx context.Context, o prometheus.Observer, v float64) { ExemplarOf(ctx).Observe(o, v) }

// exposed serves the metrics. Exemplars exist in OpenMetrics only, so whoever
// asks for that and can be given some gets it; anybody else gets the classic
// text.
func exposed(registry *prometheus.Registry, exemplars bool) http.Handler {
	o := promhttp.HandlerOpts{Registry: registry, MaxRequestsInFlight: scrapes, CoalesceGather: true, Timeout: scrapeTimeout}
	classic := promhttp.HandlerFor(registry, o)
	if !exemplars {
		return classic
	}
	o.Registry, o.EnableOpenMetrics = nil, true // its own counters are registered once
	open := promhttp.HandlerFor(plainCounters{registry}, o)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept"), "application/openmetrics-text") {
			open.ServeHTTP(w, r)
			return
		}
		classic.ServeHTTP(w, r)
	})
}

// plainCounters keeps the names that were agreed on: OpenMetrics would add
// _total to those of counters that lack it, so they go out without a type.
type plainCounters struct{ prometheus.Gatherer }

// Gather implements prometheus.Gatherer.
func (p plainCounters) Gather() ([]*dto.MetricFamily, error) {
	families, err := p.Gatherer.Gather()
	for i, f := range families {
		if f.GetType() == dto.MetricType_COUNTER && !strings.HasSuffix(f.GetName(), "_total") {
			families[i] = untyped(f)
		}
	}
	return families, err
}

func untyped(f *dto.MetricFamily) *dto.MetricFamily {
	out := &dto.MetricFamily{Name: f.Name, Help: f.Help, Unit: f.Unit, Type: dto.MetricType_UNTYPED.Enum()}
	for _, m := range f.GetMetric() {
		out.Metric = append(out.Metric, &dto.Metric{Label: m.GetLabel(), Untyped: &dto.Untyped{Value: m.GetCounter().Value}, TimestampMs: m.TimestampMs})
	}
	return out
}

// Traced makes a logger write the trace that a line belongs to.
func Traced(log *slog.Logger) *slog.Logger { return slog.New(traced{log.Handler()}) }

type traced struct{ slog.Handler }

// Handle implements slog.Handler.
func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if id := trace.ID(ctx); id != "" {
		r.AddAttrs(slog.String("trace_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (h traced) WithGroup(name string) slog.Handler { return traced{h.Handler.WithGroup(name)} }
