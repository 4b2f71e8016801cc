package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

// QueryType is the label query_type of db_query_duration_seconds: what a
// statement is for. The set is closed.
type QueryType string

// The query types. QueryOther is everything without a name.
const (
	QueryIngest       QueryType = "ingest"
	QuerySend         QueryType = "send"
	QueryOutgoing     QueryType = "outgoing"
	QueryConversation QueryType = "conversation"
	QueryMessage      QueryType = "message"
	QueryToken        QueryType = "token"
	QueryProvision    QueryType = "provision"
	QueryPrune        QueryType = "prune"
	QuerySpend        QueryType = "spend"
	QueryPeriodic     QueryType = "periodic"
	QueryAutomation   QueryType = "automation"
	QuerySLA          QueryType = "sla"
	QueryAlert        QueryType = "alert"
	QueryEngine       QueryType = "engine"
	QueryOther        QueryType = "other"
)

func queryTypes() []QueryType {
	return []QueryType{
		QueryIngest, QuerySend, QueryOutgoing, QueryConversation, QueryMessage, QueryToken,
		QueryProvision, QueryPrune, QuerySpend, QueryPeriodic, QueryAutomation, QuerySLA, QueryAlert, QueryEngine, QueryOther,
	}
}

type queryTypeKey struct{}

// Named says what the statements run with this context are for.
func Named(ctx context.Context, t QueryType) context.Context {
	return context.WithValue(ctx, queryTypeKey{}, t)
}

// queryTracer measures every query and every batch (as one).
type queryTracer struct {
	durations map[QueryType]prometheus.Observer
	unnamed   QueryType
}

// newQueryTracer registers the histogram, or takes the one another pool of the
// process has registered.
func newQueryTracer(r prometheus.Registerer, unnamed QueryType) (*queryTracer, error) {
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "db_query_duration_seconds",
		Help:    "Time from sending a statement, or a pipelined batch of them, to its last result.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"query_type"})
	if err := r.Register(durations); err != nil {
		registered, ok := errors.AsType[prometheus.AlreadyRegisteredError](err)
		if !ok {
			return nil, err
		}
		if durations, ok = registered.ExistingCollector.(*prometheus.HistogramVec); !ok {
			return nil, err
		}
	}
	t := &queryTracer{durations: map[QueryType]prometheus.Observer{}, unnamed: cmp.Or(unnamed, QueryOther)}
	for _, name := range queryTypes() { // a series each from the first scrape
		t.durations[name] = durations.WithLabelValues(string(name))
	}
	return t, nil
}

type queryStartKey struct{}

func (t *queryTracer) start(ctx context.Context) context.Context {
	return context.WithValue(ctx, queryStartKey{}, time.Now())
}

func (t *queryTracer) end(ctx context.Context) {
	began, ok := ctx.Value(queryStartKey{}).(time.Time)
	if !ok {
		return
	}
	name, ok := ctx.Value(queryTypeKey{}).(QueryType)
	if !ok || !slices.Contains(queryTypes(), name) {
		name = t.unnamed
	}
	telemetry.Observe(ctx, t.durations[name], time.Since(began).Seconds())
}

// TraceQueryStart implements pgx.QueryTracer.
func (t *queryTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return t.start(ctx)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (t *queryTracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	t.end(ctx)
}

// TraceBatchStart implements pgx.BatchTracer.
func (t *queryTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return t.start(ctx)
}

// TraceBatchQuery implements pgx.BatchTracer.
func (t *queryTracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (t *queryTracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) {
	t.end(ctx)
}
