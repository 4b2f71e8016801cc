package screen

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
)

// column is one column of a table of T: how it looks and, if it has a name, how
// it sorts. Value returns nil for what is not known, which always comes last;
// without a value the word decides.
type column[T any] struct {
	widget.Column

	cell      func(T, theme.Glyphs) widget.Cell
	name      string
	ascending bool
	value     func(T) *float64
	word      func(T) string
}

// list is a table with a cursor, an order, a filter and marks. All of them
// belong to ids, never to row numbers. Order 0 is the server's own: worst first.
type list[T any] struct {
	columns []column[T]
	id      func(T) string
	text    func(T) string // what a filter looks into

	all, rows []T // as they came; as they are drawn
	cursor    string
	order     int
	inverse   bool
	moved     time.Time
	filter    string
	scroll    int // columns after the first that are scrolled away
	fresh     int // rows that have come while the order is held
	marks     map[string]bool
	awaited   map[string]bool // ids of rows whose change has not come yet
}

// set takes the rows of a fresh picture. Values change in place; the order
// follows unless it is held. Marks of what has gone go too.
func (l *list[T]) set(rows []T, now time.Time) {
	l.all = rows
	if len(l.marks) > 0 {
		kept := map[string]bool{} // a new one: an older model may still draw the marks
		for _, r := range rows {
			if id := l.id(r); l.marks[id] {
				kept[id] = true
			}
		}
		l.marks = kept
	}
	l.arrange(now)
}

// arrange filters and sorts, and keeps the cursor on its id, or near where it
// was.
func (l *list[T]) arrange(now time.Time) {
	before := l.ids()
	at := slices.Index(before, l.cursor)
	l.fresh = 0
	l.rows = slices.Clone(l.all)
	if terms := l.terms(); len(terms) > 0 {
		l.rows = slices.DeleteFunc(l.rows, func(r T) bool { return !l.matches(r, terms) })
	}
	if l.held(now) {
		place := map[string]int{}
		for i, id := range before {
			place[id] = i + 1
		}
		for _, r := range l.rows {
			if place[l.id(r)] == 0 {
				l.fresh++
			}
		}
		slices.SortStableFunc(l.rows, func(a, b T) int {
			return cmp.Compare(cmp.Or(place[l.id(a)], len(before)+1), cmp.Or(place[l.id(b)], len(before)+1))
		})
	} else if c, ok := l.sorted(); ok {
		slices.SortStableFunc(l.rows, func(a, b T) int { return c.compare(a, b, l.inverse) })
	} else if l.inverse {
		slices.Reverse(l.rows)
	}
	if ids := l.ids(); !slices.Contains(ids, l.cursor) {
		l.cursor = ""
		if len(ids) > 0 {
			l.cursor = ids[min(max(at, 0), len(ids)-1)]
		}
	}
}

func (c column[T]) compare(a, b T, inverse bool) int {
	ascending := c.ascending != inverse
	if c.value == nil {
		return signed(strings.Compare(c.word(a), c.word(b)), ascending)
	}
	x, y := c.value(a), c.value(b)
	switch {
	case x == nil && y == nil:
		return 0
	case x == nil:
		return 1
	case y == nil:
		return -1
	}
	return signed(cmp.Compare(*x, *y), ascending)
}

// sortable are the columns with a name, in the order the key walks them.
func (l *list[T]) sortable() []column[T] {
	return slices.DeleteFunc(slices.Clone(l.columns), func(c column[T]) bool { return c.name == "" })
}

func (l *list[T]) sorted() (c column[T], ok bool) {
	if l.order == 0 {
		return c, false
	}
	return l.sortable()[l.order-1], true
}

// do applies an action that concerns the table and reports whether it did. Page
// is how many rows a page has.
func (l *list[T]) do(action keys.Action, now time.Time, page int) bool {
	step := map[keys.Action]int{
		keys.Down: 1, keys.Up: -1, keys.First: -len(l.rows), keys.Last: len(l.rows),
		keys.PageDown: max(page/2, 1), keys.PageUp: -max(page/2, 1),
	}[action]
	orders := len(l.sortable()) + 1
	switch {
	case step != 0:
		l.move(step)
		l.moved = now
	case action == keys.SortNext:
		l.reorder((l.order+1)%orders, false, now)
	case action == keys.SortPrev:
		l.reorder((l.order+orders-1)%orders, false, now)
	case action == keys.Invert:
		l.reorder(l.order, !l.inverse, now)
	case action == keys.Left:
		l.scroll = max(l.scroll-1, 0)
	case action == keys.Right:
		l.scroll = min(l.scroll+1, max(len(l.columns)-2, 0))
	case action == keys.Mark:
		l.mark()
		l.move(1)
		l.moved = now
	case action == keys.MarkAll:
		l.marks = maps.Clone(l.marks)
		if l.marks == nil {
			l.marks = map[string]bool{}
		}
		for _, id := range l.ids() {
			l.marks[id] = true
		}
	case action == keys.Unmark:
		l.marks = nil
	default:
		return false
	}
	return true
}

// reorder sorts anew, at once.
func (l *list[T]) reorder(order int, inverse bool, now time.Time) {
	l.order, l.inverse, l.moved = order, inverse, time.Time{}
	l.arrange(now)
}

// orderBy sorts by the column of a word; once more turns it around.
func (l *list[T]) orderBy(word string, now time.Time) {
	at := 1 + slices.IndexFunc(l.sortable(), func(c column[T]) bool { return c.name == word })
	if at > 0 {
		l.reorder(at, at == l.order && !l.inverse, now)
	}
}

// seek puts the cursor on the next row that holds a text, and reports whether
// there is one.
func (l *list[T]) seek(what string, step int, now time.Time) bool {
	for i := range l.rows {
		n := len(l.rows)
		row := l.rows[((l.index()+step*(i+1))%n+n)%n]
		if strings.Contains(strings.ToLower(l.text(row)), strings.ToLower(what)) {
			l.cursor, l.moved = l.id(row), now
			return true
		}
	}
	return false
}

func (l *list[T]) mark() {
	if l.cursor != "" {
		l.setMark(l.cursor, !l.marks[l.cursor])
	}
}

// setMark never writes into a map that an older model still draws.
func (l *list[T]) setMark(id string, on bool) {
	marks := make(map[string]bool, len(l.marks)+1)
	for other := range l.marks {
		marks[other] = true
	}
	if on {
		marks[id] = true
	} else {
		delete(marks, id)
	}
	l.marks = marks
}

func (l *list[T]) move(step int) {
	if len(l.rows) > 0 {
		l.cursor = l.id(l.rows[min(max(l.index()+step, 0), len(l.rows)-1)])
	}
}

// index is where the cursor is; -1: nowhere.
func (l *list[T]) index() int {
	return slices.IndexFunc(l.rows, func(r T) bool { return l.id(r) == l.cursor })
}

func (l *list[T]) ids() []string {
	ids := make([]string, 0, len(l.rows))
	for _, r := range l.rows {
		ids = append(ids, l.id(r))
	}
	return ids
}

// held reports whether the order is held because the cursor has just moved.
func (l *list[T]) held(now time.Time) bool {
	return !l.moved.IsZero() && now.Sub(l.moved) < orderHeld
}

// selected returns the row under the cursor.
func (l *list[T]) selected() (row T, ok bool) {
	if at := l.index(); at >= 0 {
		return l.rows[at], true
	}
	return row, false
}

// said says how the table is sorted.
func (l *list[T]) said(th theme.Theme, now time.Time) string {
	c, ok := l.sorted()
	switch {
	case l.held(now) && l.fresh > 0:
		return fmt.Sprintf("order held, +%d new", l.fresh)
	case l.held(now):
		return "order held"
	case ok:
		return "sort " + c.name + l.arrow(th)
	case l.inverse:
		return "best first"
	}
	return "worst first"
}

func (l *list[T]) arrow(th theme.Theme) string {
	if c, ok := l.sorted(); ok && c.ascending != l.inverse {
		return th.Glyphs.Up
	}
	return th.Glyphs.Down
}

// table is what is drawn.
func (l *list[T]) table(th theme.Theme) widget.Table {
	t := widget.Table{Scroll: l.scroll, Cursor: l.cursor, Mark: l.arrow(th), Marked: l.marks, Awaited: l.awaited, Count: len(l.rows), Current: l.index()}
	for _, c := range l.columns {
		t.Columns = append(t.Columns, c.Column)
	}
	if c, ok := l.sorted(); ok {
		t.Sorted = c.Key()
	}
	rows, columns := l.rows, l.columns
	t.At = func(i int) widget.Row {
		row := widget.Row{ID: l.id(rows[i]), Cells: make([]widget.Cell, len(columns))}
		for n, c := range columns {
			row.Cells[n] = c.cell(rows[i], th.Glyphs)
		}
		return row
	}
	return t
}
