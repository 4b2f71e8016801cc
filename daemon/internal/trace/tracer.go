package trace

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otel "go.opentelemetry.io/otel/trace"
)

// A collector that is slow or gone costs memory up to queueSize spans, then spans.
const (
	queueSize     = 4096
	batchSize     = 512
	batchEvery    = 2 * time.Second
	exportTimeout = 5 * time.Second
	silence       = time.Minute // between two lines about a collector that does not answer
)

// Options are what a Tracer needs; Registerer may be nil.
type Options struct {
	Endpoint   string            // base URL of an OTLP/HTTP collector; empty: nothing is traced
	Header     map[string]string // of every call of the collector; may hold secrets
	Share      float64           // of the traces that begin here and are kept, 0..1
	Version    string
	Mode       string // of this process
	Instance   string // what tells this process from others
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Tracer begins traces and sends them away. A nil Tracer does nothing.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   otel.Tracer
}

// New returns a Tracer, or nil if there is nowhere to send to. Nothing is sent
// yet: the collector may come later.
func New(ctx context.Context, o Options) (*Tracer, error) {
	if o.Endpoint == "" {
		return nil, nil //nolint:nilnil // a nil Tracer is one that does nothing
	}
	out, err := otlptrace.New(ctx, newCollector(o.Endpoint, o.Header))
	if err != nil {
		return nil, fmt.Errorf("prepare the exporter of traces: %w", err)
	}
	provider := sdk.NewTracerProvider(
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(o.Share))),
		sdk.WithBatcher(newQuiet(out, o), sdk.WithMaxQueueSize(queueSize), sdk.WithMaxExportBatchSize(batchSize),
			sdk.WithBatchTimeout(batchEvery), sdk.WithExportTimeout(exportTimeout)),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "inboxd"), attribute.String("service.version", o.Version),
			attribute.String("service.instance.id", o.Instance), attribute.String("inboxd.mode", o.Mode),
		)),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer(scope)}, nil
}

// Begin begins the work on a request or a job; it goes on with the trace of
// parent if there is one, which then decides whether it is kept: take none from
// strangers.
func (t *Tracer) Begin(ctx context.Context, name string, kind Kind, parent string) (context.Context, Span) {
	return t.BeginAt(ctx, name, kind, parent, time.Time{})
}

// BeginAt is Begin of what began at since.
func (t *Tracer) BeginAt(ctx context.Context, name string, kind Kind, parent string, since time.Time) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	if at := parse(parent); at.IsValid() {
		ctx = otel.ContextWithRemoteSpanContext(ctx, at)
	}
	ctx, s := t.tracer.Start(ctx, name, otel.WithSpanKind(kind.otel()), otel.WithTimestamp(since))
	return ctx, Span{s}
}

// Stop sends what is left, as far as ctx allows.
func (t *Tracer) Stop(ctx context.Context) error {
	if t == nil {
		return nil
	}
	// A collector that is gone must not make the stop of a process a failed one.
	if err := t.provider.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop tracing: %w", err)
	}
	return nil
}

// quiet counts what is sent and what is lost, and says so once a minute: the
// library would write a line to standard error for every batch.
type quiet struct {
	sdk.SpanExporter

	log    *slog.Logger
	spans  *prometheus.CounterVec
	spoken atomic.Int64 // unix nanoseconds
}

func newQuiet(out sdk.SpanExporter, o Options) *quiet {
	q := &quiet{SpanExporter: out, log: o.Logger, spans: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "inboxd_trace_spans_total", Help: "Spans by what became of them.",
	}, []string{"result"})}
	for _, result := range []string{"sent", "lost"} {
		q.spans.WithLabelValues(result)
	}
	if o.Registerer != nil {
		o.Registerer.MustRegister(q.spans)
	}
	return q
}

// ExportSpans implements sdk.SpanExporter.
func (q *quiet) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := q.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		q.spans.WithLabelValues("sent").Add(float64(len(spans)))
		return nil
	}
	q.spans.WithLabelValues("lost").Add(float64(len(spans)))
	now, last := time.Now().UnixNano(), q.spoken.Load()
	if now-last > silence.Nanoseconds() && q.spoken.CompareAndSwap(last, now) {
		q.log.WarnContext(ctx, "traces are lost: the collector does not take them", "error", err)
	}
	return nil
}
