package cli

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

func newSLACmd(a *app) *cobra.Command {
	return newGroupCmd("sla", "", "How soon customers are answered",
		newSLAReportCmd(a, nil), newSLAUsersCmd(a, nil), newSLAMissesCmd(a, nil), newSLAAtRiskCmd(a, nil), newSLAPolicyCmd(a, nil))
}

// slaFlags choose questions of customers by when they were asked, and whose.
type slaFlags struct {
	org, channel, window string
	day, since, until    string
	user                 []string

	given func(flag string) bool
}

func (f *slaFlags) add(cmd *cobra.Command) {
	f.given = cmd.Flags().Changed
	s := cmd.Flags()
	s.StringVar(&f.org, "org", "", "only of this `ORG`")
	s.StringSliceVar(&f.user, "user", nil, "only of these `USERS`")
	s.StringVar(&f.channel, "channel", "", "only on the channel with this `ID`")
	s.StringVar(&f.window, "window", "24h", "asked within this `DURATION`: 1h, 24h, 7d")
	s.StringVar(&f.day, "day", "", "asked on this `DAY` of the org's time zone, such as 2026-11-20")
	s.StringVar(&f.since, "since", "", "asked at or after `TIME`: 2h (ago), 2026-01-31 or 2026-01-31T15:04:05Z")
	s.StringVar(&f.until, "until", "", "asked before `TIME`, written like --since")
	complete(cmd, "window", "1h", "24h", "7d")
}

// filter checks what can be checked without the server.
func (f *slaFlags) filter(now time.Time) (w admin.SLAFilter, err error) {
	for _, flag := range []string{"org", "user", "channel", "window", "day", "since", "until"} {
		value := map[string]string{
			"org": f.org, "user": strings.Join(f.user, ""), "channel": f.channel, "window": f.window, "day": f.day, "since": f.since, "until": f.until,
		}[flag]
		if f.given(flag) && value == "" {
			return w, usagef("--%s is given but empty", flag)
		}
	}
	span := f.since != "" || f.until != ""
	if ways := []bool{f.given("window"), f.day != "", span}; len(slices.DeleteFunc(ways, func(b bool) bool { return !b })) > 1 {
		return w, usagef("give --window, --day, or --since and --until: only one of them")
	}
	w.Org, w.Channel, w.User = f.org, f.channel, admin.SplitList(f.user)
	switch {
	case f.day != "":
		if _, err := time.Parse(time.DateOnly, f.day); err != nil {
			return w, usagef("--day %q is not a day: write it as 2026-10-31", f.day)
		}
		w.Day = f.day
	case span:
		w.Since, w.Until, err = parseSpan(f.since, f.until, now)
	default:
		if w.Window, err = parseDuration("--window", f.window); err == nil && w.Window < time.Second {
			return w, usagef("--window %s is too short: use for example 1h", f.window)
		}
	}
	return w, err
}

// slaColumns show figures; by is what they are split by.
func slaColumns(by string) []column[admin.SLAFigures] {
	type figures = admin.SLAFigures
	columns := []column[figures]{{name: "ORG", cell: func(f figures, _ time.Time) string { return f.Org }}}
	switch by {
	case "user":
		columns = append(columns, column[figures]{name: "USER", cell: func(f figures, _ time.Time) string { return slaWho(f.User, maybe(f.Who)) }})
	case "channel":
		columns = append(columns,
			column[figures]{name: "CHANNEL", right: true, cell: func(f figures, _ time.Time) string { return maybe(f.ChannelID) }},
			column[figures]{name: "KIND", cell: func(f figures, _ time.Time) string { return maybe(f.ChannelKind) }})
	}
	number := func(name string, value func(figures) int64) column[figures] {
		return column[figures]{name: name, right: true, cell: func(f figures, _ time.Time) string { return countText(value(f)) }}
	}
	span := func(name string, wide bool, value func(figures) *int64) column[figures] {
		return column[figures]{name: name, wide: wide, right: true, cell: func(f figures, _ time.Time) string { return orElse(slaSpan(value(f)), "–") }}
	}
	return append(columns,
		column[figures]{name: "MET", right: true, cell: func(f figures, _ time.Time) string { return admin.ShareText(f.Compliance) }},
		column[figures]{name: "GOAL", right: true, cell: func(f figures, _ time.Time) string { return admin.ShareText(&f.Objective) }},
		number("N", func(f figures) int64 { return f.N }),
		number("MISSED", func(f figures) int64 { return f.Missed }),
		span("P50", false, func(f figures) *int64 { return f.P50MS }),
		span("P90", false, func(f figures) *int64 { return f.P90MS }),
		span("P95", false, func(f figures) *int64 { return f.P95MS }),
		span("WORST", false, func(f figures) *int64 { return f.WorstMS }),
		number("PENDING", func(f figures) int64 { return f.Pending }),
		number("RISK", func(f figures) int64 { return f.AtRisk }),
		number("OVERDUE", func(f figures) int64 { return f.Overdue }),
		span("OLDEST", true, func(f figures) *int64 { return f.OldestOpenMS }),
		span("TARGET", true, func(f figures) *int64 { return &f.TargetMS }))
}

// slaWho names whom something is charged to.
func slaWho(user *string, who string) string {
	switch who {
	case "phone_app":
		return "(phone app)"
	case "unassigned":
		return "(unassigned)"
	}
	return maybe(user)
}

func slaSpan(ms *int64) string {
	if ms == nil {
		return ""
	}
	return text.Age(time.Duration(*ms) * time.Millisecond)
}
