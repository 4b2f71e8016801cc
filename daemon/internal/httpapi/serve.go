package httpapi

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// serve is the outermost handler: it names the request, answers what no route
// answers, survives a panic, and measures.
func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	id := requestID(r)
	w.Header().Set(requestIDHeader, id)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")

	route, pattern := a.mux.Handler(r)
	out := &recorder{ResponseWriter: w}
	span := a.span(pattern, started)
	ctx := withIdentity(r.Context(), identity{requestID: id, span: span})
	if endpointOf(pattern) == webhookPath {
		ctx = span.begin(ctx, "") // whoever else it is, the door knows
	}
	r = r.WithContext(ctx)
	defer func() {
		a.recovered(out, r.WithContext(span.in(ctx)), recover())
		span.answer(out.code())
		a.metrics.observe(span.in(ctx), endpointOf(pattern), r.Method, out.code(), time.Since(started))
	}()
	if pattern == "" {
		a.unrouted(out, r, route)
		return
	}
	a.mux.ServeHTTP(out, r)
}

// recovered turns a panic into a 500 that is logged with its stack. An abort
// that net/http itself asks for goes on.
func (a *api) recovered(out *recorder, r *http.Request, cause any) {
	switch cause {
	case nil:
		return
	case http.ErrAbortHandler:
		panic(cause)
	}
	a.Logger.ErrorContext(r.Context(), "handler panicked", "request_id", identityOf(r.Context()).requestID,
		"cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
	if out.status == 0 {
		fault := newProblem(http.StatusInternalServerError, "internal_error", "internal error")
		a.problemOf(r.Context(), fault).write(out)
	}
}

// unrouted answers a request that matches no pattern. The mux knows whether
// the path exists for other methods, but says so in plain text: ask it aside.
func (a *api) unrouted(w http.ResponseWriter, r *http.Request, route http.Handler) {
	aside := &probe{header: http.Header{}}
	route.ServeHTTP(aside, r)
	switch aside.status {
	case http.StatusNotFound:
		fault := newProblem(http.StatusNotFound, "no_such_route", "there is no such route: see /docs")
		a.problemOf(r.Context(), fault).write(w)
	case http.StatusMethodNotAllowed:
		allow := aside.header.Get("Allow")
		fault := newProblem(http.StatusMethodNotAllowed, "method_not_allowed", "this route takes "+allow)
		fault.headers.Set("Allow", allow)
		a.problemOf(r.Context(), fault).write(w)
	default:
		route.ServeHTTP(w, r) // A redirect to the clean form of the path.
	}
}

// endpointOf returns the path of a route pattern, a closed set for metrics.
func endpointOf(pattern string) string {
	if _, path, ok := strings.Cut(pattern, " "); ok {
		return path
	}
	return otherLabel
}

// recorder remembers the status that was sent.
type recorder struct {
	http.ResponseWriter

	status int
}

// WriteHeader records the first final status.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends body bytes; without a status it was 200.
func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

// probe is an answer nobody receives.
type probe struct {
	header http.Header
	status int
}

// Header returns the headers that were set.
func (p *probe) Header() http.Header { return p.header }

// Write drops the body.
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader remembers the status.
func (p *probe) WriteHeader(status int) { p.status = status }
