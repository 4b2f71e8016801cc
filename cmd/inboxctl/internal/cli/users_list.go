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
		RunE:    does(o, run, runUsersList),
	}
	cmd.Flags().StringVar(&o.org, "org", "", "only of this `ORG`")
	return cmd
}

func runUsersList(ctx context.Context, o *usersListOptions) error {
	return showList(o.app, listView[admin.User]{columns: userColumns(), empty: "There are no users: add one with `inboxctl users add NAME --org ORG`."},
		func(c *admin.Client) (admin.List[admin.User], error) { return c.Users(ctx, o.org) })
}
