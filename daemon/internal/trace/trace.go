// Package trace follows one customer's message through the processes: webhook,
// reply, job, call of the provider, status webhook. It is the only door to
// OpenTelemetry. Nobody carries a tracer about: a span is made where a request or
// a job enters the process, and whoever has its context adds to it. Without a
// Tracer nothing is ever in a context, and every function here does nothing.
//
// A span says what was done to which row and how it went. It refuses content: no
// text, no phone number, no token.
package trace

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	otel "go.opentelemetry.io/otel/trace"
)

// scope names this program as the maker of the spans.
const scope = "github.com/bandeja/inboxd"

// Header is the name of the W3C header that carries a parent.
const Header = "Traceparent"

// Kind is the part that a span plays between processes.
type Kind int

// The kinds.
const (
	Inside Kind = iota // work of this process
	Server             // answers a request
	Client             // calls the outside
	Runner             // runs a job that another has left
)

func (k Kind) otel() otel.SpanKind {
	switch k {
	case Server:
		return otel.SpanKindServer
	case Client:
		return otel.SpanKindClient
	case Runner:
		return otel.SpanKindConsumer
	case Inside:
	}
	return otel.SpanKindInternal
}

// Span is one step of a trace; the zero value is none, and everything about it
// does nothing.
type Span struct{ s otel.Span }

// On reports whether the span is kept: only then are its attributes worth making.
func (s Span) On() bool { return s.s != nil && s.s.IsRecording() }

// Text adds an attribute.
func (s Span) Text(key, value string) {
	if s.On() {
		s.s.SetAttributes(attribute.String(key, value))
	}
}

// Number adds an attribute.
func (s Span) Number(key string, value int64) {
	if s.On() {
		s.s.SetAttributes(attribute.Int64(key, value))
	}
}

// Fail marks the span as failed; why is a word of a closed set.
func (s Span) Fail(why string) {
	if s.On() {
		s.s.SetStatus(codes.Error, why)
	}
}

// In returns ctx as of the span.
func (s Span) In(ctx context.Context) context.Context {
	if s.s == nil {
		return ctx
	}
	return otel.ContextWithSpan(ctx, s.s)
}

// End ends the span now.
func (s Span) End() {
	if s.s != nil {
		s.s.End()
	}
}

// Start begins a step of what ctx belongs to; of nothing, it is none.
func Start(ctx context.Context, name string, kind Kind) (context.Context, Span) {
	parent := otel.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, s := parent.TracerProvider().Tracer(scope).Start(ctx, name, otel.WithSpanKind(kind.otel()))
	return ctx, Span{s}
}

// Past adds a step that is over. It needs both times; those of the database will
// do.
func Past(ctx context.Context, name string, from, to time.Time) {
	parent := otel.SpanFromContext(ctx)
	if !parent.IsRecording() || from.IsZero() || to.Before(from) {
		return
	}
	_, s := parent.TracerProvider().Tracer(scope).Start(ctx, name, otel.WithTimestamp(from))
	s.End(otel.WithTimestamp(to))
}

// Join goes on with the trace of parent, as Parent gave it, within a process that
// now does something else: what it does is linked. It is none for an empty parent
// and where ctx belongs to that trace already.
func Join(ctx context.Context, parent, name string) (context.Context, Span) {
	now := otel.SpanFromContext(ctx)
	if !now.SpanContext().IsValid() {
		return ctx, Span{}
	}
	at := parse(parent)
	if !at.IsSampled() || at.TraceID() == now.SpanContext().TraceID() {
		return ctx, Span{}
	}
	ctx, s := now.TracerProvider().Tracer(scope).Start(otel.ContextWithRemoteSpanContext(ctx, at), name,
		otel.WithLinks(otel.Link{SpanContext: now.SpanContext()}))
	return ctx, Span{s}
}

// On reports whether this process traces and ctx belongs to a request or a job of
// its own, kept or not.
func On(ctx context.Context) bool { return otel.SpanContextFromContext(ctx).IsValid() }

// Parent returns what another process needs to go on with the trace of ctx, a W3C
// traceparent; empty if there is none or it is not kept.
func Parent(ctx context.Context) string {
	at := otel.SpanContextFromContext(ctx)
	if !at.IsSampled() {
		return ""
	}
	return "00-" + at.TraceID().String() + "-" + at.SpanID().String() + "-01"
}

// ID returns the trace that ctx belongs to, for logs and exemplars; empty if
// there is none or it is not kept.
func ID(ctx context.Context) string {
	at := otel.SpanContextFromContext(ctx)
	if !at.IsSampled() {
		return ""
	}
	return at.TraceID().String()
}

// parse returns an invalid context for anything but a traceparent.
func parse(parent string) otel.SpanContext {
	if parent == "" {
		return otel.SpanContext{}
	}
	carried := propagation.MapCarrier{"traceparent": parent}
	return otel.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carried))
}
