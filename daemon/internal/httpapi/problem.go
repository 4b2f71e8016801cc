package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// problem is the body of every error answer (RFC 9457, application/problem+json).
type problem struct {
	Type         string          `json:"type" doc:"Always about:blank: code says which problem it is." example:"about:blank"`
	Title        string          `json:"title" doc:"The HTTP status in words." example:"Conflict"`
	Status       int             `json:"status" doc:"The HTTP status." example:"409"`
	Detail       string          `json:"detail" doc:"What was wrong and what would be right."`
	Code         string          `json:"code" doc:"A stable word for programs." example:"window_closed"`
	Org          string          `json:"org,omitempty" doc:"The org of the token, once it is known." example:"acme"`
	Action       string          `json:"action,omitempty" doc:"Over a limit: of what." example:"send_text"`
	Limit        *int            `json:"limit,omitempty" doc:"Over a limit: how many are accepted in any window."`
	RetryAfterMS *int64          `json:"retry_after_ms,omitempty" doc:"Over a limit: exactly when the next one would be accepted."`
	RequestID    string          `json:"request_id,omitempty" doc:"The same as the X-Request-Id header of the answer; name it when you report a problem."`
	Errors       []problemMember `json:"errors,omitempty" doc:"Where the input was wrong, if it was in several places or inside the body."`
}

// problemMember is one wrong place of the input.
type problemMember struct {
	Location string `json:"location" doc:"A path such as body.text or query.limit." example:"body.text"`
	Message  string `json:"message" doc:"What was expected there." example:"expected string"`
}

// problemError is a problem on its way out of a handler.
type problemError struct {
	problem problem
	headers http.Header
}

func newProblem(status int, code, detail string) *problemError {
	return &problemError{
		problem: problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail},
		headers: http.Header{},
	}
}

// Error, GetStatus, GetHeaders and ContentType are what huma asks of an error.
func (e *problemError) Error() string           { return e.problem.Detail }
func (e *problemError) GetStatus() int          { return e.problem.Status }
func (e *problemError) GetHeaders() http.Header { return e.headers }
func (e *problemError) ContentType(string) string {
	return "application/problem+json"
}

// statusOf is the one table from the kind of a fault to the HTTP status.
func statusOf(kind inbox.Kind) int {
	switch kind {
	case inbox.Invalid:
		return http.StatusBadRequest
	case inbox.Unauthorized:
		return http.StatusUnauthorized
	case inbox.Forbidden:
		return http.StatusForbidden
	case inbox.NotFound:
		return http.StatusNotFound
	case inbox.Conflict:
		return http.StatusConflict
	case inbox.Unprocessable:
		return http.StatusUnprocessableEntity
	case inbox.Throttled:
		return http.StatusTooManyRequests
	case inbox.Temporary:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// problemOf turns any error into what the caller may see. What is hidden from
// the caller is logged whole, under the same request id.
func (a *api) problemOf(ctx context.Context, err error) *problemError {
	out, ok := errors.AsType[*problemError](err)
	if !ok {
		out = a.translate(ctx, err)
	}
	switch out.problem.Status {
	case http.StatusUnauthorized:
		out.headers.Set("WWW-Authenticate", `Bearer realm="inboxd"`)
	case http.StatusServiceUnavailable:
		out.headers.Set("Retry-After", "1")
	}
	identity := identityOf(ctx)
	out.problem.RequestID, out.problem.Org = identity.requestID, identity.principal.OrgName
	return out
}

func (a *api) translate(ctx context.Context, err error) *problemError {
	fault, ok := errors.AsType[*inbox.Fault](err)
	switch {
	case ok && fault.Kind == inbox.Temporary:
		a.Logger.WarnContext(ctx, "request refused for now", "request_id", identityOf(ctx).requestID, "error", err)
		return newProblem(http.StatusServiceUnavailable, fault.Code, fault.Text)
	case ok && fault.Kind != inbox.Internal:
		return newProblem(statusOf(fault.Kind), fault.Code, fault.Text)
	case unreachable(err):
		a.Logger.ErrorContext(ctx, "storage does not answer", "request_id", identityOf(ctx).requestID, "error", err)
		return newProblem(http.StatusServiceUnavailable, "unavailable", "the database does not answer: try again")
	}
	a.Logger.ErrorContext(ctx, "request failed", "request_id", identityOf(ctx).requestID, "error", err)
	return newProblem(http.StatusInternalServerError, "internal_error", "internal error")
}

// sqlFault is an error of the database server with its SQLSTATE.
type sqlFault interface {
	error
	SQLState() string
}

// unaskedFault is a fault that came before anything was asked of the server: a
// connection that was closed, or refused for now.
type unaskedFault interface {
	error
	SafeToRetry() bool
}

// unreachable reports whether err says that a server did not answer, or cannot
// do just now what it could do at another time, rather than that it refused
// what we asked: SQLSTATE classes 08 (connection), 40 (rolled back), 53
// (resources) and 57 (shutdown, cancelled), 25006 (takes no writes: a failover)
// and 55P03 (a lock was not free in time).
func unreachable(err error) bool {
	if fault, ok := errors.AsType[sqlFault](err); ok && len(fault.SQLState()) == 5 {
		state := fault.SQLState()
		return slices.Contains([]string{"08", "40", "53", "57"}, state[:2]) || state == "25006" || state == "55P03"
	}
	if fault, ok := errors.AsType[unaskedFault](err); ok && fault.SafeToRetry() {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	for _, end := range []error{context.DeadlineExceeded, context.Canceled, io.ErrUnexpectedEOF} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// write sends the problem to a client that huma does not serve.
func (e *problemError) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), e.headers)
	w.Header().Set("Content-Type", e.ContentType(""))
	w.WriteHeader(e.problem.Status)
	if body, err := json.Marshal(e.problem); err == nil {
		_, _ = w.Write(body) // The client has gone if this fails.
	}
}

// fromHuma rewrites what huma found wrong with the input. It keeps where and
// what, and drops the value: it can be the text of a message.
func fromHuma(model *huma.ErrorModel) *problemError {
	out := newProblem(model.Status, "invalid_request", model.Detail)
	switch model.Status {
	case http.StatusUnsupportedMediaType:
		return newProblem(model.Status, "unsupported_media_type", "the body must be application/json")
	case http.StatusBadRequest:
		out.problem.Code = "malformed_json"
	case http.StatusUnprocessableEntity:
		// Here 422 means "names nothing real"; a body of the wrong shape is 400.
		out = newProblem(http.StatusBadRequest, "invalid_request", model.Detail)
	}
	said := make([]string, 0, len(model.Errors))
	for _, detail := range model.Errors {
		out.problem.Errors = append(out.problem.Errors, problemMember{Location: detail.Location, Message: detail.Message})
		said = append(said, detail.Location+": "+detail.Message)
	}
	if len(said) > 0 {
		out.problem.Detail = strings.Join(said, "; ")
	}
	return out
}
