package screen

import (
	"fmt"

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
		name: "SLA", empty: "No customer has written in the last hour.", pick: func(t admin.Top) []user { return t.Users }, below: slaBelow,
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
		return theme.Crit
	}
	return theme.Plain
}

func slaBelow(th theme.Theme, u admin.TopUser, width, _ int) []string {
	met := th.Glyphs.Unknown
	if u.Met != nil {
		met = Percent(*u.Met)
	}
	lines := []string{widget.Line(th, width, "  ", widget.Segment{Text: " " + u.Name + "@" + u.Org, Role: theme.Title},
		widget.Segment{Text: fmt.Sprintf("%s of %d answered within %s, goal %s", met, u.N, text.Millis(float64(u.TargetMS)), Percent(u.Objective))})}
	if u.LastMiss != nil {
		why := ""
		if u.Cause != nil {
			why = ", mostly " + *u.Cause
		}
		lines = append(lines, widget.Line(th, width, "", widget.Segment{Text: " last miss " + u.LastMiss.UTC().Format("15:04:05Z") + why}))
	}
	return append(lines, widget.Line(th, width, "", widget.Segment{Text: " inboxctl sla misses --org " + u.Org + " --user " + u.Name, Role: theme.Dim}))
}
