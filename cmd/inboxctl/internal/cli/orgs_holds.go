package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type orgsHoldsOptions struct {
	*app

	org string
}

func newOrgsHoldsCmd(a *app, run func(context.Context, *orgsHoldsOptions) error) *cobra.Command {
	o := &orgsHoldsOptions{app: a}
	return &cobra.Command{
		Use:   "holds [ORG]",
		Short: "List active holds, all or of one org",
		Long: `List the active holds, oldest first: all of them, those of whole queues
included, or those of one org.`,
		Example: `  inboxctl orgs holds
  inboxctl orgs holds acme -o json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return takes("the NAME of the org")(cmd, args)
		},
		RunE: does(o, run, runOrgsHolds, &o.org),
	}
}

func runOrgsHolds(ctx context.Context, o *orgsHoldsOptions) error {
	return showList(o.app, listView[admin.Hold]{columns: holdColumns(), empty: "Nothing is held."},
		func(c *admin.Client) (admin.List[admin.Hold], error) { return c.Holds(ctx, o.org, "") })
}
