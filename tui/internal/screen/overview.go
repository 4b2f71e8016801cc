package screen

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// panel is a part of the overview: a small table of another view.
type panel struct {
	view  View
	title func(t admin.Top) string
}

// overview shows the worst of every view. The focused panel has the cursor.
type overview struct {
	top    admin.Top
	panels []panel
	focus  int
}

// NewOverview returns the first view.
func NewOverview() View {
	return &overview{panels: []panel{
		{NewQueues(), func(admin.Top) string { return "QUEUES worst first" }},
		{NewAlerts(), alertTitle},
		{NewLimits(), func(t admin.Top) string { return "LIMITS fullest first" + ofMany(len(t.Limits), t.Totals.Limits) }},
		{NewSLA(), func(t admin.Top) string { return "SLA by user, 1h" + ofMany(len(t.Users), t.Totals.Users) }},
		{NewOrgs(), func(t admin.Top) string { return "ORGS most waiting" + ofMany(len(t.Orgs), t.Totals.Orgs) }},
		{NewLatency(), func(admin.Top) string { return "LATENCY end to end, 5m" }},
		{NewWorkers(), workerTitle},
	}}
}

func ofMany(shown, all int) string {
	if all <= shown {
		return ""
	}
	return fmt.Sprintf(", %d of %d", shown, all)
}

func alertTitle(t admin.Top) string {
	critical, warning := AlertCounts(t.Alerts)
	if critical+warning == 0 {
		return "ALERTS none"
	}
	return fmt.Sprintf("ALERTS %d crit %d warn", critical, warning)
}

// AlertCounts counts what nobody has muted.
func AlertCounts(alerts []admin.Alert) (critical, warning int) {
	for _, a := range alerts {
		switch {
		case a.Muted != nil:
		case a.Severity == "critical":
			critical++
		default:
			warning++
		}
	}
	return critical, warning
}

func workerTitle(t admin.Top) string {
	silent := 0
	for _, w := range t.Workers {
		if w.State == "silent" {
			silent++
		}
	}
	title := fmt.Sprintf("WORKERS %d/%d slots busy, %d ok", t.Vitals.SlotsBusy, t.Vitals.Slots, len(t.Workers)-silent)
	if silent > 0 {
		title += fmt.Sprintf(", %d silent!", silent)
	}
	return title
}

func (o *overview) Name() string { return "Overview" }

func (o *overview) Set(t admin.Top, now time.Time) {
	o.top = t
	for _, p := range o.panels {
		p.view.Set(t, now)
	}
}

// Do moves the focus, or the cursor in the focused panel.
func (o *overview) Do(action keys.Action, now time.Time, height int) bool {
	if step := map[keys.Action]int{keys.NextView: 1, keys.PrevView: len(o.panels) - 1}[action]; step != 0 {
		o.focus = (o.focus + step) % len(o.panels)
		return true
	}
	return o.panels[o.focus].view.Do(action, now, height/3)
}

// Focus returns the name of the focused panel's view.
func (o *overview) Focus() string { return o.panels[o.focus].view.Name() }

func (o *overview) Cursor() string                     { return o.panels[o.focus].view.Cursor() }
func (o *overview) Marks() []string                    { return o.panels[o.focus].view.Marks() }
func (o *overview) Rows() (shown, all int)             { return 0, 0 }
func (o *overview) Said(theme.Theme, time.Time) string { return "Tab: focus" }

// Orders, Order and Seek are the focused panel's.
func (o *overview) Orders() (words []string, at int) { return o.panels[o.focus].view.Orders() }

func (o *overview) Order(i int, now time.Time) { o.panels[o.focus].view.Order(i, now) }

func (o *overview) Seek(what string, step int, now time.Time) bool {
	return o.panels[o.focus].view.Seek(what, step, now)
}

// Spoken and Point are of no row: the overview has those of other views.
func (o *overview) Spoken(theme.Theme) (ids, words []string) { return nil, nil }

// Point is nothing here.
func (o *overview) Point(string) {}

func (o *overview) Await(view string, ids map[string]bool) {
	for _, p := range o.panels {
		p.view.Await(view, ids)
	}
}

func (o *overview) Find(what string, now time.Time) {
	for _, p := range o.panels {
		p.view.Find(what, now)
	}
}

func (o *overview) Clone() View {
	c := *o
	c.panels = make([]panel, len(o.panels))
	for i, p := range o.panels {
		c.panels[i] = panel{p.view.Clone(), p.title}
	}
	return &c
}

// wide is from where two columns of panels have room.
const wide = 140

// Lines lays the panels out: two columns on a wide screen, else the queues, the
// alerts and one line for each of the rest.
func (o *overview) Lines(th theme.Theme, width, height int) []string {
	if width >= wide && height >= 24 {
		left := width * 60 / 100
		charted := o.charted(th, left, height)
		return widget.Beside(
			append(charted, o.column(th, []int{5, 4}, left, height-len(charted))...),
			o.column(th, []int{1, 2, 3, 6}, width-left, height))
	}
	return o.narrow(th, width, height)
}

// charted is the panel of queues and, with room for it, the past beside each
// other: how long the slowest job type takes, and what comes in.
func (o *overview) charted(th theme.Theme, width, height int) []string {
	lines := o.panel(th, 0, width, min(max(o.need(0), 5), height/3))
	rest := height - len(lines) - o.need(5) - o.need(4)
	name, past := o.slowest()
	if name == "" || rest < 8 {
		return lines
	}
	rest = min(rest, 14)
	span := ", last " + text.Age(time.Duration(int64(len(past))*o.top.Series.StepMS)*time.Millisecond)
	left := width / 2
	times := widget.Chart(th, past, left-3, rest-2, text.Millis)
	come := widget.Chart(th, o.incoming(), width-left-3, rest-2, func(v float64) string { return text.Rate(v) + "/s" })
	return append(lines, widget.Beside(
		widget.Panel(th, "P95 end to end, "+name+span, false, times, left, rest),
		widget.Panel(th, "IN/s, all queues"+span, false, come, width-left, rest))...)
}

// incoming is how many jobs came per second, of all queues together.
func (o *overview) incoming() (sum []*float64) {
	for _, track := range o.top.Series.Queues {
		for i, v := range track.In {
			if i == len(sum) {
				sum = append(sum, nil)
			}
			if v == nil {
				continue
			}
			if sum[i] == nil {
				sum[i] = new(0.0)
			}
			*sum[i] += *v
		}
	}
	return sum
}

// slowest is the job type with the worst P95 that has a past.
func (o *overview) slowest() (name string, past []*float64) {
	if o.top.Series == nil {
		return "", nil
	}
	worst := 0.0
	for _, t := range o.top.Types {
		points := o.top.Series.Types[t.ID]
		if p95 := t.Windows["5m"].E2E.P95MS; len(points) > 0 && p95 != nil && *p95 > worst {
			name, past, worst = t.Name, points, *p95
		}
	}
	return name, past
}

// column stacks panels: those that need little get it, the others share what is
// left, and the last one fills the rest.
func (o *overview) column(th theme.Theme, which []int, width, height int) (lines []string) {
	heights := o.heights(which, height)
	for n, i := range which {
		if n == len(which)-1 {
			heights[i] = height - len(lines)
		}
		lines = append(lines, o.panel(th, i, width, heights[i])...)
	}
	return lines
}

// leastPanel is how many lines a panel has at least: a row, its titles, its frame.
const leastPanel = 5

func (o *overview) heights(which []int, height int) map[int]int {
	least := slices.Clone(which)
	slices.SortStableFunc(least, func(a, b int) int { return cmp.Compare(o.need(a), o.need(b)) })
	heights := map[int]int{}
	for n, i := range least {
		heights[i] = min(max(o.need(i), leastPanel), max(height/(len(least)-n), leastPanel))
		height -= heights[i]
	}
	return heights
}

// need is how many lines a panel would fill.
func (o *overview) need(i int) int {
	shown, _ := o.panels[i].view.Rows()
	return shown + 3
}

func (o *overview) panel(th theme.Theme, i, width, height int) []string {
	p := o.panels[i]
	return widget.Panel(th, p.title(o.top), i == o.focus, o.rows(th, i, width-2, height-2), width, height)
}

func (o *overview) narrow(th theme.Theme, width, height int) []string {
	head := func(s string) string { return th.Paint(theme.Head, " "+s) }
	shown, _ := o.panels[0].view.Rows()
	lines := o.rows(th, 0, width, min(max(height-12, 4), shown+1))
	if critical, warning := AlertCounts(o.top.Alerts); critical+warning > 0 {
		lines = append(lines, "", head(alertTitle(o.top)))
		lines = append(lines, o.rows(th, 1, width, min(critical+warning+1, 5))...)
	} else {
		lines = append(lines, "", head("ALERTS")+" none")
	}
	lines = append(lines, "", o.limitLine(th, width), o.slaLine(th, width), o.workerLine(th, width))
	for _, i := range []int{4, 5, 3} { // with room for it, more than a line each
		if room := height - len(lines) - 1; room >= 4 {
			shown, _ := o.panels[i].view.Rows()
			lines = append(lines, "", head(o.panels[i].title(o.top)))
			lines = append(lines, o.rows(th, i, width, min(room-1, max(shown, 1)+1))...)
		}
	}
	return lines[:min(len(lines), height)]
}

func (o *overview) rows(th theme.Theme, i, width, height int) []string {
	return bareOf(o.panels[i].view, th, width, height, i == o.focus)
}

func (o *overview) limitLine(th theme.Theme, width int) string {
	segments := []widget.Segment{{Text: " LIMITS ", Role: theme.Head}}
	for i, l := range o.top.Limits {
		if i == 4 || l.Used == nil {
			break
		}
		s := widget.Segment{Text: l.Org + " " + l.Name + " " + widget.Gauge(th.Glyphs, used(l), 8) + " " + Percent(used(l)), Rank: i + 1}
		if used(l) >= nearLimit {
			s.Text, s.Role = s.Text+"!", theme.Warn
		}
		segments = append(segments, s)
	}
	if len(segments) == 1 {
		segments = append(segments, widget.Segment{Text: "none in use", Role: theme.Dim})
	}
	return widget.Line(th, width, "  ", segments...)
}

func (o *overview) slaLine(th theme.Theme, width int) string {
	segments := []widget.Segment{{Text: " SLA    ", Role: theme.Head}}
	within := 0
	for i, u := range o.top.Users {
		if u.Met == nil {
			continue
		}
		if *u.Met >= u.Objective {
			within++
			continue
		}
		segments = append(segments, widget.Segment{Text: u.Name + "@" + u.Org + " " + Percent(*u.Met) + "/" + Percent(u.Objective) + "!", Role: theme.Crit, Rank: i + 1})
	}
	switch {
	case within > 0:
		segments = append(segments, widget.Segment{Text: strconv.Itoa(within) + " within their goal"})
	case len(segments) == 1:
		segments = append(segments, widget.Segment{Text: "no data yet", Role: theme.Dim})
	}
	return widget.Line(th, width, "  ", segments...)
}

func (o *overview) workerLine(th theme.Theme, width int) string {
	v := o.top.Vitals
	segments := []widget.Segment{{Text: " WORKERS", Role: theme.Head}}
	if v.Slots > 0 {
		s := float64(v.SlotsBusy) / float64(v.Slots)
		segments = append(segments, widget.Segment{Text: fmt.Sprintf("%d/%d busy", v.SlotsBusy, v.Slots) + " " + widget.Gauge(th.Glyphs, s, 12) + " " + Percent(s), Rank: 2})
	}
	states := map[string]int{}
	for _, w := range o.top.Workers {
		states[w.State]++
	}
	if len(o.top.Workers) == 0 {
		segments = append(segments, widget.Segment{Text: "none has reported!", Role: theme.Crit})
	} else {
		segments = append(segments, widget.Segment{Text: text.Count(int64(states["ok"])) + " ok"})
	}
	if n := states["silent"]; n > 0 {
		segments = append(segments, widget.Segment{Text: strconv.Itoa(n) + " silent!", Role: theme.Crit})
	}
	for _, state := range []string{"draining", "drained", "leaving"} {
		if n := states[state]; n > 0 {
			segments = append(segments, widget.Segment{Text: strconv.Itoa(n) + " " + state, Role: theme.Warn, Rank: 1})
		}
	}
	return widget.Line(th, width, "  ", segments...)
}
