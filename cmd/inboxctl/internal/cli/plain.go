package cli

import (
	"bytes"
	"strings"

	"github.com/bandeja/inboxd/tui/text"
)

// fit makes what people read fit their terminal: rows of a table are cut at its
// edge, because a table that wraps is none, and what the locale cannot show
// becomes ASCII. Programs get what there is: -o wide, a pipe and a file are never
// cut.
func (a *app) fit(b *bytes.Buffer, rows bool) {
	if !a.people() {
		return
	}
	s := b.String()
	if !a.unicode() {
		s = ascii(s)
	}
	if width, ok := a.width(); ok && rows && a.flags.output != "wide" {
		lines := strings.SplitAfter(s, "\n")
		for i, line := range lines {
			row, hadEnd := strings.CutSuffix(line, "\n")
			lines[i] = text.Cut(row, width, a.ellipsis())
			if hadEnd {
				lines[i] += "\n"
			}
		}
		s = strings.Join(lines, "")
	}
	b.Reset()
	b.WriteString(s)
}

// width is that of the terminal the answer goes to; false: it goes elsewhere.
func (a *app) width() (int, bool) {
	if a.Size == nil {
		return 0, false
	}
	width, _, ok := a.Size()
	return width, ok && width > 0
}

func (a *app) ellipsis() string {
	if a.unicode() {
		return "…"
	}
	return ">"
}

// ascii replaces what a terminal in the C locale would show as rubbish.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < 128:
			return r
		case r == '–' || r == '—':
			return '-'
		case r == '’' || r == '‘':
			return '\''
		case r == '·' || r == '×':
			return '.'
		}
		return '?'
	}, s)
}
