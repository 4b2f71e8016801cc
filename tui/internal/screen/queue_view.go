package screen

import (
	"slices"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// queues is the page of queues with their past.
type queues struct {
	page[admin.TopQueue]

	series *admin.TopSeries
}

// NewQueues returns the view of queues: those whose customers wait first.
func NewQueues() View {
	q := &queues{}
	q.page = page[admin.TopQueue]{
		name: "Queues", empty: "There are no queues.", legend: "P95: wait", pick: func(t admin.Top) []admin.TopQueue { return t.Queues }, detail: q.sheet,
		jobs: func(q admin.TopQueue) admin.Selector { return admin.Selector{Queue: []string{q.Name}} },
		list: list[admin.TopQueue]{
			id: func(q admin.TopQueue) string { return q.ID }, text: func(q admin.TopQueue) string { return q.Name },
			columns: topQueueColumns(nil),
		},
	}
	return q
}

// Set also keeps the past, for the sparklines.
func (q *queues) Set(t admin.Top, now time.Time) {
	if t.Series != nil {
		q.series = t.Series
	}
	q.columns = topQueueColumns(q.series)
	q.page.Set(t, now)
}

func (q *queues) Clone() View {
	c := *q
	c.detail = c.sheet
	return &c
}

func topQueueColumns(series *admin.TopSeries) []column[admin.TopQueue] {
	type queue = admin.TopQueue
	return []column[queue]{
		named("QUEUE", "name", 13, 20, 0, func(q queue) string { return q.Name }, queueName),
		counted("READY", "ready", 6, 0, func(q queue) int64 { return q.Ready }, count),
		counted("RUN", "running", 5, 4, func(q queue) int64 { return q.Running }, count),
		counted("RETRY", "retrying", 6, 6, func(q queue) int64 { return q.Retrying }, count),
		counted("SCHED", "scheduled", 6, 14, func(q queue) int64 { return q.Scheduled }, count),
		counted("DEAD", "dead", 6, 1, func(q queue) int64 { return q.Dead }, trouble),
		counted("UNCERT", "uncertain", 7, 3, func(q queue) int64 { return q.Uncertain }, trouble),
		counted("HELD", "held", 6, 15, func(q queue) int64 { return q.Held }, trouble),
		number("IN/s", "in/s", 5, 8, func(q queue) *float64 { return q.InPerS }, func(q queue, g theme.Glyphs) widget.Cell { return perSecond(q.InPerS, g) }),
		number("OUT/s", "out/s", 5, 7, func(q queue) *float64 { return q.OutPerS }, func(q queue, g theme.Glyphs) widget.Cell { return perSecond(q.OutPerS, g) }),
		number("FAIL/s", "fail/s", 6, 10, func(q queue) *float64 { return q.FailPerS }, func(q queue, g theme.Glyphs) widget.Cell {
			return alarm(perSecond(q.FailPerS, g), q.FailPerS != nil && *q.FailPerS >= 0.05, theme.Warn)
		}),
		number("OLDEST", "oldest", 7, 0, func(q queue) *float64 { return float(q.OldestReadyMS) },
			func(q queue, g theme.Glyphs) widget.Cell { return waited(q.OldestReadyMS, q.Paused != nil, g) }),
		number("DRAINS", "drains", 7, 5, func(q queue) *float64 { return float(q.DrainsMS) }, drains),
		number("P50", "wait P50", 6, 12, func(q queue) *float64 { return q.Wait.P50MS }, func(q queue, g theme.Glyphs) widget.Cell { return millis(q.Wait.P50MS, g) }),
		number("P95", "wait P95", 6, 2, func(q queue) *float64 { return q.Wait.P95MS }, func(q queue, g theme.Glyphs) widget.Cell { return millis(q.Wait.P95MS, g) }),
		number("P99", "wait P99", 6, 11, func(q queue) *float64 { return q.Wait.P99MS }, func(q queue, g theme.Glyphs) widget.Cell { return tail(q.Wait, g) }),
		number("DIAL", "", 5, 13, nil, dialCell),
		{Column: widget.Column{Title: "READY 10m", Width: 9, Most: 30, Rank: 9}, cell: func(q queue, g theme.Glyphs) widget.Cell {
			if series == nil {
				return plain("")
			}
			return spark(series.Queues[q.ID].Ready, g)
		}},
	}
}

func spark(past []*float64, g theme.Glyphs) widget.Cell {
	return widget.Cell{Role: theme.Dim, Draw: func(cells int) string { return widget.Spark(g, past, cells) }}
}

func gauge(share float64, role theme.Role, g theme.Glyphs) widget.Cell {
	return widget.Cell{Role: role, Draw: func(cells int) string { return widget.Gauge(g, share, cells) }}
}

func queueName(q admin.TopQueue, g theme.Glyphs) widget.Cell {
	if q.Paused != nil {
		return widget.Cell{Text: q.Name + " " + g.Frozen, Role: theme.Warn}
	}
	return plain(q.Name)
}

func dialCell(q admin.TopQueue, g theme.Glyphs) widget.Cell {
	if q.Dial == nil {
		return unknown(g)
	}
	return plain(strconv.Itoa(*q.Dial) + "%")
}

// sheet is the queue under the cursor, and how it has been.
func (q *queues) sheet(th theme.Theme, t admin.TopQueue, width, height int) []string {
	g := th.Glyphs
	s := sheet{title: "queue " + t.Name}
	s.add("wait P50", millis(t.Wait.P50MS, g))
	s.add("wait P95", millis(t.Wait.P95MS, g))
	s.add("wait P99", tail(t.Wait, g))
	s.add("n, last 5m", count(t.Wait.N))
	s.add("scheduled", count(t.Scheduled))
	s.add("retrying", count(t.Retrying))
	s.add("held", trouble(t.Held))
	s.add("dispatched", count(t.Dispatched))
	s.add("in/s", perSecond(t.InPerS, g))
	s.add("out/s", perSecond(t.OutPerS, g))
	s.add("fail/s", perSecond(t.FailPerS, g))
	s.add("by redis", dialCell(t, g))
	if t.Paused != nil {
		s.note(theme.Warn, "%s", pausedBy(*t.Paused))
	} else if t.Holds > 0 {
		s.note(theme.Warn, "held for some orgs (%d): inboxctl queues show %s", t.Holds, t.Name)
	}
	if t.TopOrg != nil {
		s.note(theme.Plain, "most of what waits: %s %s", t.TopOrg.Name, Percent(t.TopOrg.Share))
	}
	if t.TopError != nil {
		s.note(theme.Plain, "most failures: %s %s", t.TopError.Name, Percent(t.TopError.Share))
	}
	lines := s.draw(th, width)
	if q.series != nil {
		track, step := q.series.Queues[t.ID], q.series.StepMS
		lines = append(lines, past(th, track.Ready, step, "ready", width, height-len(lines), func(v float64) string { return text.Count(int64(v)) })...)
		lines = append(lines, past(th, track.P95MS, step, "wait P95", width, height-len(lines), text.Millis)...)
	}
	return lines
}

// past is a chart with its title, if there is room for both.
func past(th theme.Theme, values []*float64, stepMS int64, what string, width, height int, label func(float64) string) []string {
	if height < 6 || !slices.ContainsFunc(values, func(v *float64) bool { return v != nil }) {
		return nil
	}
	title := " " + what + ", last " + text.Age(time.Duration(int64(len(values))*stepMS)*time.Millisecond)
	return append([]string{"", th.Paint(theme.Dim, title)}, widget.Chart(th, values, width-1, min(height-2, 16), label)...)
}

func pausedBy(h admin.TopHold) string {
	s := "paused by " + h.Owner + " since " + h.Since.UTC().Format("15:04:05Z")
	if h.Until != nil {
		s += " until " + h.Until.UTC().Format("15:04:05Z")
	}
	if h.Reason != nil && *h.Reason != "" {
		s += ": " + *h.Reason
	}
	return s
}
