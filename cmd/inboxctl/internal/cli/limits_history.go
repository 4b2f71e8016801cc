package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type limitsHistoryOptions struct {
	*app

	pageFlags
	org string
}

func newLimitsHistoryCmd(a *app, run func(context.Context, *limitsHistoryOptions) error) *cobra.Command {
	o := &limitsHistoryOptions{app: a}
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List who changed which limit, newest first",
		Long: `List who changed which limit, newest first. ENDS is when what was set ended, or
will: by itself, or because somebody changed it again, who is then named.`,
		Example: `  inboxctl limits history --org acme
  inboxctl limits history -o csv`,
		Args: takes(),
		RunE: does(o, run, runLimitsHistory),
	}
	cmd.Flags().StringVar(&o.org, "org", "", "only of this `ORG`")
	o.add(cmd)
	return cmd
}

func runLimitsHistory(ctx context.Context, o *limitsHistoryOptions) error {
	return showPages(o.app, o.pageFlags, listView[admin.LimitChange]{columns: limitChangeColumns(), empty: "No limit was ever changed."},
		func(c *admin.Client, p admin.Page) (admin.List[admin.LimitChange], error) {
			return c.LimitChanges(ctx, o.org, p)
		})
}

func limitChangeColumns() []column[admin.LimitChange] {
	type change = admin.LimitChange
	return []column[change]{
		{name: "CHANGED", cell: func(c change, asOf time.Time) string { return agoText(&c.At, asOf) }},
		{name: "ORG", cell: func(c change, _ time.Time) string { return c.Org }},
		{name: "LIMIT", cell: func(c change, _ time.Time) string { return c.Name }},
		{name: "FROM", right: true, cell: func(c change, _ time.Time) string { return orDefault(c.Before, c.BeforeWindowMS) }},
		{name: "TO", right: true, cell: func(c change, _ time.Time) string { return orDefault(c.After, c.AfterWindowMS) }},
		{name: "ENDS", cell: endsText},
		{name: "BY", cell: func(c change, _ time.Time) string { return c.Owner }},
		{name: "REASON", cell: func(c change, _ time.Time) string { return maybe(c.Reason) }},
	}
}

func orDefault(value *int, windowMS *int64) string {
	if value == nil {
		return "default"
	}
	return admin.LimitText(value, windowMS)
}

// endsText says when what was set ends or ended, and who ended it.
func endsText(c admin.LimitChange, asOf time.Time) string {
	if c.EndedAt != nil {
		return agoText(c.EndedAt, asOf) + " by " + maybe(c.EndedBy)
	}
	return agoText(c.ExpiresAt, asOf)
}
