package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/trace"
)

// requestSpan is the step of a trace that one request is; nil is none. It is of
// the time the request came, but begins when it is known who asks: a known caller
// goes on with a trace of its own and decides whether it is kept, of all others
// our share is, or a stranger could have everything kept.
type requestSpan struct {
	trace.Span

	tracer *trace.Tracer
	route  string
	came   time.Time
}

// span prepares the step of a request. Probes and pages are no work.
func (a *api) span(pattern string, came time.Time) *requestSpan {
	if a.Tracer == nil || !strings.HasPrefix(endpointOf(pattern), "/v1/") && pattern != "POST "+webhookPath {
		return nil
	}
	return &requestSpan{tracer: a.Tracer, route: pattern, came: came}
}

// begin begins the step; parent is what a known caller goes on with, or empty.
func (s *requestSpan) begin(ctx context.Context, parent string) context.Context {
	if s == nil {
		return ctx
	}
	ctx, s.Span = s.tracer.BeginAt(ctx, s.route, trace.Server, parent, s.came)
	if s.On() {
		method, path, _ := strings.Cut(s.route, " ")
		s.Text("http.request.method", method)
		s.Text("http.route", path)
		s.Text("request_id", identityOf(ctx).requestID)
	}
	return ctx
}

// in returns ctx as of the step, for what is said when it is over.
func (s *requestSpan) in(ctx context.Context) context.Context {
	if s == nil {
		return ctx
	}
	return s.In(ctx)
}

// answer ends the step.
func (s *requestSpan) answer(status int) {
	if s == nil {
		return
	}
	if s.On() {
		s.Number("http.response.status_code", int64(status))
		if status >= http.StatusInternalServerError {
			s.Fail(http.StatusText(status))
		}
	}
	s.End()
}
