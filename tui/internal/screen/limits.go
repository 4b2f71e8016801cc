package screen

import (
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
		name: "Limits", empty: "No org has used a limit yet.", pick: func(t admin.Top) []admin.TopLimit { return t.Limits }, detail: limitDetail,
		jobs: func(l admin.TopLimit) admin.Selector {
			return admin.Selector{Org: []string{l.Org}, State: []string{"ready"}}
		},
		list: list[admin.TopLimit]{
			id:   func(l admin.TopLimit) string { return l.ID },
			text: func(l admin.TopLimit) string { return l.Org + " " + l.Name + " " + l.Source },
			columns: []column[admin.TopLimit]{
				named("ORG", "org", 10, 24, 0, func(l admin.TopLimit) string { return l.Org }, nil),
				named("LIMIT", "limit", 13, 0, 0, func(l admin.TopLimit) string { return l.Name }, nil),
				{Column: widget.Column{Title: "USE", Width: 10, Most: 24, Rank: 3}, cell: func(l admin.TopLimit, g theme.Glyphs) widget.Cell {
					return gauge(used(l), fullness(l), g)
				}},
				number("USED", "used", 9, 0, func(l admin.TopLimit) *float64 { return new(used(l)) }, usedOf),
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
		return theme.Warn // the figure beside it says it louder
	}
	return theme.Plain
}

func usedOf(l admin.TopLimit, g theme.Glyphs) widget.Cell {
	if l.Used == nil {
		return widget.Cell{Text: g.Unknown + "/" + text.Count(int64(l.Max))}
	}
	return plain(text.Count(int64(*l.Used)) + "/" + text.Count(int64(l.Max)))
}

// limitDetail is the limit under the cursor.
func limitDetail(th theme.Theme, l admin.TopLimit, width, height int) []string {
	g := th.Glyphs
	s := sheet{title: l.Org + " " + l.Name}
	s.add("allows", plain(admin.LimitText(&l.Max, &l.WindowMS)))
	s.add("used", usedOf(l, g))
	s.add("resets in", spanOf(l.ResetMS, g))
	s.add("comes from", plain(l.Source))
	s.add("set by", plain(orUnknown(l.Owner, g)))
	if l.Until != nil {
		s.add("until", plain(l.Until.UTC().Format("15:04:05Z")))
	}
	if l.Waiting != nil && *l.Waiting > 0 && l.WindowMS > 0 && l.Max > 0 {
		drained := float64(*l.Waiting) * float64(l.WindowMS) / float64(l.Max)
		s.note(theme.Plain, "%d jobs wait for it: at this limit they are gone in %s", *l.Waiting, text.Millis(drained))
	}
	s.note(theme.Dim, "Enter: what another value would do, and who has changed it")
	lines := s.draw(th, width)
	if would := (LimitStory{Limit: l}).wouldBe(th, width); len(would) > 0 && height > len(lines)+len(would) {
		lines = append(append(lines, ""), would...)
	}
	return lines
}
