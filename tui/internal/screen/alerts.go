package screen

import (
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// alerts is the page of what is wrong now.
type alerts struct {
	page[admin.Alert]

	now time.Time
}

// NewAlerts returns the view of alerts: the worst and oldest first.
func NewAlerts() View {
	a := &alerts{}
	a.page = page[admin.Alert]{
		name: "Alerts", empty: "Nothing is wrong.", pick: func(t admin.Top) []admin.Alert { return t.Alerts }, detail: alertDetail,
		list: list[admin.Alert]{
			id:      func(a admin.Alert) string { return a.ID },
			text:    func(a admin.Alert) string { return a.Severity + " " + a.Rule + " " + a.Scope + " " + a.Text },
			columns: alertColumns(time.Time{}),
		},
	}
	return a
}

// Set also keeps the clock: alerts say for how long.
func (a *alerts) Set(t admin.Top, now time.Time) {
	a.now, a.columns = now, alertColumns(now)
	a.page.Set(t, now)
}

func (a *alerts) Clone() View {
	c := *a
	return &c
}

func alertColumns(now time.Time) []column[admin.Alert] {
	return []column[admin.Alert]{
		named("SEV", "", 4, 0, 0, func(a admin.Alert) string { return a.Severity }, severity),
		named("RULE", "rule", 14, 24, 0, func(a admin.Alert) string { return a.Rule }, nil),
		named("SCOPE", "scope", 14, 28, 0, func(a admin.Alert) string { return a.Scope }, nil),
		named("VALUE", "", 16, 44, 1, func(a admin.Alert) string { return a.Text }, nil),
		number("FOR", "age", 7, 0, func(a admin.Alert) *float64 { return new(float64(now.Sub(a.Since).Milliseconds())) },
			func(a admin.Alert, _ theme.Glyphs) widget.Cell { return plain(text.Age(now.Sub(a.Since))) }),
		named("SEEN BY", "", 10, 0, 3, func(a admin.Alert) string { return deref(a.AckedBy) }, seenBy),
	}
}

func severity(a admin.Alert, _ theme.Glyphs) widget.Cell {
	if a.Severity == "critical" {
		return widget.Cell{Text: "CRIT", Role: theme.Crit}
	}
	return widget.Cell{Text: "WARN", Role: theme.Warn}
}

func seenBy(a admin.Alert, g theme.Glyphs) widget.Cell {
	switch {
	case a.Muted != nil:
		return widget.Cell{Text: "muted", Role: theme.Dim}
	case a.AckedBy != nil:
		return plain(*a.AckedBy)
	}
	return unknown(g)
}

// alertDetail is the alert under the cursor: what it means and what to do.
func alertDetail(th theme.Theme, a admin.Alert, width, _ int) []string {
	g := th.Glyphs
	s := sheet{title: a.Rule + ", " + a.Scope}
	s.add("severity", widget.Cell{Text: a.Severity, Role: severity(a, g).Role})
	s.add("since", plain(a.Since.UTC().Format("15:04:05Z")))
	s.note(theme.Plain, "%s", a.Text)
	if a.Muted != nil {
		s.note(theme.Plain, "muted%s, until %s", byWhom(a.MutedBy, a.MuteReason), a.Muted.UTC().Format("15:04:05Z"))
	}
	if a.AckedBy != nil {
		s.note(theme.Plain, "acknowledged%s", byWhom(a.AckedBy, a.AckReason))
	}
	if a.Cause != nil {
		s.note(theme.Plain, "likely cause: %s", *a.Cause)
	}
	if a.Command != nil {
		s.note(theme.Plain, "look at: %s", *a.Command)
	}
	if a.Runbook != nil {
		s.note(theme.Dim, "runbook: docs/%s", *a.Runbook)
	}
	return s.draw(th, width)
}

// byWhom writes " by bo: what for".
func byWhom(who, why *string) string {
	switch {
	case who == nil:
		return ""
	case why == nil || *why == "":
		return " by " + *who
	default:
		return " by " + *who + ": " + *why
	}
}
