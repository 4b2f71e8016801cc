package screen

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// SLAStory is what is known of an agent's answers: who waits now, what was
// missed, and what each miss was due to.
type SLAStory struct {
	User   admin.TopUser
	At     time.Time
	Open   []admin.SLACase // unanswered: overdue, or due within a minute
	Missed []admin.SLACase // newest first
	More   bool            // there are older misses than these
}

// Lines draws it: first what can still be answered.
func (s SLAStory) Lines(th theme.Theme, width int) []string {
	u := s.User
	met := alarm(share(u.Met, th.Glyphs), u.Met != nil && *u.Met < u.Objective, theme.Crit)
	lines := []string{widget.Line(th, width, "  ",
		widget.Segment{Text: " " + u.Name + "@" + u.Org, Role: theme.Title}, widget.Segment{Text: "met " + met.Text, Role: met.Role},
		widget.Segment{Text: "goal " + Percent(u.Objective) + " in " + text.Millis(float64(u.TargetMS))},
		widget.Segment{Text: fmt.Sprintf("%d answered in the last hour", u.N), Rank: 1}), ""}
	if len(s.Open) > 0 {
		lines = append(lines, th.Paint(theme.Head, fmt.Sprintf(" %d CUSTOMERS WAIT FOR AN ANSWER", len(s.Open))))
		lines = append(append(lines, s.open(th, width)...), "")
	}
	if len(s.Missed) == 0 {
		return append(lines, " Nothing was missed in the last hour.")
	}
	head := fmt.Sprintf(" %d MISSED IN THE LAST HOUR", len(s.Missed))
	if s.More {
		head = fmt.Sprintf(" THE LAST %d MISSES OF THE LAST HOUR", len(s.Missed))
	}
	lines = append(lines, widget.Line(th, width, "  ", widget.Segment{Text: head, Role: theme.Head}, widget.Segment{Text: "due to " + causesText(s.Missed)}))
	lines = append(append(lines, missTable(s.Missed).View(th, width, len(s.Missed)+2)...), "")
	return append(lines, widget.Line(th, width, "", widget.Segment{Text: " " + adviceFor(causes(s.Missed)[0].name, u), Role: theme.Dim}))
}

func (s SLAStory) open(th theme.Theme, width int) []string {
	t := widget.Table{Columns: []widget.Column{
		{Title: "ASKED", Width: 9}, {Title: "DUE", Width: 12}, {Title: "CONVERSATION", Width: 12, Right: true}, {Title: "CHANNEL", Width: 10, Rank: 1},
	}}
	for _, c := range s.Open {
		due := plain("in " + text.Age(c.DueAt.Sub(s.At)))
		if late := s.At.Sub(c.DueAt); late > 0 {
			due = widget.Cell{Text: text.Age(late) + " late!", Role: theme.Crit}
		}
		t.Rows = append(t.Rows, widget.Row{ID: c.ID, Cells: []widget.Cell{plain(c.StartedAt.UTC().Format("15:04:05Z")), due, plain(c.ConversationID), plain(c.ChannelKind)}})
	}
	return t.View(th, width, min(t.MostLines(), mostOpen))
}

// mostOpen is how many lines those that wait take at most: what was missed says
// more about why.
const mostOpen = 10

func missTable(missed []admin.SLACase) widget.Table {
	t := widget.Table{Columns: []widget.Column{
		{Title: "ASKED", Width: 9},
		{Title: "TOOK", Width: 7, Right: true},
		{Title: "DUE TO", Width: 10},
		{Title: "THE TIME WENT TO", Width: 24, Most: 60, Rank: 1},
		{Title: "CONVERSATION", Width: 12, Right: true},
		{Title: "CHANNEL", Width: 10, Rank: 2},
	}}
	for _, c := range missed {
		took := plain("open")
		if c.ResponseMS != nil {
			took = plain(text.Millis(float64(*c.ResponseMS)))
		}
		t.Rows = append(t.Rows, widget.Row{ID: c.ID, Cells: []widget.Cell{
			plain(c.StartedAt.UTC().Format("15:04:05Z")), took, plain(causeOf(c)), plain(spentText(c.Spent)), plain(c.ConversationID), plain(c.ChannelKind),
		}})
	}
	return t
}

func causeOf(c admin.SLACase) string { return cmp.Or(deref(c.Cause), "not known") }

// spentText names the two longest parts.
func spentText(s *admin.SLASpent) string {
	if s == nil {
		return ""
	}
	parts := []struct {
		name string
		ms   int64
	}{
		{"human", s.HumanMS},
		{"closed", s.ClosedMS},
		{"queue", s.QueueWaitMS},
		{"hold", s.HoldMS},
		{"limit", s.LimitMS},
		{"retries", s.RetriesMS},
		{"provider", s.ProviderMS},
	}
	slices.SortStableFunc(parts, func(a, b struct {
		name string
		ms   int64
	},
	) int {
		return cmp.Compare(b.ms, a.ms)
	})
	var words []string
	for _, p := range parts[:2] {
		if p.ms > 0 {
			words = append(words, p.name+" "+text.Millis(float64(p.ms)))
		}
	}
	return strings.Join(words, ", ")
}

// tally is how many misses are due to something.
type tally struct {
	name string
	n    int
}

// causes are what misses are due to, most first.
func causes(missed []admin.SLACase) (all []tally) {
	for _, c := range missed {
		name := causeOf(c)
		at := slices.IndexFunc(all, func(t tally) bool { return t.name == name })
		if at < 0 {
			all = append(all, tally{name, 0})
			at = len(all) - 1
		}
		all[at].n++
	}
	slices.SortStableFunc(all, func(a, b tally) int { return cmp.Compare(b.n, a.n) })
	return all
}

func causesText(missed []admin.SLACase) string {
	var words []string
	for _, t := range causes(missed) {
		words = append(words, fmt.Sprintf("%s %d", t.name, t.n))
	}
	return strings.Join(words, ", ")
}

// adviceFor is the command that tells more of a cause.
func adviceFor(cause string, u admin.TopUser) string {
	switch cause {
	case "limit":
		return "inboxctl limits show --org " + u.Org
	case "hold":
		return "inboxctl orgs holds " + u.Org
	case "queue_wait":
		return "inboxctl latency --org " + u.Org + " --metric wait"
	case "retries", "provider":
		return "inboxctl jobs groups --org " + u.Org
	}
	return "inboxctl sla misses --org " + u.Org + " --user " + u.Name + " --window 1h -o wide"
}
