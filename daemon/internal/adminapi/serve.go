package adminapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// workTime bounds every request but bulk work and live views.
const workTime = 30 * time.Second

// call is one admitted request.
type call struct {
	caller caller
	path   func(name string) string
	query  url.Values
	body   []byte
	reason string        // of a change, as the operator gave it
	change *inbox.Change // that this call is part of; nil: it only reads
}

// enter is the gate of every request, known path or not: no browsers, nobody
// unknown.
func (h *handler) enter(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(admin.VersionHeader, h.Version)
	w.Header().Set("Cache-Control", "no-store")
	defer h.recover(w, r)
	if err := refuseBrowser(r); err != nil {
		h.fail(w, r, err)
		return
	}
	who, err := h.identify(r)
	if err != nil {
		if kindOf(err) == admin.Unauthorized {
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		h.fail(w, r, err)
		return
	}
	w.Header().Set(requestIDHeader, who.requestID)
	ctx, stop := h.guard(r.Context(), who)
	defer stop()
	h.mux.ServeHTTP(w, r.WithContext(context.WithValue(ctx, callerKey{}, who)))
}

// recover answers a request whose handler has a bug and keeps the daemon alive.
func (h *handler) recover(w http.ResponseWriter, r *http.Request) {
	fault := recover()
	if fault == nil {
		return
	}
	h.Logger.ErrorContext(r.Context(), "admin handler panicked", "panic", fault, "path", r.URL.Path, "stack", string(debug.Stack()))
	h.fail(w, r, errors.New("panic"))
}

// serve checks the role before it reads a byte of the body.
func (h *handler) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := h.Now()
		who, _ := r.Context().Value(callerKey{}).(caller)
		ctx, cancel := context.WithTimeout(r.Context(), rt.limit())
		defer cancel()
		c := &call{caller: who, path: r.PathValue, query: r.URL.Query()}
		if rt.method != http.MethodGet {
			ctx = h.begin(ctx, c, rt.action())
		}
		answer, err := h.run(ctx, rt, c, w, r)
		err = unlessOut(ctx, err)
		if c.change != nil {
			h.Logger.InfoContext(ctx, "admin change", "actor", who.name, "action", c.change.Action, "path", r.URL.Path, "reason", c.reason,
				"outcome", outcome(err), "duration_ms", h.Now().Sub(begin).Milliseconds(),
				"request_id", who.requestID, "from", who.source)
		}
		if err != nil {
			h.fail(w, r, err)
			return
		}
		if live, ok := answer.(live); ok {
			live(w, r)
			return
		}
		h.write(w, r, http.StatusOK, "application/json", answer)
	})
}

func (h *handler) run(ctx context.Context, rt route, c *call, w http.ResponseWriter, r *http.Request) (any, error) {
	if !c.caller.role.Allows(rt.role) {
		return nil, inbox.Faultf(inbox.Forbidden, "role", "this needs the role %s, and %s is only %s", rt.role, c.caller.name, c.caller.role)
	}
	for name := range c.query {
		if !slices.Contains(rt.params, name) {
			return nil, inbox.Faultf(inbox.Invalid, "unknown_parameter", "this server knows no parameter %q here", name)
		}
	}
	if rt.body != nil {
		body, err := readBody(w, r)
		if err != nil {
			return nil, err
		}
		c.body = body
	}
	return rt.handle(ctx, c)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, inbox.Faultf(inbox.Invalid, "content_type", "send Content-Type: application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, admin.MaxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, inbox.Faultf(inbox.Invalid, "body_too_large", "the body is larger than %d bytes", admin.MaxBody)
	}
	if err != nil {
		return nil, inbox.Faultf(inbox.Invalid, "body", "the body did not arrive whole")
	}
	return body, nil
}

// decode reads the body strictly: a field this server does not know could have
// narrowed what is about to change.
func decode[T any](c *call) (T, error) {
	var v T
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, inbox.Faultf(inbox.Invalid, "bad_json", "the body is not what this server expects: %v", err)
	}
	if d.More() {
		return v, inbox.Faultf(inbox.Invalid, "bad_json", "the body holds more than one JSON value")
	}
	var why struct {
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal(c.body, &why); err == nil {
		c.reason = why.Reason
	}
	if len(c.reason) > admin.MaxReason {
		c.reason = ""
		return v, inbox.Faultf(inbox.Invalid, "bad_reason", "the reason is longer than %d bytes", admin.MaxReason)
	}
	if c.change != nil {
		c.change.Reason = c.reason
	}
	return v, nil
}

// unknown answers what no route matches.
func (h *handler) unknown(w http.ResponseWriter, r *http.Request) {
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := h.mux.Handler(probe); pattern != "/" && pattern != "" {
			methods = append(methods, method)
		}
	}
	if len(methods) == 0 {
		h.fail(w, r, inbox.Faultf(inbox.NotFound, "unknown_path", "this server has no %s", r.URL.Path))
		return
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	h.problem(w, r, http.StatusMethodNotAllowed, admin.Invalid, "method", "use "+strings.Join(methods, " or ")+" here")
}

func outcome(err error) string {
	if err == nil {
		return "done"
	}
	return string(kindOf(err))
}

// kindOf adds to the domain's kinds that a dependency which does not answer is
// no fault of this program.
func kindOf(err error) admin.Kind {
	if e, ok := errors.AsType[*admin.Error](err); ok {
		return e.Kind
	}
	if _, ok := errors.AsType[*inbox.Fault](err); ok {
		return admin.Kind(inbox.KindOf(err))
	}
	if _, ok := errors.AsType[net.Error](err); ok || goingAway(err) {
		return admin.Temporary
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF) {
		return admin.Temporary
	}
	if fault, ok := errors.AsType[unaskedFault](err); ok && fault.SafeToRetry() {
		return admin.Temporary
	}
	return admin.Internal
}

// unaskedFault is a fault that came before anything was asked of the server: a
// connection that was closed, or refused for now.
type unaskedFault interface {
	error
	SafeToRetry() bool
}

// sqlFault is an error of the database server with its SQLSTATE.
type sqlFault interface {
	error
	SQLState() string
}

// goingAway reports whether the database cannot do just now what it could do at
// another time: SQLSTATE classes 08 (connection), 40 (rolled back), 53
// (resources) and 57 (shutdown), 25006 (takes no writes: a failover) and 55P03
// (a lock was not free in time).
func goingAway(err error) bool {
	fault, ok := errors.AsType[sqlFault](err)
	if !ok || len(fault.SQLState()) != 5 {
		return false
	}
	state := fault.SQLState()
	return slices.Contains([]string{"08", "40", "53", "57"}, state[:2]) || state == "25006" || state == "55P03"
}

func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	kind, code, text := h.explain(r.Context(), r.URL.Path, err)
	if locked, ok := errors.AsType[*lockedError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(locked.seconds()))
	} else if kind == admin.Temporary {
		w.Header().Set("Retry-After", strconv.Itoa(1))
	}
	h.problem(w, r, kind.Status(), kind, code, text)
}

// explain says what a caller may know of err, and logs what only we may.
func (h *handler) explain(ctx context.Context, path string, err error) (kind admin.Kind, code, text string) {
	kind = kindOf(err)
	fault, _ := errors.AsType[*inbox.Fault](err)
	wire, _ := errors.AsType[*admin.Error](err)
	if unrecorded(err) {
		h.metrics.auditFailures.Inc()
		h.Logger.ErrorContext(ctx, "change refused: it cannot be recorded", "path", path, "error", err)
		return kind, "not_recorded", "nothing was changed, because it could not be recorded in the audit trail: see the daemon's log"
	}
	switch {
	case kind == admin.Internal:
		h.Logger.ErrorContext(ctx, "admin request failed", "path", path, "error", err)
		return kind, "internal", "internal error: see the daemon's log"
	case fault != nil:
		return kind, fault.Code, fault.Text
	case wire != nil:
		return kind, wire.Code, wire.Text
	}
	h.Logger.WarnContext(ctx, "admin request failed", "path", path, "error", err)
	return kind, "database", "the database does not answer: try again; `inboxctl status` shows what is down"
}

func (h *handler) problem(w http.ResponseWriter, r *http.Request, status int, kind admin.Kind, code, text string) {
	h.write(w, r, status, admin.ProblemType, admin.Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: text, Kind: kind, Code: code,
	})
}

func (h *handler) write(w http.ResponseWriter, r *http.Request, status int, kind string, answer any) {
	body, ok := answer.(json.RawMessage)
	if !ok {
		var err error
		if body, err = json.Marshal(answer); err != nil {
			h.Logger.ErrorContext(r.Context(), "admin answer cannot be encoded", "path", r.URL.Path, "error", err)
			status, body = http.StatusInternalServerError, nil
		}
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// Clipped: some answers are shared by all callers, and append would write
	// into their spare room.
	if _, err := w.Write(append(slices.Clip(body), '\n')); err != nil {
		h.Logger.DebugContext(r.Context(), "admin caller left", "error", err)
	}
}
