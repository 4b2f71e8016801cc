package httpapi

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"unicode/utf8"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const (
	maxBody  = 256 << 10 // bytes of a body under /v1
	maxDepth = 32        // nested objects and arrays; Meta's templates need 6
)

// readBody reads at most maxBody bytes and refuses text that could not be
// stored or sent as it came. Whether it is the right JSON is huma's question.
func readBody(r *http.Request, wanted bool) ([]byte, error) {
	body, fault := readCapped(r, maxBody)
	switch {
	case fault != nil:
		return nil, fault
	case !wanted:
		if rest := bytes.TrimSpace(body); len(rest) > 0 && string(rest) != "{}" {
			return nil, inbox.Faultf(inbox.Invalid, "unexpected_body", "this route takes no body: send it empty")
		}
		return nil, nil
	}
	return body, checkJSONText(body)
}

// readCapped reads a whole body of at most limit bytes. A longer one is not
// read to its end.
func readCapped(r *http.Request, limit int64) ([]byte, *problemError) {
	tooLarge := newProblem(http.StatusRequestEntityTooLarge, "body_too_large",
		"the body is larger than "+strconv.FormatInt(limit, 10)+" bytes")
	tooLarge.headers.Set("Connection", "close")
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	var buf bytes.Buffer
	buf.Grow(int(min(max(r.ContentLength, 0)+bytes.MinRead, 64<<10)))
	n, err := buf.ReadFrom(io.LimitReader(r.Body, limit+1))
	switch {
	case n > limit:
		return nil, tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, newProblem(http.StatusRequestTimeout, "body_too_slow", "the body did not arrive in time")
	case err != nil:
		return nil, newProblem(http.StatusBadRequest, "body_cut_off", "the body ended before its announced length")
	}
	return buf.Bytes(), nil
}

// checkJSONText refuses what encoding/json would quietly replace (invalid
// UTF-8, half of a surrogate pair) or PostgreSQL cannot hold (NUL, endless
// nesting): a customer must not get other text than the agent wrote.
func checkJSONText(body []byte) error {
	if !utf8.Valid(body) {
		return inbox.Faultf(inbox.Invalid, "bad_encoding", "the body is not valid UTF-8")
	}
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			width, err := checkEscape(body[i:])
			if err != nil {
				return err
			}
			i += width - 1
		case !quoted && (c == '{' || c == '['):
			depth++
		case !quoted && (c == '}' || c == ']'):
			depth--
		}
		if depth > maxDepth {
			return inbox.Faultf(inbox.Invalid, "too_deep", "the body nests more than %d levels", maxDepth)
		}
	}
	return nil
}

// checkEscape looks at the escape sequence s begins with and returns how many
// bytes belong to it. Sequences JSON does not know are left to the parser.
func checkEscape(s []byte) (int, error) {
	unit, ok := codeUnit(s)
	switch {
	case !ok:
		return 2, nil
	case unit == 0:
		return 0, inbox.Faultf(inbox.Invalid, "bad_text", `the body contains a NUL character (\u0000): remove it`)
	case unit < 0xD800 || unit > 0xDFFF:
		return 6, nil
	}
	if low, ok := codeUnit(s[6:]); ok && unit < 0xDC00 && low >= 0xDC00 && low <= 0xDFFF {
		return 12, nil
	}
	return 0, inbox.Faultf(inbox.Invalid, "bad_text",
		`the body contains half of a surrogate pair (\u%04x): send the whole character`, unit)
}

// codeUnit reads a \uXXXX escape at the beginning of s.
func codeUnit(s []byte) (uint64, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(s[2:6]), 16, 16)
	return unit, err == nil
}

// onceOf reads the Idempotency-Key header of a write and ties it to what is
// asked: method, path and body.
func onceOf(r *http.Request, body []byte) (inbox.Once, error) {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return inbox.Once{}, nil
	}
	if len(keys) > 1 || len(keys[0]) < 1 || len(keys[0]) > 255 || !visibleASCII(keys[0]) {
		return inbox.Once{}, inbox.Faultf(inbox.Invalid, "bad_idempotency_key",
			"Idempotency-Key must be one header of 1 to 255 visible ASCII characters without spaces")
	}
	sum := sha256.New()
	for _, part := range [][]byte{[]byte(r.Method), []byte(r.URL.Path), body} {
		sum.Write(part)
		sum.Write([]byte{'\n'})
	}
	return inbox.Once{Key: keys[0], Digest: sum.Sum(nil)}, nil
}
