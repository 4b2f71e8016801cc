package screen

import (
	"slices"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/theme"
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
	// Cursor is the id under the cursor, "" for none; Marks are the marked ones.
	Cursor() string
	Marks() []string
	// Find narrows the rows to those that hold a text; empty: all.
	Find(text string, now time.Time)
	// Rows is how many rows are shown, of how many.
	Rows() (shown, all int)
	// Clone returns a copy that may be changed.
	Clone() View
}

// page is what all views that are one table with something below share.
type page[T any] struct {
	list[T]

	name  string
	below func(th theme.Theme, selected T, width, height int) []string
	top   admin.Top
	pick  func(t admin.Top) []T
	empty string                 // what it says without rows
	jobs  func(T) admin.Selector // behind a row; nil: none
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
	return p.do(action, now, height)
}

func (p *page[T]) Lines(th theme.Theme, width, height int) []string {
	if len(p.rows) == 0 {
		if p.filter != "" {
			return []string{"", " Nothing here holds \"" + p.filter + "\": Esc shows all again."}
		}
		return []string{"", " " + p.empty}
	}
	t := p.table(th)
	room := height
	var below []string
	if selected, ok := p.selected(); ok && p.below != nil && height >= minBelow+4 {
		below = p.below(th, selected, width, max(height-min(t.MostLines(), height/2)-1, minBelow))
		room = max(height-len(below)-1, 3)
	}
	lines := t.View(th, width, room)
	if len(below) > 0 {
		lines = append(append(lines, ""), below...)
	}
	return lines
}

// bare draws the table alone, for a panel.
func (p *page[T]) bare(th theme.Theme, width, height int, cursor bool) []string {
	if len(p.rows) == 0 {
		return []string{" " + p.empty}
	}
	t := p.table(th)
	if !cursor {
		t.Cursor, t.Current = "", -1
	}
	return t.View(th, width, height)
}

// minBelow is how many lines the part under a table needs at least.
const minBelow = 3

func (p *page[T]) Said(th theme.Theme, now time.Time) string { return p.said(th, now) }

func (p *page[T]) Cursor() string { return p.cursor }

func (p *page[T]) Marks() []string {
	if len(p.marks) == 0 {
		return nil
	}
	return slices.DeleteFunc(p.ids(), func(id string) bool { return !p.marks[id] })
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
