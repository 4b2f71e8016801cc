// Package text is how inboxctl writes, live and on the command line: cleaning,
// measuring, numbers and durations. It owns the only code that does; it refuses
// colour, layout and the clock.
package text

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Clean makes foreign text safe to show: without it a name or a provider's error
// could move the cursor, retitle the window or write the clipboard. Escape
// sequences go whole and invisible signs too; every kind of white space becomes
// a blank.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r), unicode.Is(unicode.Co, r):
			return -1
		}
		return r
	}, ansi.Strip(strings.ToValidUTF8(s, "?")))
}

// Width is how many cells a text takes.
func Width(s string) int { return ansi.StringWidth(s) }

// Cut shortens text to at most width cells, with the tail if something went.
func Cut(s string, width int, tail string) string {
	if width <= 0 {
		return ""
	}
	if Width(s) <= width {
		return s
	}
	return ansi.Truncate(s, width, tail)
}

// Fill makes text exactly width cells, at the left.
func Fill(s string, width int, tail string) string {
	s = Cut(s, width, tail)
	return s + strings.Repeat(" ", max(width-Width(s), 0))
}

// FillRight makes text exactly width cells, at the right.
func FillRight(s string, width int, tail string) string {
	s = Cut(s, width, tail)
	return strings.Repeat(" ", max(width-Width(s), 0)) + s
}
