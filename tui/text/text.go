// Package text is how inboxctl writes, live and on the command line: cleaning,
// measuring, numbers and durations. It owns the only code that does; it refuses
// colour, layout and the clock.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

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

// Width is how many cells a text takes, styles not counted. What a screen is
// mostly made of needs no tables: a frame is made every second, and laptops run
// on batteries.
func Width(s string) int {
	cells := 0
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c >= ' ' && c < 0x7f:
			cells++
			i++
		case c == '\x1b':
			end := style(s[i:])
			if end == 0 {
				return ansi.StringWidth(s)
			}
			i += end
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if !drawn(r) {
				return ansi.StringWidth(s)
			}
			cells++
			i += size
		}
	}
	return cells
}

// style is how long the style is that a text begins with; 0: it is none.
func style(s string) int {
	if len(s) < 2 || s[1] != '[' {
		return 0
	}
	for i := 2; i < len(s); i++ {
		switch c := s[i]; {
		case c == 'm':
			return i + 1
		case c != ';' && (c < '0' || c > '9'):
			return 0
		}
	}
	return 0
}

// drawn reports whether a rune is a sign of ours, one cell wide: lines, blocks,
// Braille and the signs of the themes.
func drawn(r rune) bool {
	return r >= 0x2500 && r < 0x25a0 || r >= 0x2800 && r < 0x2900 || strings.ContainsRune("…–·●▼▲◆›‖", r)
}

// Cut shortens text to at most width cells, with the tail if something went.
func Cut(s string, width int, tail string) string {
	if width <= 0 {
		return ""
	}
	if len(s) <= width || Width(s) <= width { // No cell is made of less than a byte.
		return s
	}
	return ansi.Truncate(s, width, tail)
}

// Fill makes text exactly width cells, at the left.
func Fill(s string, width int, tail string) string {
	s = Cut(s, width, tail)
	return s + Blank(width-Width(s))
}

// FillRight makes text exactly width cells, at the right.
func FillRight(s string, width int, tail string) string {
	s = Cut(s, width, tail)
	return Blank(width-Width(s)) + s
}

const blanks = "                                                                                "

// Blank is n blanks; none if n is negative.
func Blank(n int) string {
	if n <= len(blanks) {
		return blanks[:max(n, 0)]
	}
	return strings.Repeat(" ", n)
}
