package screen

import (
	"slices"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// timing is one row of latencies: a job type or an org.
type timing struct {
	id, name string
	windows  map[string]admin.TopTimes
	past     []*float64 // P95, newest last
}

// latencies is the page of the three times by job type or org.
type latencies struct {
	page[timing]

	byOrg  bool
	metric int // of metrics()
	window int // of admin.TopWindows()
	series *admin.TopSeries
}

// metrics are the three times; what they mean is in the help.
func metrics() []string { return []string{"end to end", "wait", "run"} }

// NewLatency returns the view of percentiles: the slowest first.
func NewLatency() View {
	l := &latencies{window: 1}
	l.page = page[timing]{
		name: "Latency", empty: "Nothing has run yet.",
		list: list[timing]{id: func(t timing) string { return t.id }, text: func(t timing) string { return t.name }},
	}
	l.wire()
	return l
}

// wire ties the parts that read this view's own choices to this copy of it.
func (l *latencies) wire() {
	l.pick, l.detail, l.columns = l.rowsOf, l.sheet, l.columnsOf()
	l.jobs = func(t timing) admin.Selector {
		if l.byOrg {
			return admin.Selector{Org: []string{t.name}}
		}
		return admin.Selector{Type: []string{t.name}}
	}
}

func (l *latencies) rowsOf(t admin.Top) (rows []timing) {
	if l.byOrg {
		for _, o := range t.Orgs {
			rows = append(rows, timing{id: o.ID, name: o.Name, windows: o.Windows})
		}
	} else {
		for _, y := range t.Types {
			row := timing{id: y.ID, name: y.Name, windows: y.Windows}
			if l.series != nil {
				row.past = l.series.Types[y.ID]
			}
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, func(a, b timing) int { // the slowest first, unknown last
		c := column[timing]{value: func(t timing) *float64 { return l.of(t).P95MS }}
		return c.compare(a, b, false)
	})
	return rows
}

// of returns the chosen time in the chosen window.
func (l *latencies) of(t timing) admin.Triple {
	times := t.windows[admin.TopWindows()[l.window]]
	switch l.metric {
	case 1:
		return times.Wait
	case 2:
		return times.Run
	}
	return times.E2E
}

// samples is how many there are of it; nil: the picture does not have the window.
func (l *latencies) samples(t timing) *int64 {
	if _, known := t.windows[admin.TopWindows()[l.window]]; !known {
		return nil
	}
	return new(l.of(t).N)
}

func (l *latencies) columnsOf() []column[timing] {
	title := "TYPE"
	if l.byOrg {
		title = "ORG"
	}
	p := func(title string, rank int, of func(admin.Triple) *float64) column[timing] {
		return number(title, title, 7, rank, func(t timing) *float64 { return of(l.of(t)) },
			func(t timing, g theme.Glyphs) widget.Cell { return millis(of(l.of(t)), g) })
	}
	p99 := p("P99", 1, func(t admin.Triple) *float64 { return t.P99MS })
	p99.cell = func(t timing, g theme.Glyphs) widget.Cell { return tail(l.of(t), g) }
	columns := []column[timing]{
		named(title, "name", 16, 28, 0, func(t timing) string { return t.name }, nil),
		number("n", "n", 6, 2, func(t timing) *float64 { return float(l.samples(t)) },
			func(t timing, g theme.Glyphs) widget.Cell { return counter(l.samples(t), g) }),
		p("P50", 0, func(t admin.Triple) *float64 { return t.P50MS }),
		p("P95", 0, func(t admin.Triple) *float64 { return t.P95MS }),
		p99,
		number("P95 WAIT", "", 8, 4, nil, func(t timing, g theme.Glyphs) widget.Cell { return millis(l.times(t).Wait.P95MS, g) }),
		number("P95 RUN", "", 8, 5, nil, func(t timing, g theme.Glyphs) widget.Cell { return millis(l.times(t).Run.P95MS, g) }),
	}
	if !l.byOrg {
		columns = append(columns, column[timing]{
			Column: widget.Column{Title: "P95 10m", Width: 12, Most: 30, Rank: 3},
			cell:   func(t timing, g theme.Glyphs) widget.Cell { return spark(t.past, g) },
		})
	}
	return columns
}

func (l *latencies) times(t timing) admin.TopTimes { return t.windows[admin.TopWindows()[l.window]] }

func (l *latencies) Set(t admin.Top, now time.Time) {
	if t.Series != nil {
		l.series = t.Series
	}
	l.page.Set(t, now)
}

// Do also turns the window, the metric and what the rows are.
func (l *latencies) Do(action keys.Action, now time.Time, height int) bool {
	switch action {
	case keys.Window:
		l.window = (l.window + 1) % len(admin.TopWindows())
	case keys.Metric:
		l.metric = (l.metric + 1) % len(metrics())
	case keys.By:
		l.byOrg, l.order, l.marks = !l.byOrg, 0, nil
	default:
		return l.page.Do(action, now, height)
	}
	l.wire()
	l.moved = time.Time{}
	l.page.Set(l.top, now)
	return true
}

// Turn chooses a window by its word.
func (l *latencies) Turn(window string) bool {
	at := slices.Index(admin.TopWindows(), window)
	if at >= 0 {
		l.window = at
		l.wire()
	}
	return at >= 0
}

// Spread names the row under the cursor and what is shown of it, for the question
// how its times are spread.
func (l *latencies) Spread() (name, window string, byOrg, ok bool) {
	row, ok := l.selected()
	return row.name, admin.TopWindows()[l.window], l.byOrg, ok
}

func (l *latencies) Said(th theme.Theme, now time.Time) string {
	by := "by type"
	if l.byOrg {
		by = "by org"
	}
	window := admin.TopWindows()[l.window]
	if l.byOrg && window == ofTypesOnly {
		window += ": Enter"
	}
	return by + "  " + metrics()[l.metric] + "  last " + window + "  " + l.said(th, now)
}

func (l *latencies) Clone() View {
	c := *l
	c.wire()
	return &c
}

// sheet compares all windows and times of the row under the cursor.
func (l *latencies) sheet(th theme.Theme, t timing, width, height int) []string {
	says := "P50 P95 P99 of the three times"
	if l.byOrg && l.samples(t) == nil {
		says = "Enter: its last " + admin.TopWindows()[l.window]
	}
	lines := []string{widget.Line(th, width, "  ", widget.Segment{Text: " " + t.name, Role: theme.Title}, widget.Segment{Text: says, Role: theme.Dim})}
	lines = append(lines, windowLines(th, t.windows, width, height-1)...)
	if l.series == nil {
		return lines
	}
	return append(lines, past(th, t.past, l.series.StepMS, "P95 end to end", width, height-len(lines), text.Millis)...)
}

// ofTypesOnly is the window that pictures have of job types and not of orgs, whose
// days are read one by one.
const ofTypesOnly = "24h"

// windowLines is a table of the three times over all windows; where there is
// little room the end to end stays. A window that is not known is a dash.
func windowLines(th theme.Theme, windows map[string]admin.TopTimes, width, height int) []string {
	table := widget.Table{Columns: []widget.Column{{Title: "WINDOW", Width: 6}}}
	for i, group := range []string{"wait", "run", "end to end"} {
		for _, title := range []string{"P50", "P95", "P99"} {
			table.Columns = append(table.Columns, widget.Column{Group: group, Title: title, Width: 7, Right: true, Rank: []int{1, 2, 0}[i]})
		}
	}
	table.Columns = append(table.Columns, widget.Column{Title: "n", Width: 6, Right: true, Rank: 3})
	for _, w := range admin.TopWindows() {
		times, known := windows[w]
		if !known && w == ofTypesOnly {
			continue
		}
		row := widget.Row{ID: w, Cells: []widget.Cell{plain(w)}}
		for _, triple := range []admin.Triple{times.Wait, times.Run, times.E2E} {
			row.Cells = append(row.Cells, millis(triple.P50MS, th.Glyphs), millis(triple.P95MS, th.Glyphs), tail(triple, th.Glyphs))
		}
		var n *int64
		if known {
			n = &times.E2E.N
		}
		row.Cells = append(row.Cells, counter(n, th.Glyphs))
		table.Rows = append(table.Rows, row)
	}
	return table.View(th, width, min(table.MostLines()+1, max(height, 0)))
}
