package screen

import (
	"fmt"
	"math"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// LimitStory is what is known of one limit of an org: what it holds back, what
// another value would do, and who has changed it.
type LimitStory struct {
	Limit   admin.TopLimit
	At      time.Time
	Changes []admin.LimitChange // newest first
}

// Lines draws it.
func (s LimitStory) Lines(th theme.Theme, width int) []string {
	l := s.Limit
	waiting := widget.Segment{}
	if l.Waiting != nil {
		cell := trouble(*l.Waiting)
		waiting = widget.Segment{Text: cell.Text + " jobs wait", Role: cell.Role}
	}
	lines := []string{widget.Line(th, width, "  ",
		widget.Segment{Text: " " + l.Org + " " + l.Name, Role: theme.Title}, widget.Segment{Text: admin.LimitText(&l.Max, &l.WindowMS)},
		widget.Segment{Text: usedOf(l, th.Glyphs).Text + " used"}, waiting, widget.Segment{Text: "value: " + l.Source, Rank: 1}), ""}
	lines = append(lines, s.wouldBe(th, width)...)
	if len(s.Changes) == 0 {
		return append(lines, " Nobody has changed it: it is the default.")
	}
	lines = append(lines, th.Paint(theme.Head, " CHANGES, newest first"))
	return append(lines, s.table(th).View(th, width, len(s.Changes)+2)...)
}

// wouldBe says when what waits would be gone at other values. It is arithmetic,
// and says what it leaves out.
func (s LimitStory) wouldBe(th theme.Theme, width int) []string {
	l := s.Limit
	if l.Waiting == nil || *l.Waiting == 0 || l.Max <= 0 || l.WindowMS <= 0 {
		return nil
	}
	t := widget.Table{Columns: []widget.Column{{Title: "IF IT WERE", Width: 12}, {Title: "GONE IN", Width: 8, Right: true}, {Title: "", Width: 30, Most: 80, Rank: 1}}}
	for _, factor := range []float64{1, 1.5, 2, 4} {
		value := int(math.Round(float64(l.Max) * factor))
		gone := float64(*l.Waiting) * float64(l.WindowMS) / float64(value)
		note := fmt.Sprintf("inboxctl limits set --org %s %s=%s --for 1h", l.Org, l.Name, admin.LimitText(&value, &l.WindowMS))
		if factor == 1 {
			note = "as it is"
		}
		t.Rows = append(t.Rows, widget.Row{ID: fmt.Sprint(value), Cells: []widget.Cell{
			plain(admin.LimitText(&value, &l.WindowMS)), plain(text.Millis(gone)), {Text: note, Role: theme.Dim},
		}})
	}
	lines := append(t.View(th, width, t.MostLines()), th.Paint(theme.Dim, " What comes meanwhile is not counted, and Meta has limits of its own."))
	return append(lines, "")
}

func (s LimitStory) table(th theme.Theme) widget.Table {
	t := widget.Table{Columns: []widget.Column{
		{Title: "CHANGED", Width: 12},
		{Title: "AGO", Width: 7, Right: true, Rank: 3},
		{Title: "FROM", Width: 10, Right: true},
		{Title: "TO", Width: 10, Right: true},
		{Title: "ENDS", Width: 12, Most: 30, Rank: 2},
		{Title: "BY", Width: 8, Most: 24},
		{Title: "REASON", Width: 18, Most: 60, Rank: 1},
	}}
	for _, c := range s.Changes {
		ends := unknown(th.Glyphs)
		switch {
		case c.EndedAt != nil:
			ends = plain(c.EndedAt.UTC().Format("01-02 15:04Z") + " by " + deref(c.EndedBy))
		case c.ExpiresAt != nil:
			ends = plain(c.ExpiresAt.UTC().Format("01-02 15:04Z"))
		}
		t.Rows = append(t.Rows, widget.Row{ID: c.ID, Cells: []widget.Cell{
			plain(c.At.UTC().Format("01-02 15:04Z")), plain(text.Age(s.At.Sub(c.At))), plain(valueText(c.Before, c.BeforeWindowMS)),
			plain(valueText(c.After, c.AfterWindowMS)), ends, plain(c.Owner), plain(deref(c.Reason)),
		}})
	}
	return t
}

func valueText(value *int, windowMS *int64) string {
	if value == nil {
		return "default"
	}
	return admin.LimitText(value, windowMS)
}
