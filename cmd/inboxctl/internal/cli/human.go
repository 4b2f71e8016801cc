package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// msText writes milliseconds with a unit and about three digits: 12ms, 1.2s,
// 3m20s, 2h05m, 4d06h.
func msText(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case d < time.Second:
		return strconv.FormatInt(ms, 10) + "ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	case d < time.Minute:
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// msOf is msText of what may not be known.
func msOf(ms *int64) string {
	if ms == nil {
		return ""
	}
	return msText(*ms)
}

// latencyText keeps fractions, which matter below a few milliseconds.
func latencyText(ms *float64) string {
	switch {
	case ms == nil:
		return ""
	case *ms < 10:
		return strconv.FormatFloat(*ms, 'f', 1, 64) + "ms"
	}
	return msText(int64(*ms + 0.5))
}

func rateText(perS *float64) string {
	if perS == nil {
		return ""
	}
	return strconv.FormatFloat(*perS, 'f', 1, 64) + "/s"
}

func countText(n int64) string { return strconv.FormatInt(n, 10) }

// agoText says when something was: "3m20s ago".
func agoText(at *time.Time, now time.Time) string {
	switch {
	case at == nil || at.IsZero():
		return ""
	case at.After(now):
		return "in " + msText(at.Sub(now).Milliseconds())
	}
	return msText(now.Sub(*at).Milliseconds()) + " ago"
}

func text[T ~string](s *T) string {
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
