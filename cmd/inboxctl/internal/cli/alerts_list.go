package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type alertsListOptions struct {
	*app

	org   string
	state []string
}

func newAlertsListCmd(a *app, run func(context.Context, *alertsListOptions) error) *cobra.Command {
	o := &alertsListOptions{app: a}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what is wrong, and what was until lately",
		Long: `List what is wrong, worst and oldest first, then what has been resolved within a
day. -o wide shows the likely cause, what to look at first, and the runbook.`,
		Example: `  inboxctl alerts list
  inboxctl alerts list --state firing,acked -o wide`,
		Args: takes(),
		RunE: does(o, run, runAlertsList),
	}
	cmd.Flags().StringVar(&o.org, "org", "", "only about this `ORG`")
	cmd.Flags().StringSliceVar(&o.state, "state", nil, "only in these `STATES`: firing, acked, muted, resolved")
	complete(cmd, "state", admin.AlertStates()...)
	return cmd
}

func runAlertsList(ctx context.Context, o *alertsListOptions) error {
	for _, s := range o.state {
		if err := checkWord("state", "--state", s, admin.AlertStates()); err != nil {
			return err
		}
	}
	return showList(o.app, listView[admin.Alert]{columns: alertColumns(), empty: "Nothing is wrong."},
		func(c *admin.Client) (admin.List[admin.Alert], error) {
			return c.Alerts(ctx, admin.AlertFilter{Org: o.org, State: o.state})
		})
}
