package screen

import (
	"fmt"
	"strings"

	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// fact is one thing that is known of a row: its name and how it looks.
type fact struct {
	name string
	cell widget.Cell
}

// sheet is what is known of the row under the cursor: facts beside each other, as
// many as the width has room for, and sentences below.
type sheet struct {
	title string
	facts []fact
	notes []widget.Segment
}

func (s *sheet) add(name string, cell widget.Cell) { s.facts = append(s.facts, fact{name, cell}) }

// note adds a sentence; an empty one is left out.
func (s *sheet) note(role theme.Role, format string, args ...any) {
	s.notes = append(s.notes, widget.Segment{Text: fmt.Sprintf(format, args...), Role: role})
}

// factCells is how many cells a fact takes: a name, a blank and a value.
const factCells, nameCells = 26, 12

// draw returns the lines of a sheet; facts run down the columns.
func (s *sheet) draw(th theme.Theme, width int) []string {
	lines := []string{widget.Line(th, width, "", widget.Segment{Text: " " + s.title, Role: theme.Title})}
	columns := max(min((width-1)/factCells, (len(s.facts)+1)/2), 1)
	cells := min((width-1)/columns, 2*factCells)
	rows := (len(s.facts) + columns - 1) / columns
	for row := range rows {
		var line strings.Builder
		for at := row; at < len(s.facts); at += rows {
			f := s.facts[at]
			value := text.Fill(f.cell.Text, max(cells-nameCells-1, 1), th.Glyphs.Ellipsis)
			line.WriteString(" " + th.Paint(theme.Dim, text.Fill(f.name, nameCells, "")) + th.Paint(f.cell.Role, value))
		}
		lines = append(lines, strings.TrimRight(text.Cut(line.String(), width, ""), " "))
	}
	for _, n := range s.notes {
		for _, line := range Wrap(" ", n.Text, width) {
			lines = append(lines, th.Paint(n.Role, line))
		}
	}
	return lines
}
