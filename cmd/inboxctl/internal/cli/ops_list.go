package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type opsListOptions struct {
	*app

	pageFlags
	state []string
}

func newOpsListCmd(a *app, run func(context.Context, *opsListOptions) error) *cobra.Command {
	o := &opsListOptions{app: a}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List operations, newest first",
		Long: `List operations, newest first. Without --state these are the ones that were
started; a plan that nobody committed is planned, then expired.`,
		Example: `  inboxctl ops list
  inboxctl ops list --state running`,
		Args: takes(),
		RunE: does(o, run, runOpsList),
	}
	cmd.Flags().StringSliceVar(&o.state, "state", nil, "in these `STATES`: "+strings.Join(admin.OperationStates(), ", "))
	o.add(cmd)
	complete(cmd, "state", admin.OperationStates()...)
	return cmd
}

// states checks --state.
func (o *opsListOptions) states() ([]string, error) {
	states := admin.SplitList(o.state)
	for _, s := range states {
		if err := checkWord("state of an operation", "--state", s, admin.OperationStates()); err != nil {
			return nil, err
		}
	}
	switch {
	case len(states) > 0:
		return states, nil
	case o.given("state"):
		return nil, usagef("--state is given but empty")
	}
	return startedStates(), nil
}

func runOpsList(ctx context.Context, o *opsListOptions) error {
	states, err := o.states()
	if err != nil {
		return err
	}
	return showPages(o.app, o.pageFlags, listView[admin.Operation]{columns: operationColumns(), empty: "No operation matches."},
		func(c *admin.Client, p admin.Page) (admin.List[admin.Operation], error) {
			page, err := c.Operations(ctx, states, p)
			return page, olderServer(err)
		})
}
