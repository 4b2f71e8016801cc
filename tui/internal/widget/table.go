package widget

import (
	"slices"
	"strconv"
	"strings"

	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/text"
)

// Column is one column of a Table. Width is in cells; a Flex column takes what
// is left, from Width up to Most. Columns with the highest Rank are dropped
// first; Rank 0 always stays. Neighbours with the same Group share a heading
// above their titles.
type Column struct {
	Title string
	Group string
	Width int
	Most  int
	Right bool
	Rank  int
}

// Cell is a text with its role. Draw, if there is one, makes the text for the
// width that the column got.
type Cell struct {
	Text string
	Role theme.Role
	Draw func(cells int) string
}

// Row is one row; ID is what the cursor holds on to.
type Row struct {
	ID    string
	Cells []Cell
}

// Table draws the part of its rows that fits around the cursor. The rows are
// Rows, or Count of them that At makes one by one, so that what is out of sight
// costs nothing; the cursor is then on row Current.
type Table struct {
	Columns []Column
	Rows    []Row
	Count   int
	At      func(i int) Row
	Current int             // -1: none
	Cursor  string          // id of a row; empty: none
	Sorted  string          // title and group, as Key gives them, of the sorted column
	Mark    string          // the sign beside the title of the sorted column
	Marked  map[string]bool // ids
	Awaited map[string]bool // ids of rows whose change has not come yet
	Scroll  int             // columns after the first that are scrolled away; then none is dropped for its Rank
}

// Key names a column: its group and title.
func (c Column) Key() string { return strings.TrimSpace(c.Group + " " + c.Title) }

// MostLines is how many lines View draws if it may.
func (t Table) MostLines() int { return t.count() + 2 }

func (t Table) count() int {
	if t.At == nil {
		return len(t.Rows)
	}
	return t.Count
}

func (t Table) at(i int) Row {
	if t.At == nil {
		return t.Rows[i]
	}
	return t.At(i)
}

// View returns at most height lines of at most width cells. If not all rows
// have room, the last line says how many are missing.
func (t Table) View(th theme.Theme, width, height int) []string {
	shown := t.fit(width)
	var lines []string
	if grouped(shown) {
		lines = append(lines, t.groups(th, shown))
	}
	lines = append(lines, t.titles(th, shown))
	first, rows := t.window(height - len(lines))
	for i := range rows {
		lines = append(lines, t.row(th, shown, t.at(first+i)))
	}
	if missing := t.count() - rows; missing > 0 && rows > 0 {
		lines = append(lines, th.Paint(theme.Dim, " + "+strconv.Itoa(missing)+" more"))
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(text.Cut(line, width, ""), " ")
	}
	return lines[:min(len(lines), max(height, 0))]
}

func grouped(shown []placed) bool {
	return slices.ContainsFunc(shown, func(p placed) bool { return p.Group != "" })
}

// window is the row at the top and how many are shown in height lines: the last
// line says how many are missing.
func (t Table) window(height int) (first, rows int) {
	rows = max(height, 0)
	if t.count() > rows && rows > 1 {
		rows--
	}
	return t.first(rows), min(rows, t.count())
}

// Hit returns the row that View draws at x and y, or the column whose title is
// there; -1: neither.
func (t Table) Hit(width, height, x, y int) (row, column int) {
	shown := t.fit(width)
	heads := 1
	if grouped(shown) {
		heads = 2
	}
	first, rows := t.window(height - heads)
	switch {
	case y >= heads && y-heads < rows:
		return first + y - heads, -1
	case y != heads-1:
		return -1, -1
	}
	for _, p := range shown {
		if x -= p.cells + 1; x < 0 {
			return -1, p.at
		}
	}
	return -1, -1
}

// first is the row at the top: the cursor stays in sight.
func (t Table) first(rows int) int {
	at := t.Current
	if t.At == nil {
		at = slices.IndexFunc(t.Rows, func(r Row) bool { return r.ID == t.Cursor })
	}
	return min(max(at-rows+1, 0), max(t.count()-rows, 0))
}

// placed is a column that is shown, with the width it got.
type placed struct {
	Column
	at    int
	cells int
}

// fit drops columns until the rest fits, then hands what is left to the
// columns that may grow.
func (t Table) fit(width int) []placed {
	var shown []placed
	for i, c := range t.Columns {
		if i > 0 && i <= t.Scroll {
			continue
		}
		if t.Scroll > 0 && i > 0 && total(shown)+c.Width+1 > width {
			break
		}
		shown = append(shown, placed{c, i, c.Width})
	}
	for total(shown) > width {
		worst := 0
		for i, p := range shown {
			if p.Rank >= shown[worst].Rank {
				worst = i
			}
		}
		if shown[worst].Rank == 0 {
			break
		}
		shown = slices.Delete(shown, worst, worst+1)
	}
	grow(shown, width-total(shown))
	return shown
}

// grow hands out cells evenly, one by one, to those that may still grow.
func grow(shown []placed, room int) {
	for grown := true; grown; {
		grown = false
		for i := range shown {
			if room > 0 && shown[i].cells < shown[i].Most {
				shown[i].cells++
				room--
				grown = true
			}
		}
	}
}

// total is the width of the columns, each with the blank (or cursor) before it.
func total(shown []placed) int {
	sum := 0
	for _, p := range shown {
		sum += p.cells + 1
	}
	return sum
}

func (t Table) titles(th theme.Theme, shown []placed) string {
	var b strings.Builder
	for _, p := range shown {
		title := p.Title
		if t.Sorted != "" && p.Key() == t.Sorted {
			title += t.Mark
		}
		b.WriteString(" " + th.Paint(theme.Head, align(p, title, "")))
	}
	return b.String()
}

// groups draws the headings that several columns share, each over a rule.
func (t Table) groups(th theme.Theme, shown []placed) string {
	var b strings.Builder
	for i := 0; i < len(shown); {
		group, cells, next := shown[i].Group, 0, i
		for next < len(shown) && shown[next].Group == group {
			cells += shown[next].cells + 1
			next++
		}
		i = next
		if group == "" {
			b.WriteString(text.Fill("", cells, ""))
			continue
		}
		heading := text.Cut(group+" ", cells-1, "")
		rule := strings.Repeat(th.Glyphs.Rule, max(cells-1-text.Width(heading), 0))
		b.WriteString(" " + th.Paint(theme.Dim, heading+rule))
	}
	return b.String()
}

func (t Table) row(th theme.Theme, shown []placed, row Row) string {
	current := t.Cursor != "" && row.ID == t.Cursor
	var b strings.Builder
	for i, p := range shown {
		switch {
		case i == 0 && t.Awaited[row.ID]:
			b.WriteString(th.Paint(theme.Warn, th.Glyphs.Ellipsis))
		case i == 0 && t.Marked[row.ID]:
			b.WriteString(th.Paint(theme.Cursor, th.Glyphs.Mark))
		case i == 0 && current:
			b.WriteString(th.Paint(theme.Cursor, th.Glyphs.Cursor))
		default:
			b.WriteByte(' ')
		}
		var cell Cell
		if p.at < len(row.Cells) {
			cell = row.Cells[p.at]
		}
		if cell.Draw != nil {
			cell.Text = cell.Draw(p.cells)
		}
		if current && cell.Role == theme.Plain {
			cell.Role = theme.Cursor
		}
		b.WriteString(th.Paint(cell.Role, align(p, cell.Text, th.Glyphs.Ellipsis)))
	}
	return b.String()
}

func align(p placed, s, tail string) string {
	if p.Right {
		return text.FillRight(s, p.cells, tail)
	}
	return text.Fill(s, p.cells, tail)
}
