package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// helpLines draws the key table itself, so that it cannot lie, and what the
// words and signs of the screen mean.
func (m model) helpLines() []string {
	lines := []string{widget.Line(m.theme, m.width, "", widget.Segment{Text: " HELP: only capital letters change anything, and they ask first.", Role: theme.Title})}
	bindings := slices.DeleteFunc(slices.Clone(m.keys), func(b keys.Binding) bool { return b.Label == "" })
	columns := 1
	if m.width >= defaultWidth {
		columns = 2
	}
	rows := (len(bindings) + columns - 1) / columns
	for row := range rows {
		var line strings.Builder
		for at := row; at < len(bindings); at += rows {
			b := bindings[at]
			line.WriteString(" " + text.Fill(m.theme.Paint(theme.Head, b.Label), 9, "") + " " + text.Fill(b.Help, m.width/columns-12, ""))
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	g := m.theme.Glyphs
	for _, note := range []string{
		"!  needs a look    " + g.Unknown + "  not known    " + g.Few + "  a P99 of fewer than 100 is not drawn",
		"SCHED waits for its time. RETRY of these: tried before. DISP handed out, not yet started. HELD kept back. UNCERT perhaps sent: never again by itself.",
		"IN/s, OUT/s: averages of the last minute. DRAINS: time until READY is empty.",
		"wait: ready to start. run: start to outcome. end to end: created to final. n: how many. dial: the share of jobs that travels by Redis.",
		"order held: rows keep their places for 3s after the cursor has moved.",
		"silent: a process without a heartbeat for 10s.",
	} {
		for line := range strings.Lines(ansi.Wordwrap(note, max(m.width-2, 10), "") + "\n") {
			lines = append(lines, " "+strings.TrimRight(line, "\n"))
		}
	}
	return lines
}
