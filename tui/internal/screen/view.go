package screen

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
)

// View is one of the nine views. Implementations are pointers that the root
// copies before it changes them, so that a model that is drawn never changes.
type View interface { //nolint:interfacebloat // It is what the root asks of all nine.
	// Name is its word: on the tab, in the command line, in --help.
	Name() string
	// Set takes a fresh picture.
	Set(t admin.Top, now time.Time)
	// Do applies an action and reports whether it means anything here.
	Do(action keys.Action, now time.Time, page int) bool
	// Lines draws at most height lines of at most width cells.
	Lines(th theme.Theme, width, height int) []string
	// Said is the right end of the context line: order, window, counts.
	Said(th theme.Theme, now time.Time) string
	// Spoken are the rows in words, and their ids.
	Spoken(th theme.Theme) (ids, words []string)
	// Point puts the cursor on a row, if it is there.
	Point(id string)
	// Cursor is the id under the cursor, "" for none; Marks are the marked ones.
	Cursor() string
	Marks() []string
	// Await says which rows of the view of a name change just now; nil: none.
	Await(view string, ids map[string]bool)
	// Find narrows the rows to those that hold a text; empty: all.
	Find(text string, now time.Time)
	// Orders are the words the rows can be sorted by, and which of them it is now;
	// Order chooses one.
	Orders() (words []string, at int)
	Order(i int, now time.Time)
	// Seek puts the cursor on the next row that holds a text, forth or back.
	Seek(text string, step int, now time.Time) bool
	// Rows is how many rows are shown, of how many.
	Rows() (shown, all int)
	// Clone returns a copy that may be changed.
	Clone() View
}

// page is what all views that are one table with something below share.
type page[T any] struct {
	list[T]

	name   string
	detail func(th theme.Theme, selected T, width, height int) []string
	top    admin.Top
	alone  bool // the table has all of a wide screen
	pick   func(t admin.Top) []T
	empty  string                 // what it says without rows
	legend string                 // of what its percentiles are; empty: it has none
	jobs   func(T) admin.Selector // behind a row; nil: none
}

// Behind returns the selector of the jobs behind the row under the cursor.
func (p *page[T]) Behind() (admin.Selector, bool) {
	row, ok := p.selected()
	if !ok || p.jobs == nil {
		return admin.Selector{}, false
	}
	return p.jobs(row), true
}

func (p *page[T]) Name() string { return p.name }

func (p *page[T]) Set(t admin.Top, now time.Time) {
	p.top = t
	p.set(p.pick(t), now)
}

func (p *page[T]) Do(action keys.Action, now time.Time, height int) bool {
	if action == keys.Detail {
		p.alone = !p.alone
		return true
	}
	return p.do(action, now, height)
}

func (p *page[T]) Lines(th theme.Theme, width, height int) []string {
	if len(p.rows) == 0 {
		says := p.empty
		if p.filter != "" {
			says = fmt.Sprintf("None of %d rows matches %q: Esc shows all again.", len(p.all), p.filter)
		}
		return append([]string{""}, Wrap(" ", says, width)...)
	}
	at := p.place(th, width, height)
	lines := at.table.View(th, at.width, at.height)
	selected, ok := p.selected()
	switch {
	case at.pane > 0 && ok:
		detail := p.detail(th, selected, at.pane-2, height-2)
		return widget.Beside(
			widget.Panel(th, strings.ToUpper(p.name), true, lines, width-at.pane, height),
			widget.Panel(th, "", false, detail, at.pane, height))
	case len(at.detail) > 0:
		return append(append(lines, ""), at.detail...)
	}
	return lines
}

// paneFrom is from where the row under the cursor has a pane beside the table.
const paneFrom = 140

// paned reports whether it has.
func (p *page[T]) paned(width int) bool { return width >= paneFrom && p.detail != nil && !p.alone }

// placing is where the parts of a page are. The table is inside a frame if there
// is a pane; below is the room under it.
type placing struct {
	table         widget.Table
	width, height int
	pane, below   int
	detail        []string // what is below
}

func (p *page[T]) place(th theme.Theme, width, height int) placing {
	at := placing{table: p.table(th), width: width, height: height}
	switch {
	case p.paned(width) && height > minBelow+4:
		at.pane = max(width*3/8, 58)
		at.width, at.height = width-at.pane-2, height-2
	case p.detail != nil && !p.alone && height >= minBelow+4:
		at.below = max(height-min(at.table.MostLines(), height/2)-1, minBelow)
		if selected, ok := p.selected(); ok { // it takes what it draws, and the rows have the rest
			at.detail = p.detail(th, selected, width, at.below)
			at.below = min(len(at.detail), at.below)
			at.detail = at.detail[:at.below]
		}
		at.height = max(height-at.below-1, 3)
	}
	return at
}

// Click puts the cursor on the row that is drawn at x and y, or sorts by the
// column whose title is there.
func (p *page[T]) Click(th theme.Theme, width, height, x, y int, now time.Time) {
	at := p.place(th, width, height)
	if at.pane > 0 {
		x, y = x-1, y-1
	}
	if x < 0 || x >= at.width || y < 0 || y >= at.height || len(p.rows) == 0 {
		return
	}
	row, column := at.table.Hit(at.width, at.height, x, y)
	switch {
	case row >= 0:
		p.cursor, p.moved = p.id(p.rows[row]), now
	case column >= 0:
		p.orderBy(p.columns[column].name, now)
	}
}

// bare draws the table alone, for a panel.
func (p *page[T]) bare(th theme.Theme, width, height int, cursor bool) []string {
	if len(p.rows) == 0 {
		return []string{" " + p.empty}
	}
	t := p.table(th)
	t.Scroll = 0
	if !cursor {
		t.Cursor, t.Current = "", -1
	}
	return t.View(th, width, height)
}

// minBelow is how many lines the part under a table needs at least.
const minBelow = 3

// Orders are the words a table can be sorted by, the server's own order first,
// and which of them it is.
func (p *page[T]) Orders() (words []string, at int) {
	words = []string{"worst first"}
	for _, c := range p.sortable() {
		words = append(words, c.name)
	}
	return words, p.order
}

// Order sorts by the word that Orders has at i.
func (p *page[T]) Order(i int, now time.Time) { p.reorder(i, false, now) }

// Seek puts the cursor on the next row that holds a text, forth or back.
func (p *page[T]) Seek(what string, step int, now time.Time) bool { return p.seek(what, step, now) }

func (p *page[T]) Said(th theme.Theme, now time.Time) string {
	if p.legend != "" {
		return p.said(th, now) + "  " + p.legend
	}
	return p.said(th, now)
}

func (p *page[T]) Cursor() string { return p.cursor }

// Spoken are the rows in words: the name, then the titles and figures that have
// room on a narrow screen too.
func (p *page[T]) Spoken(th theme.Theme) (ids, words []string) {
	for _, row := range p.rows {
		var said []string
		for i, c := range p.columns {
			cell := c.cell(row, th.Glyphs)
			switch {
			case cell.Text == "" || c.Rank > mostSpoken:
			case i == 0:
				said = append(said, cell.Text)
			default:
				said = append(said, strings.ToLower(c.Key())+" "+strings.Replace(cell.Text, th.Glyphs.Unknown, "not known", 1))
			}
		}
		ids, words = append(ids, p.id(row)), append(words, strings.Join(said, ", "))
	}
	return ids, words
}

// mostSpoken is the rank of the last columns that are said.
const mostSpoken = 2

// Point puts the cursor on a row, if it is there.
func (p *page[T]) Point(id string) {
	if slices.Contains(p.ids(), id) {
		p.cursor = id
	}
}

func (p *page[T]) Marks() []string {
	if len(p.marks) == 0 {
		return nil
	}
	return slices.DeleteFunc(p.ids(), func(id string) bool { return !p.marks[id] })
}

// Await says which rows change just now, if it is this view's.
func (p *page[T]) Await(view string, ids map[string]bool) {
	if view == p.name {
		p.awaited = ids
	}
}

func (p *page[T]) Find(text string, now time.Time) {
	p.filter = text
	p.arrange(now)
}

func (p *page[T]) Rows() (shown, all int) { return len(p.rows), len(p.all) }

func (p *page[T]) Clone() View {
	c := *p
	return &c
}
