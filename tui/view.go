package tui

import (
	"strings"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// View draws the whole frame: exactly as many lines as the window has, none
// wider than it. It reads the model and nothing else.
func (m model) View() string {
	lines := make([]string, 0, m.height)
	lines = append(lines, m.vitals(), m.context())
	body := max(m.height-len(lines)-2, 0)
	lines = append(lines, fit(m.body(body), body)...)
	lines = append(lines, m.message(), m.hints())
	if m.height < len(lines) {
		lines = m.tiny()
	}
	for i, line := range lines {
		lines[i] = text.Cut(line, m.width, "")
	}
	return strings.Join(fit(lines, m.height), "\n")
}

// fit makes exactly height lines.
func fit(lines []string, height int) []string {
	for len(lines) < height {
		lines = append(lines, "")
	}
	return lines[:max(height, 0)]
}

// tiny is for windows of less than five lines: vitals and what fits.
func (m model) tiny() []string {
	return append([]string{m.vitals(), m.message()}, m.body(max(m.height-2, 0))...)
}

// body draws the view between header and footer in height lines.
func (m model) body(height int) []string {
	if m.help {
		return m.helpLines()
	}
	th := m.theme
	if m.shown.at.IsZero() {
		return []string{"", widget.Line(th, m.width, "", widget.Segment{Text: " " + m.waiting()})}
	}
	if m.freshness() == stale {
		th = th.Faded()
	}
	status := m.shown.answer.Item
	lines := screen.Problems(th, status.Parts, m.width)
	lines = append(lines, m.table(th, status, height-len(lines))...)
	return append(lines, m.below(th, status, height-len(lines))...)
}

// table draws the queues, or says why there are none.
func (m model) table(th theme.Theme, status admin.Status, height int) []string {
	switch {
	case status.Queues == nil:
		return []string{" The queues are not known: the ledger has not answered since the server started."}
	case len(status.Queues) == 0:
		return []string{" There are no queues."}
	}
	return m.queues.View(th, m.width, max(height, 0))
}

// below fills what is left under the table, the most useful first: one line of
// processes, the queue under the cursor, then the table of processes.
func (m model) below(th theme.Theme, status admin.Status, height int) []string {
	if height < 2 {
		return nil
	}
	lines := []string{""}
	if selected, ok := m.queues.Selected(); ok && height >= screen.DetailLines+4 {
		lines = append(lines, screen.Detail(th, selected, m.width)...)
		lines = append(lines, "")
	}
	lines = append(lines, screen.ProcessLine(th, status.Processes, m.width))
	if left := height - len(lines); left >= 3 && len(status.Processes) > 0 {
		lines = append(lines, screen.Processes(th, status.Processes, m.shown.at, m.width, left)...)
	}
	return lines
}

// waiting says why there is no data yet.
func (m model) waiting() string {
	if m.connection.err != nil {
		return "No data yet."
	}
	return "Connecting to " + brief(m.options.Target) + m.theme.Glyphs.Ellipsis
}
