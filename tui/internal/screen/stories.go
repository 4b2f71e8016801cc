package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// JobWhy draws what keeps a job where it is, the first to bind at the top.
func JobWhy(th theme.Theme, w admin.JobWhy, width int) []string {
	lines := []string{widget.Line(th, width, "  ", widget.Segment{Text: " job " + w.ID, Role: theme.Title}, widget.Segment{Text: "org " + w.Org}, widget.Segment{Text: "state " + w.State}), ""}
	if len(w.Causes) == 0 {
		return append(lines, " Nothing holds it: it starts when a worker has a free slot.")
	}
	for _, c := range w.Causes {
		lines = append(lines, causeLines(th, c, width)...)
	}
	return lines
}

func causeLines(th theme.Theme, c admin.Cause, width int) []string {
	sign, role := th.Glyphs.Few, theme.Plain
	if c.Holds {
		sign, role = "!", theme.Warn
	}
	head := []widget.Segment{{Text: " " + sign + " " + c.Code, Role: role}}
	if c.Who != nil {
		head = append(head, widget.Segment{Text: "by " + *c.Who})
	}
	if c.Since != nil {
		head = append(head, widget.Segment{Text: "since " + clock(*c.Since), Rank: 1})
	}
	if c.Until != nil {
		head = append(head, widget.Segment{Text: "until " + clock(*c.Until)})
	}
	lines := append([]string{widget.Line(th, width, "  ", head...)}, Wrap("   ", c.Text, width)...)
	if c.Command != nil {
		lines = append(lines, widget.Line(th, width, "", widget.Segment{Text: "   " + *c.Command, Role: theme.Dim}))
	}
	return append(lines, "")
}

// ErrorGroups draws failed jobs by what went wrong, the largest group first.
func ErrorGroups(th theme.Theme, groups []admin.ErrorGroup, width int) []string {
	if len(groups) == 0 {
		return []string{"", " Nothing has failed here: no job is dead, uncertain or tried again."}
	}
	t := widget.Table{Columns: []widget.Column{
		{Title: "ERROR", Width: 22, Most: 30},
		{Title: "JOBS", Width: 6, Right: true},
		{Title: "DEAD", Width: 6, Right: true, Rank: 1},
		{Title: "UNCERT", Width: 6, Right: true, Rank: 2},
		{Title: "RETRY", Width: 6, Right: true, Rank: 3},
		{Title: "ORGS", Width: 6, Right: true, Rank: 4},
		{Title: "LAST", Width: 9, Right: true, Rank: 5},
		{Title: "SUCH AS", Width: 10, Most: 120, Rank: 6},
	}}
	for _, g := range groups {
		last, orgs := unknown(th.Glyphs), text.Count(g.Orgs)
		if g.LastAt != nil {
			last = plain(g.LastAt.UTC().Format("15:04:05Z"))
		}
		if g.OrgsMore {
			orgs += "+"
		}
		name := g.ErrorClass
		if g.ErrorCode != nil {
			name += fmt.Sprintf(" %d", *g.ErrorCode)
		}
		t.Rows = append(t.Rows, widget.Row{ID: g.Sig, Cells: []widget.Cell{
			plain(name), count(g.N), trouble(g.Dead), trouble(g.Uncertain), count(g.Retrying), plain(orgs), last, plain(deref(g.SampleText)),
		}})
	}
	lines := append([]string{}, t.View(th, width, t.MostLines())...)
	return append(lines, "", widget.Line(th, width, "", widget.Segment{Text: " :jobs sig=" + groups[0].Sig + " shows those of the first", Role: theme.Dim}))
}

// Operations draws what people have changed, newest first, and what can be
// undone.
func Operations(th theme.Theme, all []admin.Operation, now time.Time, width int) []string {
	if len(all) == 0 {
		return []string{"", " Nobody has planned an operation yet."}
	}
	t := widget.Table{Columns: []widget.Column{
		{Title: "OPERATION", Width: 10, Most: 12},
		{Title: "KIND", Width: 8},
		{Title: "STATE", Width: 10},
		{Title: "DONE", Width: 11, Right: true},
		{Title: "BY", Width: 10, Most: 24, Rank: 1},
		{Title: "AGO", Width: 7, Right: true, Rank: 2},
		{Title: "UNDO", Width: 12, Most: 44, Rank: 3},
		{Title: "REASON", Width: 10, Most: 60, Rank: 4},
	}}
	for _, o := range all {
		t.Rows = append(t.Rows, widget.Row{ID: o.ID, Cells: []widget.Cell{
			plain(o.ID), plain(o.Kind), plain(o.State), plain(text.Count(o.Progress.Done) + "/" + text.Count(o.Plan.Matched)),
			plain(o.Actor), plain(text.Age(now.Sub(o.CreatedAt))), undoCell(o), plain(deref(o.Reason)),
		}})
	}
	return append(t.View(th, width, t.MostLines()), "", widget.Line(th, width, "", widget.Segment{Text: " inboxctl ops show ID  ops undo ID", Role: theme.Dim}))
}

func undoCell(o admin.Operation) widget.Cell {
	switch {
	case o.UndoneBy != nil:
		return widget.Cell{Text: "undone by " + *o.UndoneBy, Role: theme.Dim}
	case o.UndoOf != nil:
		return widget.Cell{Text: "undoes " + *o.UndoOf, Role: theme.Dim}
	case o.Plan.Undo.Possible:
		return plain("possible")
	}
	return widget.Cell{Text: "not possible", Role: theme.Dim}
}

// Wrap breaks a text into lines of at most width cells, each with an indent.
func Wrap(indent, s string, width int) (lines []string) {
	line := indent
	for word := range strings.FieldsSeq(s) {
		if line != indent && text.Width(line)+1+text.Width(word) > width {
			lines = append(lines, line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	return append(lines, text.Cut(line, width, ""))
}
