package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type usersAddOptions struct {
	*app

	change    changeFlags
	name, org string
}

func newUsersAddCmd(a *app, run func(context.Context, *usersAddOptions) error) *cobra.Command {
	o := &usersAddOptions{app: a}
	cmd := &cobra.Command{
		Use:     "add NAME --org ORG",
		Short:   "Add a user to an org",
		Long:    "Add a user to an org. The name is for ever: 1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit.",
		Example: `  inboxctl users add my-agent --org my-org`,
		Args:    takes("the NAME of the user"),
		RunE:    does(o, run, runUsersAdd, &o.name),
	}
	cmd.Flags().StringVar(&o.org, "org", "", "the user's `ORG` (needed)")
	o.change.add(cmd)
	return cmd
}

func runUsersAdd(ctx context.Context, o *usersAddOptions) error {
	if o.org == "" {
		return usagef("name the user's org with --org")
	}
	client, _, err := o.app.change(ctx, o.change)
	if err != nil {
		return err
	}
	answer, err := client.AddUser(ctx, admin.UserAdd{Name: o.name, Org: o.org, Reason: o.change.reason})
	if err != nil {
		return err
	}
	return printOne(o.app, answer, rowText(o.app, userColumns()))
}
