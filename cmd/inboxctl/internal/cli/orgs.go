package cli

import (
	"bytes"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

func newOrgsCmd(a *app) *cobra.Command {
	return newGroupCmd("orgs", "org", "Organisations: the tenants", newOrgsListCmd(a, nil), newOrgsShowCmd(a, nil),
		newOrgsAddCmd(a, nil), newOrgsSetCmd(a, nil),
		newOrgsPauseCmd(a, nil), newOrgsResumeCmd(a, nil), newOrgsHoldsCmd(a, nil))
}

func orgColumns() []column[admin.Org] {
	count := func(name string, n func(admin.Org) *int64) column[admin.Org] {
		return column[admin.Org]{name: name, right: true, cell: func(o admin.Org, _ time.Time) string { return countOf(n(o)) }}
	}
	columns := []column[admin.Org]{
		{name: "ORG", cell: func(o admin.Org, _ time.Time) string { return o.Name }},
		{name: "STATE", cell: func(o admin.Org, _ time.Time) string { return heldState(o.Paused, o.Holds) }},
		count("READY", func(o admin.Org) *int64 { return o.Ready }),
		{name: "OLDEST", right: true, cell: func(o admin.Org, _ time.Time) string { return msOf(o.OldestReadyMS) }},
		count("DEAD", func(o admin.Org) *int64 { return o.Dead }),
		count("UNCERTAIN", func(o admin.Org) *int64 { return o.Uncertain }),
	}
	for _, c := range orgSettings()[1:] {
		c.wide = c.name != "SLA TARGET"
		columns = append(columns, c)
	}
	return columns
}

// orgSettings show what an org was given.
func orgSettings() []column[admin.Org] {
	return []column[admin.Org]{
		{name: "ORG", cell: func(o admin.Org, _ time.Time) string { return o.Name }},
		{name: "ID", right: true, cell: func(o admin.Org, _ time.Time) string { return o.ID }},
		{name: "SLA TARGET", right: true, cell: func(o admin.Org, _ time.Time) string { return text.Millis(float64(o.SLATargetMS)) }},
		{name: "OBJECTIVE", right: true, cell: func(o admin.Org, _ time.Time) string { return shareText(o.SLAObjective) }},
		{name: "TIME ZONE", cell: func(o admin.Org, _ time.Time) string { return o.TimeZone }},
		{name: "ADDED", cell: func(o admin.Org, asOf time.Time) string { return agoText(&o.CreatedAt, asOf) }},
	}
}

func shareText(share float64) string { return strconv.FormatFloat(share*100, 'f', -1, 64) + "%" }

// rowText shows one new thing as it will look in its list.
func rowText[T any](a *app, columns []column[T]) func(*bytes.Buffer, T, time.Time) {
	return func(b *bytes.Buffer, item T, asOf time.Time) {
		writeTable(b, columns, []T{item}, asOf, a.flags.output == "wide", !a.flags.noHeaders)
	}
}
