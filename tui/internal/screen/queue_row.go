package screen

import (
	"strconv"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
	"github.com/bandeja/inboxd/tui/triage"
)

// enough is how many samples a P99 needs to mean something.
const enough = 100

// queueColumns are the columns of QueueRow. The ranks are what a narrow screen
// gives up: at 80 columns the P95s are left of the percentiles, at 120 all are
// there.
func queueColumns() []widget.Column {
	number := func(title string, width, rank int) widget.Column {
		return widget.Column{Title: title, Width: width, Rank: rank, Right: true}
	}
	latency := func(group, title string, rank int) widget.Column {
		return widget.Column{Group: group, Title: title, Width: 6, Rank: rank, Right: true}
	}
	return []widget.Column{
		{Title: "QUEUE", Width: 13, Most: 24},
		number("READY", 6, 0),
		number("RUN", 5, 3),
		number("RETRY", 6, 4),
		number("DEAD", 6, 1),
		number("UNCERT", 7, 2),
		number("SCHED", 6, 15),
		number("DISP", 6, 17),
		number("HELD", 6, 16),
		number("OLDEST", 7, 0),
		number("IN/s", 6, 12),
		number("DONE/s", 7, 7),
		number("DRAINS", 7, 11),
		latency("wait", "P50", 10), latency("wait", "P95", 5), latency("wait", "P99", 8), latency("wait", "n", 13),
		latency("run", "P50", 10), latency("run", "P95", 6), latency("run", "P99", 9), latency("run", "n", 14),
	}
}

// QueueRow makes the row of a queue. A breach carries a sign, never a colour
// alone.
func QueueRow(q admin.Queue, g theme.Glyphs) widget.Row {
	cells := []widget.Cell{
		{Text: q.Name, Role: nameRole(q)},
		{Text: text.Count(q.Ready)},
		{Text: text.Count(q.Running)},
		{Text: text.Count(q.Retrying)},
		flagged(text.Count(q.Dead), q.Dead > 0, theme.Warn),
		flagged(text.Count(q.Uncertain), q.Uncertain > 0, theme.Warn),
		{Text: text.Count(q.Scheduled)},
		{Text: text.Count(q.Dispatched)},
		flagged(text.Count(q.Held), q.Held > 0, theme.Warn),
		oldest(q, g),
		{Text: rate(q.InPerS, g)},
		{Text: rate(q.DonePerS, g)},
		Drains(q, g),
	}
	cells = append(cells, percentiles(q.Latency.Wait, g)...)
	cells = append(cells, percentiles(q.Latency.Run, g)...)
	return widget.Row{ID: idOf(q), Cells: cells}
}

func nameRole(q admin.Queue) theme.Role {
	if triage.Of(q) == triage.Breach {
		return theme.Crit
	}
	return theme.Plain
}

func flagged(s string, breach bool, role theme.Role) widget.Cell {
	if breach {
		return widget.Cell{Text: s + "!", Role: role}
	}
	return widget.Cell{Text: s}
}

func oldest(q admin.Queue, g theme.Glyphs) widget.Cell {
	if q.OldestReadyMS == nil {
		return widget.Cell{Text: g.Unknown, Role: theme.Dim}
	}
	return flagged(text.Millis(float64(*q.OldestReadyMS)), triage.Old(q), theme.Crit)
}

func rate(perSecond *float64, g theme.Glyphs) string {
	if perSecond == nil {
		return g.Unknown
	}
	return text.Rate(*perSecond)
}

// Drains answers whether it is getting better: how long until the ready jobs
// are gone at the present rates. Less than a second of work is no backlog.
func Drains(q admin.Queue, g theme.Glyphs) widget.Cell {
	switch {
	case q.InPerS == nil || q.DonePerS == nil || q.Ready == 0:
		return widget.Cell{Text: g.Unknown, Role: theme.Dim}
	case float64(q.Ready) <= *q.DonePerS:
		return widget.Cell{Text: "<1s"}
	case *q.InPerS >= *q.DonePerS:
		return widget.Cell{Text: "never!", Role: theme.Crit}
	}
	return widget.Cell{Text: text.Millis(1000 * float64(q.Ready) / (*q.DonePerS - *q.InPerS))}
}

// percentiles are the four cells of one kind of time.
func percentiles(p admin.Percentiles, g theme.Glyphs) []widget.Cell {
	return []widget.Cell{
		percentile(p.P50MS, g), percentile(p.P95MS, g), p99(p, g), {Text: text.Count(p.N), Role: theme.Dim},
	}
}

func percentile(ms *float64, g theme.Glyphs) widget.Cell {
	if ms == nil {
		return widget.Cell{Text: g.Unknown, Role: theme.Dim}
	}
	return widget.Cell{Text: text.Millis(*ms)}
}

// p99 is only drawn with enough samples: below that it is the largest value
// with another name.
func p99(p admin.Percentiles, g theme.Glyphs) widget.Cell {
	if p.P99MS != nil && p.N < enough {
		return widget.Cell{Text: g.Few, Role: theme.Dim}
	}
	return percentile(p.P99MS, g)
}

// dial says how jobs travel, in words.
func dial(q admin.Queue, g theme.Glyphs) string {
	if q.Dial == nil {
		return g.Unknown
	}
	return strconv.Itoa(*q.Dial) + "% by redis"
}
