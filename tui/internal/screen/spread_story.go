package screen

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// SpreadStory is how the times of a job type or an org are spread, and which part
// of it is slow.
type SpreadStory struct {
	Name, Window string
	Whole        []admin.LatencyItem // one per metric
	By           string              // what Parts are: type or org
	Parts        []admin.LatencyItem // one per part and metric
}

// mostParts is how many parts are shown: the slowest.
const mostParts = 8

// Lines draws it.
func (s SpreadStory) Lines(th theme.Theme, width int) []string {
	e2e := metricOf(s.Whole, "e2e")
	lines := []string{widget.Line(th, width, "  ", widget.Segment{Text: " " + s.Name, Role: theme.Title}, widget.Segment{Text: "last " + s.Window},
		widget.Segment{Text: "n " + text.Count(e2e.N)}, widget.Segment{Text: "P50 " + millis(e2e.P50MS, th.Glyphs).Text},
		widget.Segment{Text: "P95 " + millis(e2e.P95MS, th.Glyphs).Text}, widget.Segment{Text: "P99 " + tailOf(e2e, th.Glyphs).Text}, widget.Segment{Text: "end to end", Role: theme.Dim, Rank: 1}), ""}
	if e2e.N == 0 {
		return append(lines, " Nothing has ended in the last "+s.Window+": t chooses another window in the table.")
	}
	lines = append(lines, th.Paint(theme.Head, " BY "+map[string]string{"org": "ORG", "type": "JOB TYPE"}[s.By]+", slowest end to end first"))
	lines = append(append(lines, s.parts(th, width)...), "", th.Paint(theme.Head, " HOW IT IS SPREAD: each line takes twice as long as the one above"))
	return append(lines, s.bars(th, width)...)
}

func metricOf(items []admin.LatencyItem, metric string) admin.LatencyItem {
	if at := slices.IndexFunc(items, func(i admin.LatencyItem) bool { return i.Metric == metric }); at >= 0 {
		return items[at]
	}
	return admin.LatencyItem{Metric: metric}
}

func tailOf(i admin.LatencyItem, g theme.Glyphs) widget.Cell {
	return tail(admin.Triple{N: i.N, P99MS: i.P99MS}, g)
}

// bars is the histogram of the three times, a line per bucket, each as the share
// of all.
func (s SpreadStory) bars(th theme.Theme, width int) []string {
	t := widget.Table{Columns: []widget.Column{{Title: "UP TO", Width: 7, Right: true}}}
	var all []admin.LatencyItem
	for i, metric := range []string{"e2e", "wait", "run"} {
		all = append(all, metricOf(s.Whole, metric))
		group := []string{"end to end", "wait", "run"}[i]
		t.Columns = append(t.Columns,
			widget.Column{Group: group, Title: "", Width: 8, Most: 28, Rank: []int{0, 1, 2}[i]}, widget.Column{Group: group, Title: "", Width: 6, Right: true, Rank: []int{0, 1, 2}[i]})
	}
	first, last := math.MaxFloat64, 0.0
	for _, item := range all {
		for _, b := range item.Bars {
			if b.N > 0 {
				first, last = min(first, b.BelowMS), max(last, b.BelowMS)
			}
		}
	}
	for below := first; below <= last*1.01; below *= 2 {
		cells := []widget.Cell{plain(text.Millis(math.Floor(below)))}
		for _, item := range all {
			part := partBelow(item, below)
			cells = append(cells, widget.Cell{Draw: func(cells int) string { return widget.Bar(th.Glyphs, part/mostOf(item), cells) }}, sharePart(part, th.Glyphs))
		}
		t.Rows = append(t.Rows, widget.Row{ID: fmt.Sprint(below), Cells: cells})
	}
	return t.View(th, width, t.MostLines())
}

// partBelow is the share of the bucket that ends there.
func partBelow(i admin.LatencyItem, below float64) float64 {
	for _, b := range i.Bars {
		if i.N > 0 && math.Abs(b.BelowMS-below) < below/100 {
			return float64(b.N) / float64(i.N)
		}
	}
	return 0
}

// mostOf is the share of the fullest bucket: its bar fills the column.
func mostOf(i admin.LatencyItem) float64 {
	most := 0.0
	for _, b := range i.Bars {
		most = max(most, partBelow(i, b.BelowMS))
	}
	return cmp.Or(most, 1)
}

func sharePart(part float64, g theme.Glyphs) widget.Cell {
	switch {
	case part == 0:
		return widget.Cell{Text: g.Few, Role: theme.Dim}
	case part < 0.001:
		return plain("<0.1%")
	}
	return plain(fmt.Sprintf("%.1f%%", 100*part))
}

func (s SpreadStory) parts(th theme.Theme, width int) []string {
	t := widget.Table{Columns: []widget.Column{
		{Title: "NAME", Width: 16, Most: 30},
		{Title: "n", Width: 6, Right: true},
		{Group: "end to end", Title: "P50", Width: 7, Right: true},
		{Group: "end to end", Title: "P95", Width: 7, Right: true},
		{Group: "end to end", Title: "P99", Width: 7, Right: true, Rank: 2},
		{Group: "wait", Title: "P95", Width: 7, Right: true, Rank: 1},
		{Group: "run", Title: "P95", Width: 7, Right: true, Rank: 1},
	}}
	slowest := slices.DeleteFunc(slices.Clone(s.Parts), func(i admin.LatencyItem) bool { return i.Metric != "e2e" || i.N == 0 })
	slices.SortStableFunc(slowest, func(a, b admin.LatencyItem) int {
		return cmp.Or(cmp.Compare(value(b.P95MS), value(a.P95MS)), cmp.Compare(a.Name, b.Name))
	})
	of := func(name, metric string) admin.LatencyItem {
		return metricOf(slices.DeleteFunc(slices.Clone(s.Parts), func(i admin.LatencyItem) bool { return i.Name != name }), metric)
	}
	for _, i := range slowest[:min(len(slowest), mostParts)] {
		t.Rows = append(t.Rows, widget.Row{ID: i.ID, Cells: []widget.Cell{
			plain(i.Name), count(i.N), millis(i.P50MS, th.Glyphs), millis(i.P95MS, th.Glyphs), tailOf(i, th.Glyphs),
			millis(of(i.Name, "wait").P95MS, th.Glyphs), millis(of(i.Name, "run").P95MS, th.Glyphs),
		}})
	}
	lines := t.View(th, width, t.MostLines())
	if more := len(slowest) - len(t.Rows); more > 0 {
		lines = append(lines, th.Paint(theme.Dim, fmt.Sprintf(" + %d more: inboxctl latency --by %s --window %s", more, s.By, s.Window)))
	}
	return lines
}

func value(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}
