package screen

import (
	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// NewSLA returns the view of first answers by user: who has used up most of
// the misses there may be first.
func NewSLA() View {
	type user = admin.TopUser
	return &page[user]{
		name: "SLA", empty: "No customer has written in the last hour.", legend: "P95: response", pick: func(t admin.Top) []user { return t.Users }, detail: slaDetail,
		jobs: func(u user) admin.Selector { return admin.Selector{Org: []string{u.Org}, User: []string{u.Name}} },
		list: list[user]{
			id:   func(u user) string { return u.ID },
			text: func(u user) string { return u.Name + "@" + u.Org },
			columns: []column[user]{
				named("USER", "user", 16, 32, 0, func(u user) string { return u.Name + "@" + u.Org }, nil),
				{Column: widget.Column{Title: "BUDGET", Width: 10, Most: 20, Rank: 5}, cell: func(u user, g theme.Glyphs) widget.Cell {
					if u.Burnt == nil {
						return unknown(g)
					}
					return gauge(min(*u.Burnt, 1), burn(u), g)
				}},
				number("BURNT", "burnt", 7, 1, func(u user) *float64 { return u.Burnt }, func(u user, g theme.Glyphs) widget.Cell {
					return alarm(share(u.Burnt, g), burn(u) != theme.Plain, theme.Crit)
				}),
				number("MET", "met", 7, 0, func(u user) *float64 { return u.Met }, func(u user, g theme.Glyphs) widget.Cell {
					return alarm(share(u.Met, g), u.Met != nil && *u.Met < u.Objective, theme.Crit)
				}),
				number("GOAL", "", 5, 6, nil, func(u user, _ theme.Glyphs) widget.Cell { return plain(Percent(u.Objective)) }),
				counted("n", "n", 5, 4, func(u user) int64 { return u.N }, count),
				counted("MISSED", "missed", 7, 0, func(u user) int64 { return u.Misses }, trouble),
				counted("OVERDUE", "overdue", 8, 2, func(u user) int64 { return u.Overdue }, trouble),
				counted("AT RISK", "at risk", 8, 3, func(u user) int64 { return u.AtRisk }, trouble),
				counted("PENDING", "pending", 7, 8, func(u user) int64 { return u.Pending }, count),
				number("P50", "P50", 6, 9, func(u user) *float64 { return u.P50MS }, func(u user, g theme.Glyphs) widget.Cell { return millis(u.P50MS, g) }),
				number("P95", "P95", 6, 3, func(u user) *float64 { return u.P95MS }, func(u user, g theme.Glyphs) widget.Cell { return millis(u.P95MS, g) }),
				number("WORST", "worst", 6, 7, func(u user) *float64 { return float(u.WorstMS) }, func(u user, g theme.Glyphs) widget.Cell { return spanOf(u.WorstMS, g) }),
				named("MOSTLY", "", 10, 0, 10, func(u user) string { return deref(u.Cause) }, nil),
			},
		},
	}
}

// burn is how the used-up share of the budget looks.
func burn(u admin.TopUser) theme.Role {
	if u.Burnt != nil && *u.Burnt >= 1 {
		return theme.Warn // the figure beside it says it louder
	}
	return theme.Plain
}

// slaDetail is the user under the cursor.
func slaDetail(th theme.Theme, u admin.TopUser, width, _ int) []string {
	g := th.Glyphs
	s := sheet{title: u.Name + "@" + u.Org}
	s.add("met", alarm(share(u.Met, g), u.Met != nil && *u.Met < u.Objective, theme.Crit))
	s.add("goal", plain(Percent(u.Objective)+" in "+text.Millis(float64(u.TargetMS))))
	s.add("answered", count(u.N))
	s.add("missed", trouble(u.Misses))
	s.add("overdue", trouble(u.Overdue))
	s.add("at risk", trouble(u.AtRisk))
	s.add("pending", count(u.Pending))
	s.add("P50", millis(u.P50MS, g))
	s.add("P95", millis(u.P95MS, g))
	s.add("worst", spanOf(u.WorstMS, g))
	if u.LastMiss != nil {
		s.add("last miss", plain(u.LastMiss.UTC().Format("15:04:05Z")))
	}
	if u.Cause != nil {
		s.note(theme.Plain, "most misses: %s", *u.Cause)
	}
	s.note(theme.Dim, "Enter: who waits, what was missed and why")
	return s.draw(th, width)
}
