package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/bandeja/inboxd/tui/text"
)

// msOf writes milliseconds that may not be known.
func msOf[N int64 | float64](ms *N) string {
	if ms == nil {
		return ""
	}
	return text.Millis(float64(*ms))
}

func rateText(perS *float64) string {
	if perS == nil {
		return ""
	}
	return text.Rate(*perS) + "/s"
}

func countText(n int64) string { return strconv.FormatInt(n, 10) }

// agoText says when something was: "3m20s ago".
func agoText(at *time.Time, now time.Time) string {
	switch {
	case at == nil || at.IsZero():
		return ""
	case at.After(now):
		return "in " + text.Age(at.Sub(now))
	}
	return text.Age(now.Sub(*at)) + " ago"
}

// maybe is a text there may be none of.
func maybe[T ~string](s *T) string {
	if s == nil {
		return ""
	}
	return string(*s)
}

// plural writes a number with its noun: "1 job", "2 jobs".
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.FormatInt(n, 10) + " " + noun + "s"
}

// isUTF8 reports whether a locale such as en_GB.UTF-8 can show more than ASCII.
func isUTF8(locale string) bool {
	locale = strings.ToLower(locale)
	return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
}
