package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type usersListOptions struct {
	*app

	org string
}

func newUsersListCmd(a *app, run func(context.Context, *usersListOptions) error) *cobra.Command {
	o := &usersListOptions{app: a}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List users, all or of one org",
		Example: `  inboxctl users list`,
		Args:    takes(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return pick(run, runUsersList)(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.org, "org", "", "only of this `ORG`")
	return cmd
}

func runUsersList(ctx context.Context, o *usersListOptions) error {
	client, _, err := o.connect()
	if err != nil {
		return err
	}
	answer, err := client.Users(ctx, o.org)
	if err != nil {
		return err
	}
	return printList(o.app, answer, listView[admin.User]{columns: userColumns(), empty: "There are no users: add one with `inboxctl users add NAME --org ORG`."})
}
