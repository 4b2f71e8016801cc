// Package widget turns data into cells of text: cleaning, measuring, numbers,
// lines and tables. It owns the only code that writes a cell; it refuses
// messages, state and the clock.
package widget

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// maxText is how much of a foreign string can reach the screen, in runes.
const maxText = 256

// Clean makes foreign text safe to draw: without it a name or a provider's error
// could move the cursor, retitle the window or write the clipboard. Escape
// sequences and invisible signs go, every kind of white space becomes a blank,
// and what is left is cut to 256 runes.
func Clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range ansi.Strip(strings.ToValidUTF8(s, "?")) {
		if n == maxText {
			break
		}
		switch {
		case unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
			r = ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r), unicode.Is(unicode.Co, r):
			continue
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
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
	return s + blanks(width-Width(s))
}

// FillRight makes text exactly width cells, at the right.
func FillRight(s string, width int, tail string) string {
	s = Cut(s, width, tail)
	return blanks(width-Width(s)) + s
}

func blanks(n int) string { return strings.Repeat(" ", max(n, 0)) }
