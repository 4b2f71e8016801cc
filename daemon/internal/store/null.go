package store

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// orZero scans a nullable time into t: null is the zero time.
func orZero(t *time.Time) *zeronull.Timestamptz { return (*zeronull.Timestamptz)(t) }

// orNull writes a zero time as null.
func orNull(t time.Time) zeronull.Timestamptz { return zeronull.Timestamptz(t) }

// longestNote bounds texts from the provider that are kept for operators.
const longestNote = 500

// note makes a text from outside storable and at most 500 bytes long.
func note(s string) string { return cut(inbox.Clean(s), longestNote) }

// cut shortens s to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n])
}

// earliest returns the earlier of two times; a zero one is no time.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
