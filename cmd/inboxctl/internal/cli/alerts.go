package cli

import (
	"bytes"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

func newAlertsCmd(a *app) *cobra.Command {
	return newGroupCmd("alerts", "alert", "What is wrong, who is at it, and who is told",
		newAlertsListCmd(a, nil), newAlertsAckCmd(a, nil), newAlertsUnackCmd(a, nil), newAlertsMuteCmd(a, nil), newAlertsUnmuteCmd(a, nil), newAlertsTestCmd(a, nil))
}

// alertOptions are those of every command that marks an alert.
type alertOptions struct {
	*app

	change changeFlags
	id     string
	lasts  lasting
}

func alertColumns() []column[admin.Alert] {
	type alert = admin.Alert
	return []column[alert]{
		{name: "SEVERITY", cell: func(a alert, _ time.Time) string { return a.Severity }},
		{name: "STATE", cell: func(a alert, _ time.Time) string { return a.State }},
		{name: "ALERT", cell: func(a alert, _ time.Time) string { return a.ID }},
		{name: "VALUE", cell: func(a alert, _ time.Time) string { return a.Text }},
		{name: "SINCE", cell: func(a alert, asOf time.Time) string { return agoText(&a.Since, asOf) }},
		{name: "MARK", cell: markText},
		{name: "CAUSE", wide: true, cell: func(a alert, _ time.Time) string { return maybe(a.Cause) }},
		{name: "LOOK AT", wide: true, cell: func(a alert, _ time.Time) string { return maybe(a.Command) }},
		{name: "RUNBOOK", wide: true, cell: func(a alert, _ time.Time) string { return maybe(a.Runbook) }},
	}
}

// markText says who is at it, until when it is quiet, or since when it is over.
func markText(a admin.Alert, asOf time.Time) string {
	switch a.State {
	case admin.AlertMuted:
		return "by " + maybe(a.MutedBy) + ", ends " + agoText(a.Muted, asOf)
	case admin.AlertAcked:
		return "by " + maybe(a.AckedBy) + " " + agoText(a.AckedAt, asOf)
	case admin.AlertResolved:
		return "over " + agoText(a.ResolvedAt, asOf)
	}
	return ""
}

// printAlert prints an alert that was just marked.
func (o *alertOptions) printAlert(answer admin.One[admin.Alert], done string) error {
	return printOne(o.app, answer, func(b *bytes.Buffer, a admin.Alert, _ time.Time) {
		fmt.Fprintf(b, "%s %s: it is %s.\n", done, text.Clean(a.ID), a.State)
	})
}
