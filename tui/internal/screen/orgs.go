package screen

import (
	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
)

// NewOrgs returns the view of orgs: the largest backlog first.
func NewOrgs() View {
	type org = admin.TopOrg
	p95 := func(o org) *float64 { return o.Windows["5m"].Wait.P95MS }
	return &page[org]{
		name: "Orgs", empty: "There are no orgs.", pick: func(t admin.Top) []org { return t.Orgs }, detail: orgDetail,
		jobs: func(o org) admin.Selector { return admin.Selector{Org: []string{o.Name}} },
		list: list[org]{
			id: func(o org) string { return o.ID }, text: func(o org) string { return o.Name },
			columns: []column[org]{
				named("ORG", "name", 13, 28, 0, func(o org) string { return o.Name }, orgName),
				counted("READY", "ready", 6, 0, func(o org) int64 { return o.Ready }, count),
				counted("RUN", "running", 5, 2, func(o org) int64 { return o.Running }, count),
				counted("DEAD", "dead", 6, 1, func(o org) int64 { return o.Dead }, trouble),
				counted("UNCERT", "uncertain", 7, 7, func(o org) int64 { return o.Uncertain }, trouble),
				number("OUT/s", "out/s", 6, 4, func(o org) *float64 { return o.OutPerS }, func(o org, g theme.Glyphs) widget.Cell { return perSecond(o.OutPerS, g) }),
				number("P95", "wait P95", 6, 0, p95, func(o org, g theme.Glyphs) widget.Cell { return millis(p95(o), g) }),
				number("SLA 1h", "SLA", 7, 0, func(o org) *float64 { return o.SLA }, func(o org, g theme.Glyphs) widget.Cell {
					return alarm(share(o.SLA, g), o.SLA != nil && o.SLAObjective != nil && *o.SLA < *o.SLAObjective, theme.Crit)
				}),
				number("SHARE", "share", 6, 8, func(o org) *float64 { return o.Share }, func(o org, g theme.Glyphs) widget.Cell { return share(o.Share, g) }),
				number("LIMIT", "limit", 6, 3, func(o org) *float64 {
					if o.TopLimit == nil {
						return nil
					}
					return &o.TopLimit.Share
				}, func(o org, g theme.Glyphs) widget.Cell {
					if o.TopLimit == nil {
						return unknown(g)
					}
					return alarm(plain(Percent(o.TopLimit.Share)), o.TopLimit.Share >= nearLimit, theme.Crit)
				}),
				counted("WEIGHT", "weight", 6, 9, func(o org) int64 { return int64(o.Weight) }, count),
			},
		},
	}
}

func orgName(o admin.TopOrg, g theme.Glyphs) widget.Cell {
	if o.Paused != nil || o.Holds > 0 {
		return widget.Cell{Text: o.Name + " " + g.Frozen, Role: theme.Warn}
	}
	return plain(o.Name)
}

// orgDetail is the org under the cursor.
func orgDetail(th theme.Theme, o admin.TopOrg, width, height int) []string {
	g := th.Glyphs
	s := sheet{title: "org " + o.Name}
	s.add("uncertain", trouble(o.Uncertain))
	s.add("weight", count(int64(o.Weight)))
	s.add("under way", share(o.Share, g))
	s.add("fair would", share(o.FairShare, g))
	s.add("SLA goal", share(o.SLAObjective, g))
	s.add("SLA, n", count(o.Answers))
	if o.Paused != nil {
		s.note(theme.Warn, "%s", pausedBy(*o.Paused))
	} else if o.Holds > 0 {
		s.note(theme.Warn, "held (%d): inboxctl orgs holds %s", o.Holds, o.Name)
	}
	if o.TopLimit != nil {
		s.note(theme.Plain, "fullest limit: %s %s", o.TopLimit.Name, Percent(o.TopLimit.Share))
	}
	lines := s.draw(th, width)
	if height < len(lines)+4 {
		return lines
	}
	return append(append(lines, ""), windowLines(th, o.Windows, width, height-len(lines)-1)...)
}
