package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// picker chooses what the rows are sorted by. The zero value is closed.
type picker struct {
	words []string
	at    int
}

func (p picker) open() bool { return len(p.words) > 0 }

func (m model) pickOrder() model {
	m.picker.words, m.picker.at = m.view().Orders()
	return m
}

// takePick is a key while the picker is open: it moves, chooses or closes.
func (m model) takePick(msg tea.KeyMsg) (tea.Model, tea.Cmd) {
	b, _ := m.keys.Lookup(msg.String())
	p, last := &m.picker, len(m.picker.words)-1
	switch b.Action {
	case keys.Down, keys.Sort, keys.NextView:
		p.at = min(p.at+1, last)
	case keys.Up, keys.PrevView:
		p.at = max(p.at-1, 0)
	case keys.First:
		p.at = 0
	case keys.Last:
		p.at = last
	case keys.Open:
		at := p.at
		m.picker = picker{}
		m, v := m.change(m.at)
		v.Order(at, m.now)
		return m, nil
	default:
		m.picker = picker{}
	}
	return m, nil
}

// draw is the list in the middle of the body.
func (p picker) draw(th theme.Theme, width, height int) []string {
	wide := len("SORT BY") + 8
	for _, w := range p.words {
		wide = max(wide, text.Width(w)+6)
	}
	wide = min(wide, width)
	room := max(min(len(p.words), height-2), 1)
	first := min(max(p.at-room+1, 0), len(p.words)-room)
	var lines []string
	for i, w := range p.words[first : first+room] {
		if first+i == p.at {
			lines = append(lines, th.Paint(theme.Cursor, th.Glyphs.Cursor+w))
			continue
		}
		lines = append(lines, " "+w)
	}
	return center(widget.Panel(th, "SORT BY", true, lines, wide, min(room+2, height)), width, height, wide)
}
