// Package secret keeps what must not be read by others: text that never prints
// itself, a sealer for values at rest, and the tokens inboxd hands out. It owns
// shapes and cryptography; it refuses storage and policy: who may do what with
// a token is its caller's.
package secret

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// String is text that must not be shown. Every road that formats or encodes it
// gives "[redacted]"; only Reveal gives the text. Three roads stay open because
// fmt and encoding/json do not ask a value there: an unexported field of a
// struct that is printed whole, a map key, and the verb %p (go vet refuses it).
type String string

// Reveal returns the text. Pass it on to what needs it; never log it.
func (s String) Reveal() string { return string(s) }

// RevealAll returns the texts of a list, in order.
func RevealAll(list []String) []string {
	clear := make([]string, len(list))
	for i, s := range list {
		clear[i] = s.Reveal()
	}
	return clear
}

// String returns "[redacted]".
func (s String) String() string { return redacted }

// GoString returns "[redacted]".
func (s String) GoString() string { return redacted }

// Format writes "[redacted]" for every verb, %x and %q included.
func (s String) Format(f fmt.State, _ rune) {
	// A failed write is the caller's: fmt gives a Formatter no road to report it.
	_, _ = f.Write([]byte(redacted))
}

// LogValue returns "[redacted]" for slog.
func (s String) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]"; encoders that know text use it.
func (s String) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]" as a JSON string.
func (s String) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalYAML returns "[redacted]".
func (s String) MarshalYAML() (any, error) { return redacted, nil }
