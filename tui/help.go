package tui

import (
	"strings"

	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// threeColumns is from where the meaning of words has a column of its own.
const threeColumns = 120

// helpLines draws the key table itself, so that it cannot lie, and what the
// words and signs of the screen mean.
func (m model) helpLines(height int) []string {
	columns := 2
	switch {
	case m.width < defaultWidth:
		columns = 1
	case m.width >= threeColumns:
		columns = 3
	}
	cells := m.width / columns
	looks, changes := m.helpKeys(cells)
	changes = append(append(changes, ""), m.helpSigns()...)
	words := m.helpWords(cells)
	if columns == 2 {
		words = m.helpWords(m.width)
	}
	var lines []string
	switch columns {
	case 1:
		lines = append(append(looks, changes...), words...)
	case 2:
		lines = append(beside(cells, looks, changes), words...)
	default:
		lines = beside(cells, looks, changes, words)
	}
	return scrolledTo(m.theme, lines, m.helpScroll, height)
}

func beside(cells int, blocks ...[]string) []string {
	rows := 0
	for _, b := range blocks {
		rows = max(rows, len(b))
	}
	for i, b := range blocks {
		blocks[i] = widget.Block(b, cells, rows)
	}
	return widget.Beside(blocks...)
}

func (m model) helpKeys(cells int) (looks, changes []string) {
	looks = []string{m.theme.Paint(theme.Title, " LOOK: nothing here changes anything")}
	head := " CHANGE: always asked first"
	if m.refuse() != "" {
		head = " CHANGE, off: " + m.off()
	}
	changes = []string{m.theme.Paint(theme.Title, text.Cut(head, cells, m.theme.Glyphs.Ellipsis))}
	for _, l := range m.keys.Lines() {
		if l.Change {
			changes = append(changes, " "+text.Fill(m.theme.Paint(theme.Head, l.Keys), 3, "")+" "+l.Text)
			continue
		}
		looks = append(looks, " "+text.Fill(m.theme.Paint(theme.Head, l.Keys), 11, "")+" "+l.Text)
	}
	return looks, changes
}

func (m model) helpSigns() []string {
	g := m.theme.Glyphs
	return []string{
		m.theme.Paint(theme.Title, " SIGNS"),
		" !   needs a look",
		" " + g.Unknown + "   not known, never 0",
		" " + g.Few + "   a P99 of fewer than 100",
		" " + g.Frozen + "   paused   " + g.Mark + " marked",
		" " + g.Up + " " + g.Down + " grows, shrinks; order",
	}
}

func (m model) helpWords(cells int) (lines []string) {
	lines = []string{m.theme.Paint(theme.Title, " WORDS")}
	for _, note := range []string{
		"SCHED waits for its time. RETRY: of these, tried before. HELD: kept back. UNCERT: perhaps sent, never again by itself.",
		"IN/s OUT/s: averages of the last minute. DRAINS: until READY is empty.",
		"wait: ready to start. run: start to outcome. end to end: created to final. n: how many.",
		"P95: of the wait at the top, in Queues and Orgs; of the response in SLA; in Latency of the time that is named.",
		"DIAL: the share that travels by Redis.",
		"order held: rows keep their places for 3s after the cursor has moved.",
		"silent: no heartbeat for 10s.",
	} {
		lines = append(lines, screen.Wrap(" ", note, cells-1)...)
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines
}
