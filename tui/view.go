package tui

import (
	"strings"

	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// View draws the whole frame: exactly as many lines as the window has, none
// wider than it. It reads the model and nothing else.
func (m model) View() string {
	lines := make([]string, 0, m.height)
	lines = append(lines, m.vitals(), m.tabs(), m.context())
	body := m.bodyHeight()
	drawn := m.body(body)
	says := m.message()
	body = max(body-len(says)+1, 0) // a long remark takes the last lines of the view
	lines = append(lines, fit(drawn[:min(len(drawn), body)], body)...)
	lines = append(append(lines, says...), m.hints())
	if m.height < len(lines) {
		lines = m.tiny()
	}
	for i, line := range lines {
		lines[i] = text.Cut(line, m.width, "")
		if m.options.ASCII {
			lines[i] = asciiOnly(lines[i])
		}
	}
	return strings.Join(fit(lines, m.height), "\n")
}

// bodyHeight is how many lines the view has between header and footer.
func (m model) bodyHeight() int { return max(m.height-headLines-2, 0) }

// fit makes exactly height lines.
func fit(lines []string, height int) []string {
	for len(lines) < height {
		lines = append(lines, "")
	}
	return lines[:max(height, 0)]
}

// tiny is for windows of less than six lines: vitals and what fits.
func (m model) tiny() []string {
	return append([]string{m.vitals(), m.message()[0]}, m.body(max(m.height-2, 0))...)
}

// body draws the view between header and footer in height lines.
func (m model) body(height int) []string {
	th := m.theme
	switch {
	case m.help:
		return m.helpLines(height)
	case m.shown.at.IsZero():
		return []string{"", widget.Line(th, m.width, "", widget.Segment{Text: " " + m.waiting()})}
	}
	if m.freshness() == stale {
		th = th.Faded()
	}
	if m.question.open() {
		return m.question.draw(th, m.where(), m.now, m.width, height)
	}
	switch {
	case m.story.open():
		return m.storyLines(th, height)
	case m.picker.open():
		return m.picker.draw(th, m.width, height)
	case m.ago > 0 && m.at == jobsView:
		return []string{"", " The jobs of then are not kept: " + m.keys.Key(keys.Freeze) + " goes back to now."}
	}
	lines := screen.Problems(th, m.shown.answer.Item.Parts, m.width)
	return append(lines, m.view().Lines(th, m.width, max(height-len(lines), 0))...)
}

// waiting says why there is no data yet.
func (m model) waiting() string {
	if m.connection.err != nil {
		return "No data yet."
	}
	return "Connecting to " + brief(m.options.Target) + m.theme.Glyphs.Ellipsis
}
