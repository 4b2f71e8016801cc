package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
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
	return freshnessOf(m.age(m.latest), m.period())
}

func (m model) age(s snapshot) time.Duration {
	return max(m.now.Sub(s.at), 0) + time.Duration(max(s.answer.StaleMS, 0))*time.Millisecond
}

// vitals is the first line: where this is, how old it is, and how it goes.
func (m model) vitals() string {
	status := m.shown.answer.Item
	badge := theme.Badge
	if strings.Contains(strings.ToLower(status.Environment), "prod") {
		badge = theme.Production
	}
	segments := []widget.Segment{m.badge()}
	if status.Environment != "" {
		segments = append([]widget.Segment{{Text: " " + strings.ToUpper(status.Environment) + " ", Role: badge}}, segments...)
	} else {
		segments[0].Text = " " + segments[0].Text
	}
	if !m.shown.at.IsZero() {
		segments = append(segments, m.sums(status)...)
	}
	clock := m.now.UTC().Format("15:04:05Z")
	line := widget.Line(m.theme, max(m.width-len(clock)-2, m.width/2), "  ", segments...)
	return widget.Ends(m.theme, m.width, line, m.theme.Paint(theme.Dim, clock))
}

// badge says how old the data is.
func (m model) badge() widget.Segment {
	g, age := m.theme.Glyphs, text.Age(m.age(m.shown))
	switch f := m.freshness(); {
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

// sums are the vital signs over all queues.
func (m model) sums(status admin.Status) []widget.Segment {
	segments := headline(status)
	if status.Queues == nil {
		return segments
	}
	oldest := int64(-1)
	var ready, running int64
	for _, q := range status.Queues {
		ready += q.Ready
		running += q.Running
		if q.OldestReadyMS != nil {
			oldest = max(oldest, *q.OldestReadyMS)
		}
	}
	age := widget.Segment{Text: "oldest " + m.theme.Glyphs.Unknown, Rank: 2}
	if oldest >= 0 {
		age.Text = "oldest " + text.Millis(float64(oldest))
	}
	if oldest >= triage.TooOld.Milliseconds() {
		age = widget.Segment{Text: age.Text + "!", Role: theme.Crit}
	}
	return append(segments, age, widget.Segment{Text: "ready " + text.Count(ready), Rank: 3},
		widget.Segment{Text: "run " + text.Count(running), Rank: 4})
}

// headline is triage.Headline in pieces. What a narrow screen drops first is
// told again further down.
func headline(status admin.Status) []widget.Segment {
	verdict := widget.Segment{Text: triage.Verdict(status), Rank: 5}
	if !status.Healthy {
		verdict = widget.Segment{Text: verdict.Text + "!", Role: theme.Crit}
	}
	segments := []widget.Segment{verdict}
	for _, t := range triage.Troubles(status) {
		s := widget.Segment{Text: t.Text + "!", Role: theme.Warn, Rank: 1}
		if t.Kind == "silent" {
			s.Role, s.Rank = theme.Crit, 2
		}
		segments = append(segments, s)
	}
	return segments
}

// context is the second line: what is shown, from where, in which order.
func (m model) context() string {
	server := ""
	if v := m.shown.answer.Item.Version; v != "" {
		server = "inboxd " + v
		if m.options.Version != "" && m.options.Version != v {
			server += " (inboxctl is " + brief(m.options.Version) + ")"
		}
	}
	left := widget.Line(m.theme, m.width, "  ", widget.Segment{Text: " Queues", Role: theme.Title},
		widget.Segment{Text: brief(m.options.Target), Role: theme.Dim, Rank: 2}, widget.Segment{Text: server, Role: theme.Dim, Rank: 3})
	if m.shown.at.IsZero() {
		return left
	}
	order := m.queues.Order(m.theme)
	if m.queues.Held(m.now) {
		order = "order held"
	}
	right := order + "  every " + m.period().String()
	return widget.Ends(m.theme, m.width, left, m.theme.Paint(theme.Dim, right))
}

// message is the line above the keys: what is wrong with the connection, else
// the latest remark.
func (m model) message() string {
	c := m.connection
	if c.err != nil {
		next := "asking now"
		if wait := c.due.Sub(m.now); c.closed && wait > 0 {
			next = "next in " + strconv.Itoa(int((wait+time.Second-1)/time.Second)) + "s"
		}
		why := widget.Line(m.theme, m.width, "", widget.Segment{Text: " " + reason(c.err), Role: theme.Warn})
		return widget.Ends(m.theme, m.width, why, fmt.Sprintf("try %d, %s", c.failures+1, next))
	}
	if m.toast != "" && m.now.Before(m.toastUntil) {
		return widget.Line(m.theme, m.width, "", widget.Segment{Text: " " + m.toast})
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

// hints is the last line: the keys that matter now.
func (m model) hints() string {
	var segments []widget.Segment
	for i, hint := range m.keys.Hints() {
		if !m.frozenAt.IsZero() {
			hint = strings.Replace(hint, "f freeze", "f go on", 1)
		}
		segments = append(segments, widget.Segment{Text: " " + hint, Role: theme.Dim, Rank: i})
	}
	return widget.Line(m.theme, m.width, " ", segments...)
}
