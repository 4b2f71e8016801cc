package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type orgsListOptions struct {
	*app
}

func newOrgsListCmd(a *app, run func(context.Context, *orgsListOptions) error) *cobra.Command {
	o := &orgsListOptions{app: a}
	return &cobra.Command{
		Use:   "list",
		Short: "List orgs by name",
		Example: `  inboxctl orgs list
  inboxctl orgs list -o name`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return pick(run, runOrgsList)(cmd.Context(), o) },
	}
}

func runOrgsList(ctx context.Context, o *orgsListOptions) error {
	client, _, err := o.connect()
	if err != nil {
		return err
	}
	answer, err := client.Orgs(ctx)
	if err != nil {
		return err
	}
	return printList(o.app, answer, listView[admin.Org]{columns: orgColumns(), empty: "There are no orgs: add one with `inboxctl orgs add NAME`."})
}
