package httpapi

import (
	"net/http"
	"strings"

	"github.com/bandeja/inboxd/daemon/internal/trace"
)

// requestSpan is the step of a trace that one request is.
type requestSpan struct{ trace.Span }

// trace begins the step of a request. A caller of the API may go on with a trace
// of its own; what Meta or anybody else sends to the webhook begins one. Probes
// and pages are no work.
func (a *api) trace(r *http.Request, pattern string) (*http.Request, requestSpan) {
	path := endpointOf(pattern)
	ours := strings.HasPrefix(path, "/v1/")
	if a.Tracer == nil || !ours && pattern != "POST "+webhookPath {
		return r, requestSpan{}
	}
	var parent string
	if ours {
		parent = r.Header.Get(trace.Header)
	}
	ctx, span := a.Tracer.Begin(r.Context(), pattern, trace.Server, parent)
	if span.On() {
		span.Text("http.request.method", r.Method)
		span.Text("http.route", path)
		span.Text("request_id", identityOf(ctx).requestID)
	}
	return r.WithContext(ctx), requestSpan{span}
}

// answer ends the step.
func (s requestSpan) answer(status int) {
	if s.On() {
		s.Number("http.response.status_code", int64(status))
		if status >= http.StatusInternalServerError {
			s.Fail(http.StatusText(status))
		}
	}
	s.End()
}
