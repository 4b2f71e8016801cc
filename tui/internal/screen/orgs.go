package screen

import (
	"slices"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// orgPage is the page of orgs with what else is known of each.
type orgPage struct {
	page[admin.TopOrg]

	series *admin.TopSeries
}

// NewOrgs returns the view of orgs: the largest backlog first.
func NewOrgs() View {
	type org = admin.TopOrg
	p95 := func(o org) *float64 { return o.Windows["5m"].Wait.P95MS }
	view := &orgPage{}
	view.page = page[org]{
		name: "Orgs", empty: "There are no orgs.", legend: "P95: wait", pick: func(t admin.Top) []org { return t.Orgs }, detail: view.sheet,
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
	return view
}

// Set also keeps the past.
func (v *orgPage) Set(t admin.Top, now time.Time) {
	if t.Series != nil {
		v.series = t.Series
	}
	v.page.Set(t, now)
}

func (v *orgPage) Clone() View {
	c := *v
	c.detail = c.sheet
	return &c
}

func orgName(o admin.TopOrg, g theme.Glyphs) widget.Cell {
	if o.Paused != nil || o.Holds > 0 {
		return widget.Cell{Text: o.Name + " " + g.Frozen, Role: theme.Warn}
	}
	return plain(o.Name)
}

// sheet is the org under the cursor: with room for it, its times, its limits, its
// agents and its past.
func (v *orgPage) sheet(th theme.Theme, o admin.TopOrg, width, height int) []string {
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
	lines = append(append(lines, ""), windowLines(th, o.Windows, width, height-len(lines)-1)...)
	theirs := admin.Top{
		Limits: slices.DeleteFunc(slices.Clone(v.top.Limits), func(l admin.TopLimit) bool { return l.Org != o.Name }),
		Users:  slices.DeleteFunc(slices.Clone(v.top.Users), func(u admin.TopUser) bool { return u.Org != o.Name }),
	}
	for _, part := range []View{NewLimits(), NewSLA()} {
		part.Set(theirs, time.Time{})
		lines = appendPart(lines, bareOf(part, th, width, mostOfOrg, false), height)
	}
	if v.series != nil {
		lines = append(lines, past(th, v.series.Orgs[o.ID], v.series.StepMS, "ready", width, height-len(lines), func(n float64) string { return text.Count(int64(n)) })...)
	}
	return lines
}

// mostOfOrg is how many lines the limits and the agents of an org take at most.
const mostOfOrg = 8

// appendPart adds a table, if all of it has room.
func appendPart(lines, part []string, height int) []string {
	if len(part) < 2 || len(lines)+len(part)+1 > height {
		return lines
	}
	return append(append(lines, ""), part...)
}
