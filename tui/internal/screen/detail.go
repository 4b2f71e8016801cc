package screen

import (
	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// DetailLines is how many lines Detail takes.
const DetailLines = 6

// Detail draws everything known about one queue: also what the table of a
// narrow screen has no room for.
func Detail(th theme.Theme, q admin.Queue, width int) []string {
	g := th.Glyphs
	// What the table above has on a narrow screen goes first.
	count := func(label string, n int64, rank int) widget.Segment {
		return widget.Segment{Text: label + " " + text.Count(n), Rank: rank}
	}
	flag := func(label string, n int64, rank int) widget.Segment {
		s := count(label, n, rank)
		if n > 0 {
			s.Text, s.Role = s.Text+"!", theme.Warn
		}
		return s
	}
	plain := func(s string) widget.Segment { return widget.Segment{Text: s} }
	drains := Drains(q, g)

	lines := []string{
		widget.Line(th, width, "  ", widget.Segment{Text: " " + q.Name, Role: theme.Title}, plain("dial "+dial(q, g)),
			plain("in "+rate(q.InPerS, g)), plain("done "+rate(q.DonePerS, g)+" per second"),
			widget.Segment{Text: "drains " + drains.Text, Role: drains.Role}),
		widget.Line(th, width, "  ", count(" scheduled", q.Scheduled, 0), count("of them retrying", q.Retrying, 3),
			count("ready", q.Ready, 5), count("dispatched", q.Dispatched, 0), count("running", q.Running, 4),
			flag("held", q.Held, 0), flag("uncertain", q.Uncertain, 2), flag("dead", q.Dead, 1)),
	}
	t := widget.Table{Columns: []widget.Column{
		{Title: window(q.Latency), Width: 12},
		{Title: "P50", Width: 7, Right: true},
		{Title: "P95", Width: 7, Right: true},
		{Title: "P99", Width: 7, Right: true, Rank: 1},
		{Title: "n", Width: 6, Right: true, Rank: 2},
	}}
	for _, part := range []struct {
		name string
		p    admin.Percentiles
	}{{"wait", q.Latency.Wait}, {"run", q.Latency.Run}, {"end to end", q.Latency.E2E}} {
		cells := append([]widget.Cell{{Text: part.name}}, percentiles(part.p, g)...)
		t.Rows = append(t.Rows, widget.Row{ID: part.name, Cells: cells})
	}
	return append(lines, t.View(th, width, DetailLines-len(lines))...)
}

// window says of how recent work the times of a queue are; nothing if the
// server does not say.
func window(l admin.Latency) string {
	if l.WindowMS <= 0 {
		return ""
	}
	return "last " + text.Millis(float64(l.WindowMS))
}

// Window says in one line of how recent work the times in the table are; "" if
// no queue says.
func Window(queues []admin.Queue) string {
	for _, q := range queues {
		if w := window(q.Latency); w != "" {
			return "wait and run: " + w
		}
	}
	return ""
}
