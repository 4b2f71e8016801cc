package screen

import (
	"fmt"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// nearLimit is the share of a limit from which it is worth a look.
const nearLimit = 0.9

// NewLimits returns the view of limits: the fullest first.
func NewLimits() View {
	return &page[admin.TopLimit]{
		name: "Limits", empty: "No org has used a limit yet.", pick: func(t admin.Top) []admin.TopLimit { return t.Limits }, below: limitBelow,
		jobs: func(l admin.TopLimit) admin.Selector {
			return admin.Selector{Org: []string{l.Org}, State: []string{"ready"}}
		},
		list: list[admin.TopLimit]{
			id:   func(l admin.TopLimit) string { return l.ID },
			text: func(l admin.TopLimit) string { return l.Org + " " + l.Name + " " + l.Source },
			columns: []column[admin.TopLimit]{
				named("ORG", "org", 12, 24, 0, func(l admin.TopLimit) string { return l.Org }, nil),
				named("LIMIT", "limit", 13, 0, 0, func(l admin.TopLimit) string { return l.Name }, nil),
				{Column: widget.Column{Title: "USE", Width: 10, Most: 24, Rank: 3}, cell: func(l admin.TopLimit, g theme.Glyphs) widget.Cell {
					return gauge(used(l), fullness(l), g)
				}},
				number("USED", "used", 11, 0, func(l admin.TopLimit) *float64 { return new(used(l)) }, usedOf),
				number("%", "", 6, 1, nil, func(l admin.TopLimit, g theme.Glyphs) widget.Cell {
					if l.Used == nil || l.Max == 0 {
						return unknown(g)
					}
					return alarm(plain(Percent(used(l))), used(l) >= nearLimit, theme.Crit)
				}),
				number("WAITING", "waiting", 7, 2, func(l admin.TopLimit) *float64 { return float(l.Waiting) },
					func(l admin.TopLimit, g theme.Glyphs) widget.Cell {
						if l.Waiting == nil {
							return unknown(g)
						}
						return trouble(*l.Waiting)
					}),
				number("RESETS", "", 7, 5, nil, func(l admin.TopLimit, g theme.Glyphs) widget.Cell { return spanOf(l.ResetMS, g) }),
				named("SOURCE", "source", 9, 0, 6, func(l admin.TopLimit) string { return l.Source }, nil),
			},
		},
	}
}

func used(l admin.TopLimit) float64 {
	if l.Used == nil || l.Max == 0 {
		return 0
	}
	return float64(*l.Used) / float64(l.Max)
}

func fullness(l admin.TopLimit) theme.Role {
	if used(l) >= nearLimit {
		return theme.Crit
	}
	return theme.Plain
}

func usedOf(l admin.TopLimit, g theme.Glyphs) widget.Cell {
	if l.Used == nil {
		return widget.Cell{Text: g.Unknown + "/" + text.Count(int64(l.Max))}
	}
	return plain(text.Count(int64(*l.Used)) + "/" + text.Count(int64(l.Max)))
}

func limitBelow(th theme.Theme, l admin.TopLimit, width, _ int) []string {
	rate := fmt.Sprintf("%d per %s", l.Max, text.Millis(float64(l.WindowMS)))
	segments := []widget.Segment{
		{Text: " " + l.Org + " " + l.Name, Role: theme.Title}, {Text: rate}, {Text: "from " + l.Source},
	}
	if l.Owner != nil {
		segments = append(segments, widget.Segment{Text: "set by " + *l.Owner, Rank: 1})
	}
	if l.Until != nil {
		segments = append(segments, widget.Segment{Text: "until " + l.Until.UTC().Format("15:04:05Z"), Rank: 2})
	}
	lines := []string{widget.Line(th, width, "  ", segments...)}
	if l.Waiting != nil && *l.Waiting > 0 && l.WindowMS > 0 && l.Max > 0 {
		minutes := float64(*l.Waiting) * float64(l.WindowMS) / float64(l.Max)
		lines = append(lines, widget.Line(th, width, "", widget.Segment{
			Text: fmt.Sprintf(" %d jobs wait for it: at this limit they are gone in %s", *l.Waiting, text.Millis(minutes)),
		}))
	}
	return append(lines, widget.Line(th, width, "", widget.Segment{
		Text: " inboxctl limits set --org " + l.Org + " " + l.Name + "=" + fmt.Sprint(2*l.Max) + "/min --for 1h", Role: theme.Dim,
	}))
}
