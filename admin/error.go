package admin

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what sort of fault an answer is. It decides HTTP status and exit code.
type Kind string

// The kinds of fault. Unreachable is the client's own: no answer came.
const (
	Internal      Kind = "internal"
	Invalid       Kind = "invalid"
	Unauthorized  Kind = "unauthorized"
	Forbidden     Kind = "forbidden"
	NotFound      Kind = "not_found"
	Conflict      Kind = "conflict"
	Unprocessable Kind = "unprocessable"
	Throttled     Kind = "throttled"
	Temporary     Kind = "temporary"
	Unreachable   Kind = "unreachable"
)

// Codes of the faults the Client finds by itself: the address may be wrong.
const (
	CodeUnreachable = "unreachable" // no connection
	CodeInterrupted = "interrupted" // a change whose caller left
	CodeTimeout     = "timeout"     // no answer in time
	CodeNotInboxd   = "not_inboxd"  // somebody else answers there
	CodePublicAPI   = "public_api"  // inboxd answers there, but not to operators
)

// Exit codes of inboxctl.
const (
	ExitDone         = 0
	ExitFailed       = 1
	ExitUsage        = 2
	ExitPartly       = 3
	ExitNotAllowed   = 4
	ExitNotFound     = 5
	ExitPrecondition = 6
	ExitRefused      = 7
	ExitRunning      = 8
	ExitUnreachable  = 9
	ExitInterrupted  = 130
)

// ExitCode returns the exit code of a fault of this kind.
func (k Kind) ExitCode() int {
	switch k {
	case Invalid, Unprocessable:
		return ExitUsage
	case Unauthorized, Forbidden:
		return ExitNotAllowed
	case NotFound:
		return ExitNotFound
	case Conflict:
		return ExitPrecondition
	case Temporary, Unreachable:
		return ExitUnreachable
	default:
		return ExitFailed
	}
}

// Status returns the HTTP status of a fault of this kind.
func (k Kind) Status() int {
	switch k {
	case Invalid:
		return 400
	case Unauthorized:
		return 401
	case Forbidden:
		return 403
	case NotFound:
		return 404
	case Conflict:
		return 409
	case Unprocessable:
		return 422
	case Throttled:
		return 429
	case Temporary, Unreachable:
		return 503
	default:
		return 500
	}
}

// kindOf is the kind of a fault that came without one, from something in front
// of the server.
func kindOf(status int) Kind {
	for _, k := range []Kind{Invalid, Unauthorized, Forbidden, NotFound, Conflict, Unprocessable, Throttled, Temporary} {
		if k.Status() == status {
			return k
		}
	}
	switch {
	case status == 502 || status == 504:
		return Temporary
	case status >= 400 && status < 500:
		return Invalid
	}
	return Internal
}

// ProblemType is the content type of a fault (RFC 9457).
const ProblemType = "application/problem+json"

// Problem is a fault on the wire. Detail is a sentence for people, Code a
// stable snake_case word for programs.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Kind   Kind   `json:"kind"`
	Code   string `json:"code"`
}

// Error is a fault as the Client returns it. Text says what was wrong and what
// would be right.
type Error struct {
	Kind       Kind
	Code       string
	Text       string
	Status     int           // of the answer; 0: none came
	RetryAfter time.Duration // the server's wish; 0: none
	Err        error         // the cause; may be nil
}

// Error returns the sentence.
func (e *Error) Error() string { return e.Text }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first Error in err's chain, Internal if there
// is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

func errorf(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Text: fmt.Sprintf(format, args...)}
}
