package cli

import (
	"context"
	"math"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type limitsListOptions struct {
	*app

	org string
}

func newLimitsListCmd(a *app, run func(context.Context, *limitsListOptions) error) *cobra.Command {
	o := &limitsListOptions{app: a}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what each org may do now",
		Long: `List what each org may do now, by org, and where each value comes from: default;
own, set for the org; or temporary, with its end and what is in force then.

send_text, send_template, retry and assign are rates. weight is the share of an
org when several wait, concurrency the most jobs of an org under way at once.

Of one org it is also said how much is USED now, how many ready jobs are WAITING
for it, and when the NEXT one may leave.`,
		Example: `  inboxctl limits list
  inboxctl limits list --org acme -o wide`,
		Args: takes(),
		RunE: does(o, run, runLimitsList),
	}
	cmd.Flags().StringVar(&o.org, "org", "", "only of this `ORG`")
	return cmd
}

func runLimitsList(ctx context.Context, o *limitsListOptions) error {
	columns := limitColumns()
	if o.org != "" {
		columns = limitUseColumns()
	}
	return showList(o.app, listView[admin.Limit]{columns: columns, empty: noOrgs}, func(c *admin.Client) (admin.List[admin.Limit], error) {
		return pages(admin.Page{Limit: math.MaxInt}, func(p admin.Page) (admin.List[admin.Limit], error) { return c.Limits(ctx, o.org, p.Cursor) })
	})
}
