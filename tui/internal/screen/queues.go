// Package screen holds one model per view of the terminal interface: its rows,
// its cursor, its order, and how they look. It refuses input and output: data
// and keys come from the root model, lines go back to it.
package screen

import (
	"cmp"
	"slices"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
)

// orderHeld is how long rows stay where they are after the cursor moved: rows
// that jump while somebody aims are how the wrong one gets hit.
const orderHeld = 3 * time.Second

// Queues is the table of queues. The cursor belongs to an id, never to a row
// number. The zero value is an empty table, worst first.
type Queues struct {
	rows    []admin.Queue // in the order they are drawn
	cursor  string
	sort    int
	inverse bool
	moved   time.Time
}

// SetData takes the queues of a fresh answer, in the server's order. Values
// change in place; the order follows unless it is held.
func (q *Queues) SetData(queues []admin.Queue, now time.Time) {
	before := q.ids()
	at := slices.Index(before, q.cursor)
	q.rows = slices.Clone(queues)
	q.arrange(before, now)
	if ids := q.ids(); !slices.Contains(ids, q.cursor) {
		q.cursor = ""
		if len(ids) > 0 {
			q.cursor = ids[min(max(at, 0), len(ids)-1)]
		}
	}
}

// Do applies an action that concerns the table. Page is how many rows a page
// has.
func (q *Queues) Do(action keys.Action, now time.Time, page int) {
	step := map[keys.Action]int{
		keys.Down: 1, keys.Up: -1, keys.First: -len(q.rows), keys.Last: len(q.rows),
		keys.PageDown: max(page/2, 1), keys.PageUp: -max(page/2, 1),
	}[action]
	switch {
	case step != 0:
		q.move(step)
		q.moved = now
		return
	case action == keys.SortNext:
		q.sort, q.inverse = (q.sort+1)%len(orders()), false
	case action == keys.SortPrev:
		q.sort, q.inverse = (q.sort+len(orders())-1)%len(orders()), false
	case action == keys.Invert:
		q.inverse = !q.inverse
	default:
		return
	}
	q.moved = time.Time{}
	q.arrange(nil, now)
}

// Cursor returns the id the cursor is on, "" in an empty table.
func (q *Queues) Cursor() string { return q.cursor }

// Len returns the number of queues.
func (q *Queues) Len() int { return len(q.rows) }

// Held reports whether the order is held because the cursor has just moved.
func (q *Queues) Held(now time.Time) bool {
	return !q.moved.IsZero() && now.Sub(q.moved) < orderHeld
}

// Order says how the table is sorted.
func (q *Queues) Order(th theme.Theme) string {
	o := orders()[q.sort]
	if o.key == "" && !q.inverse {
		return o.name
	}
	return "sort " + o.name + q.mark(th)
}

// Selected returns the queue under the cursor.
func (q *Queues) Selected() (admin.Queue, bool) {
	for _, row := range q.rows {
		if idOf(row) == q.cursor {
			return row, true
		}
	}
	return admin.Queue{}, false
}

// View draws the table in at most height lines of at most width cells.
func (q *Queues) View(th theme.Theme, width, height int) []string {
	return q.table(th).View(th, width, height)
}

func (q *Queues) table(th theme.Theme) widget.Table {
	t := widget.Table{Columns: queueColumns(), Cursor: q.cursor, Sorted: orders()[q.sort].key, Mark: q.mark(th)}
	for _, row := range q.rows {
		t.Rows = append(t.Rows, QueueRow(row, th.Glyphs))
	}
	return t
}

// Text draws the whole table as text: every row, and no cursor.
func (q *Queues) Text(th theme.Theme, width int) []string {
	t := q.table(th)
	t.Cursor = ""
	return t.View(th, width, t.MostLines())
}

func (q *Queues) mark(th theme.Theme) string {
	if orders()[q.sort].ascending != q.inverse {
		return th.Glyphs.Up
	}
	return th.Glyphs.Down
}

func (q *Queues) ids() []string {
	ids := make([]string, 0, len(q.rows))
	for _, row := range q.rows {
		ids = append(ids, idOf(row))
	}
	return ids
}

func (q *Queues) move(step int) {
	ids := q.ids()
	if len(ids) == 0 {
		return
	}
	at := slices.Index(ids, q.cursor)
	q.cursor = ids[min(max(at+step, 0), len(ids)-1)]
}

// arrange sorts the rows, or keeps the order they had before while it is held;
// new rows then go to the end.
func (q *Queues) arrange(before []string, now time.Time) {
	if q.Held(now) {
		place := func(row admin.Queue) int {
			if at := slices.Index(before, idOf(row)); at >= 0 {
				return at
			}
			return len(before)
		}
		slices.SortStableFunc(q.rows, func(a, b admin.Queue) int { return cmp.Compare(place(a), place(b)) })
		return
	}
	order := orders()[q.sort]
	slices.SortStableFunc(q.rows, func(a, b admin.Queue) int { return order.compare(a, b, q.inverse) })
}

func idOf(q admin.Queue) string { return cmp.Or(q.ID, q.Name) }
