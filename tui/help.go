package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// helpLines draws the key table itself, so that it cannot lie, and what the
// words and signs of the screen mean.
func (m model) helpLines() []string {
	lines := []string{widget.Line(m.theme, m.width, "", widget.Segment{Text: " HELP", Role: theme.Title}), ""}
	columns := 1
	if m.width >= defaultWidth {
		columns = 2
	}
	rows := (len(m.keys) + columns - 1) / columns
	for row := range rows {
		var line strings.Builder
		for at := row; at < len(m.keys); at += rows {
			b := m.keys[at]
			line.WriteString(" " + text.Fill(m.theme.Paint(theme.Head, b.Label), 9, "") + " " + text.Fill(b.Help, m.width/columns-12, ""))
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	g := m.theme.Glyphs
	for _, note := range []string{
		"",
		"Nothing on this screen changes anything.",
		"!  needs a look    " + g.Unknown + "  not known    " + g.Few + "  a P99 of fewer than 100 is not drawn",
		"wait: ready to start. run: start to outcome. end to end: created to final. n: how many.",
		"drains: when the ready jobs are gone at the present rates.",
	} {
		for line := range strings.Lines(ansi.Wordwrap(note, max(m.width-2, 10), "") + "\n") {
			lines = append(lines, " "+strings.TrimRight(line, "\n"))
		}
	}
	return lines
}
