package inbox

import (
	"errors"
	"fmt"
)

// Kind says what sort of fault an error is. It alone decides HTTP status, exit
// code and metric label; an error without a kind is internal.
type Kind string

// The kinds of fault.
const (
	Internal      Kind = "internal"      // 500: ours; logged, hidden from the caller
	Invalid       Kind = "invalid"       // 400: malformed or incomplete input
	Unauthorized  Kind = "unauthorized"  // 401: no or unknown token
	Forbidden     Kind = "forbidden"     // 403: known, but not allowed
	NotFound      Kind = "not_found"     // 404: no such thing in this org
	Conflict      Kind = "conflict"      // 409: not in this state
	Unprocessable Kind = "unprocessable" // 422: well formed, but names nothing real
	Throttled     Kind = "throttled"     // 429: over a limit
	Temporary     Kind = "temporary"     // 503: try again later
)

// Fault is a domain error with a sentence that is safe to show to a user: it
// says what was wrong and what would be right, and holds no token, phone
// number or message text.
type Fault struct {
	Kind Kind
	Code string // stable snake_case word for programs, e.g. "window_closed"
	Text string
	Err  error // the cause, for the log; may be nil
}

// Error returns the sentence and, for the log, the cause.
func (f *Fault) Error() string {
	if f.Err != nil {
		return f.Text + ": " + f.Err.Error()
	}
	return f.Text
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Faultf builds a Fault; the format's arguments must be safe to show.
func Faultf(kind Kind, code, format string, args ...any) *Fault {
	return &Fault{Kind: kind, Code: code, Text: fmt.Sprintf(format, args...)}
}

// KindOf returns the kind of the first Fault in err's chain, Internal if there
// is none.
func KindOf(err error) Kind {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Kind
	}
	return Internal
}
