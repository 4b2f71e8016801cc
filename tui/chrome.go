package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
	"github.com/bandeja/inboxd/tui/triage"
)

// freshness says how much the data that is drawn can be trusted. What is old on
// the server counts as well as what came long ago.
func (m model) freshness() freshness {
	if m.shown.at.IsZero() {
		return connecting
	}
	return freshnessOf(m.age(m.latest), m.wanted(), m.period())
}

func (m model) age(s snapshot) time.Duration {
	return max(m.now.Sub(s.at), 0) + time.Duration(max(s.answer.StaleMS, 0))*time.Millisecond
}

// vitals is the first line: where this is, how old it is, and how it goes.
func (m model) vitals() string {
	top := m.shown.answer.Item
	segments := []widget.Segment{m.badge()}
	if top.Environment != "" {
		segments = append([]widget.Segment{m.where()}, segments...)
	} else {
		segments[0].Text = " " + segments[0].Text
	}
	if !m.shown.at.IsZero() {
		segments = append(segments, m.signs(top.Vitals)...)
	}
	clock := m.now.UTC().Format("15:04:05Z")
	if m.width < 100 {
		clock = m.now.UTC().Format("15:04Z")
	}
	line := widget.Line(m.theme, max(m.width-len(clock)-2, m.width/2), "  ", segments...)
	return widget.Ends(m.theme, m.width, line, m.theme.Paint(theme.Dim, clock))
}

// badge says how old the data is.
func (m model) badge() widget.Segment {
	g, age := m.theme.Glyphs, text.Age(m.age(m.shown))
	switch f := m.freshness(); {
	case m.ago > 0:
		return widget.Segment{Text: g.Frozen + " PAST " + text.Age(m.now.Sub(m.shown.at)) + " ago", Role: theme.Warn}
	case f == connecting && m.connection.err != nil:
		return widget.Segment{Text: g.Stale + " NO DATA", Role: theme.Crit}
	case f == connecting:
		return widget.Segment{Text: g.Lag + " connecting", Role: theme.Warn}
	case f == stale:
		return widget.Segment{Text: g.Stale + " STALE " + age, Role: theme.Crit}
	case !m.frozenAt.IsZero():
		return widget.Segment{Text: g.Frozen + " FROZEN " + text.Age(m.now.Sub(m.frozenAt)), Role: theme.Warn}
	case f == lagging:
		return widget.Segment{Text: g.Lag + " lag " + age, Role: theme.Warn}
	}
	return widget.Segment{Text: g.Live + " live " + age}
}

// signs are the vital signs over all queues.
func (m model) signs(v admin.Vitals) []widget.Segment {
	g := m.theme.Glyphs
	depth := "depth " + text.Count(v.Depth)
	switch {
	case v.DepthTrend > 0:
		depth += g.Up
	case v.DepthTrend < 0:
		depth += g.Down
	}
	segments := []widget.Segment{{Text: depth, Rank: 1}, signOf("old", spanText(v.OldestReadyMS, g), v.OldestReadyMS != nil && *v.OldestReadyMS >= triage.TooOld.Milliseconds())}
	segments = append(segments,
		widget.Segment{Text: "in " + rateText(v.InPerS, g) + " out " + rateText(v.OutPerS, g) + "/s", Rank: 4},
		failSign(v.FailPerS, g),
		widget.Segment{Text: "P95 " + millisText(v.P95MS, g), Rank: 1})
	sla := widget.Segment{Text: "SLA " + g.Unknown}
	if v.SLA != nil {
		sla = signOf("SLA", screen.Percent(*v.SLA), v.SLAObjective != nil && *v.SLA < *v.SLAObjective)
		sla.Rank = 0
	}
	segments = append(segments, sla)
	if v.Slots > 0 {
		segments = append(segments, widget.Segment{Text: fmt.Sprintf("%d/%d slots", v.SlotsBusy, v.Slots), Rank: 5})
	}
	return segments
}

// signOf is a sign that stays when it is bad and goes early when it is not.
func signOf(name, value string, bad bool) widget.Segment {
	if bad {
		return widget.Segment{Text: name + " " + value + "!", Role: theme.Crit}
	}
	return widget.Segment{Text: name + " " + value, Rank: 2}
}

// failSign goes before the others: which queue fails is in every table.
func failSign(perS *float64, g theme.Glyphs) widget.Segment {
	s := signOf("fail", rateText(perS, g)+"/s", perS != nil && *perS >= 0.05)
	s.Rank = max(s.Rank, 3)
	return s
}

func spanText(ms *int64, g theme.Glyphs) string {
	if ms == nil {
		return g.Unknown
	}
	return text.Millis(float64(*ms))
}

func millisText(ms *float64, g theme.Glyphs) string {
	if ms == nil {
		return g.Unknown
	}
	return text.Millis(*ms)
}

func rateText(perSecond *float64, g theme.Glyphs) string {
	if perSecond == nil {
		return g.Unknown
	}
	return text.Rate(*perSecond)
}

// tabs is the second line: the views and which of them is shown.
func (m model) tabs() string {
	var b strings.Builder
	for i := range m.views {
		tab, role := m.tab(i)
		if i == m.at {
			b.WriteString(m.theme.Paint(theme.Title, "["+tab+"]"))
			continue
		}
		b.WriteString(" " + m.theme.Paint(role, tab))
		b.WriteByte(' ')
	}
	return strings.TrimRight(b.String(), " ")
}

// tab is one of them, without the blank or bracket on both sides.
func (m model) tab(i int) (tab string, role theme.Role) {
	tab = strconv.Itoa(i+1) + " " + m.views[i].Name()
	if m.width < 100 {
		tab = strconv.Itoa(i+1) + shortNames()[i]
	}
	if i < len(m.views)-1 {
		return tab, theme.Plain
	}
	critical, warning := screen.AlertCounts(m.shown.answer.Item.Alerts)
	switch {
	case critical > 0:
		role = theme.Crit
	case warning > 0:
		role = theme.Warn
	default:
		return tab, theme.Plain
	}
	return tab + m.theme.Glyphs.Up + strconv.Itoa(critical+warning), role
}

// shortNames are the names of the views where there is little room.
func shortNames() []string {
	return []string{"Over", "Queue", "Jobs", "Lat", "Orgs", "SLA", "Limit", "Work", "Alert"}
}

// context is the third line: what is shown, and in which order.
func (m model) context() string {
	left := []widget.Segment{{Text: " " + m.view().Name(), Role: theme.Title}}
	if m.at == jobsView {
		j := m.jobsScreen()
		left = append(left, widget.Segment{Text: writeSelector(j.Selector)})
		if j.Process != "" {
			left = append(left, widget.Segment{Text: "of process " + brief(j.Process)})
		}
		if j.Beyond() {
			left = append(left, widget.Segment{Text: "list of " + j.At.UTC().Format("15:04:05Z") + ", " + m.keys.Key(keys.Refresh) + " renews", Role: theme.Warn})
		}
	}
	if m.story.open() {
		left = append(left, widget.Segment{Text: m.theme.Glyphs.Arrow + " " + m.story.title})
	}
	if shown, all := m.view().Rows(); shown < all {
		left = append(left, widget.Segment{Text: fmt.Sprintf("filter: %d of %d", shown, all), Role: theme.Warn})
	}
	if marks := len(m.view().Marks()); marks > 0 {
		left = append(left, widget.Segment{Text: fmt.Sprintf("%s%d marked", m.theme.Glyphs.Mark, marks)})
	}
	left = append(left, widget.Segment{Text: m.versions(), Role: theme.Warn, Rank: 1}, widget.Segment{Text: brief(m.options.Target), Role: theme.Dim, Rank: 2})
	if m.shown.at.IsZero() || m.story.open() {
		return widget.Line(m.theme, m.width, "  ", left...)
	}
	right := m.theme.Paint(theme.Dim, m.view().Said(m.theme, m.now)+"  every "+m.period().String())
	room := m.width - text.Width(right) - 1
	if room < leastContext {
		return widget.Line(m.theme, m.width, "  ", left...)
	}
	return text.Fill(widget.Line(m.theme, room-1, "  ", left...), room, "") + right
}

// leastContext is how many cells the left of the context line has before the
// right is dropped for it.
const leastContext = 20

// versions says so if the server is of another version than this program.
func (m model) versions() string {
	v := m.shown.answer.Item.Version
	if v == "" || m.options.Version == "" || m.options.Version == v {
		return ""
	}
	return "inboxd is " + v + ", inboxctl " + brief(m.options.Version)
}

// message is what is above the keys, a line at least: what is being typed, the
// whole of the latest remark for a while, else what is wrong with the connection.
func (m model) message() []string {
	switch {
	case m.prompt.open():
		return []string{widget.Line(m.theme, m.width, "", widget.Segment{Text: " " + m.prompt.sign + m.prompt.text + "_"})}
	case m.toast != "" && m.insisted:
		return m.wrapped(theme.Warn, m.toast)
	case m.toast != "" && m.now.Before(m.toastUntil):
		return m.wrapped(theme.Plain, m.toast)
	}
	return []string{m.trouble()}
}

// mostRemark is how many lines a remark takes at most.
const mostRemark = 4

func (m model) wrapped(role theme.Role, s string) []string {
	lines := screen.Wrap(" ", s, m.width)
	for i := range lines {
		lines[i] = m.theme.Paint(role, lines[i])
	}
	return lines[:min(len(lines), mostRemark, max(m.bodyHeight(), 1))]
}

// trouble is what is wrong with the connection.
func (m model) trouble() string {
	c := m.connection
	if c.err != nil {
		next := "asking now"
		if wait := c.due.Sub(m.now); c.closed && wait > 0 {
			next = "next in " + strconv.Itoa(int((wait+time.Second-1)/time.Second)) + "s"
		}
		why := widget.Line(m.theme, m.width, "", widget.Segment{Text: " " + reason(c.err), Role: theme.Warn})
		return widget.Ends(m.theme, m.width, why, fmt.Sprintf("try %d, %s", c.failures+1, next))
	}
	return ""
}

// reason says in words why there was no answer. Not being allowed is said as
// such: asking again will not help.
func reason(err error) string {
	why := brief(err.Error())
	switch admin.KindOf(err) {
	case admin.Unauthorized, admin.Forbidden:
		return "not allowed: " + why
	default:
		return why
	}
}

// place is where keys are pressed: an open job, or the view.
func (m model) place() string {
	switch {
	case m.story.id != "":
		return keys.Job
	case m.story.open():
		return keys.Page
	}
	return m.view().Name()
}

// hints is the last line: the keys that matter here, then the changes; those
// that are off say why.
func (m model) hints() string {
	switch {
	case m.question.agreed:
		return widget.Line(m.theme, m.width, "  ", widget.Segment{Text: " Esc closes the question, the change goes on", Role: theme.Dim})
	case m.question.open():
		return widget.Line(m.theme, m.width, "  ", widget.Segment{Text: " Esc leaves everything as it is", Role: theme.Dim}, widget.Segment{Text: "Enter goes on", Role: theme.Dim, Rank: 1})
	case m.prompt.sign == ":":
		return widget.Line(m.theme, m.width, "  ", widget.Segment{Text: " Enter goes, Tab completes", Role: theme.Dim},
			widget.Segment{Text: strings.Join(m.prompt.completions(), " ")})
	case m.prompt.open():
		return widget.Line(m.theme, m.width, "  ", widget.Segment{Text: " Enter keeps it", Role: theme.Dim}, widget.Segment{Text: "Esc shows all", Role: theme.Dim},
			widget.Segment{Text: "^u clears", Role: theme.Dim, Rank: 1})
	}
	looks, changes := m.keys.Hints(m.place())
	var segments []widget.Segment
	for i, b := range looks {
		word := b.Hint
		if b.Action == keys.Freeze && !m.frozenAt.IsZero() {
			word = "go on"
		}
		segments = append(segments, widget.Segment{Text: b.Short() + " " + word, Role: theme.Dim, Rank: i + 1})
	}
	segments[0].Text, segments[0].Rank = " "+segments[0].Text, 0
	return widget.Line(m.theme, m.width, "  ", append(segments, m.changeHints(changes)...)...)
}

// changeHints are the capitals. They stay ahead of what only looks when there
// is little room.
func (m model) changeHints(changes []keys.Binding) (segments []widget.Segment) {
	bar := m.theme.Glyphs.Separator + " "
	if why := m.refuse(); why != "" {
		var capitals []string
		for _, b := range changes {
			capitals = append(capitals, b.Short())
		}
		return []widget.Segment{{Text: bar + strings.Join(capitals, " ") + " off: " + m.off(), Role: theme.Dim, Rank: 2}}
	}
	for i, b := range changes {
		if b.Action == keys.Undo && !m.undo.possible() {
			continue
		}
		segments = append(segments, widget.Segment{Text: bar + b.Short() + " " + b.Hint, Rank: 2 + i})
		bar = ""
	}
	return segments
}
