package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

type opsListOptions struct {
	*app

	state  []string
	limit  int
	cursor string
	given  func(flag string) bool
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
		RunE: func(cmd *cobra.Command, _ []string) error { return pick(run, runOpsList)(cmd.Context(), o) },
	}
	o.given = cmd.Flags().Changed
	cmd.Flags().StringSliceVar(&o.state, "state", nil, "in these `STATES`: "+strings.Join(admin.OperationStates(), ", "))
	cmd.Flags().IntVar(&o.limit, "limit", defaultLimit, "at most so many")
	cmd.Flags().StringVar(&o.cursor, "cursor", "", "go on after this `CURSOR`, the next of an earlier list")
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
	if err := checkLimit(o.limit); err != nil {
		return err
	}
	client, _, err := o.connect()
	if err != nil {
		return err
	}
	answer, err := pages(o.cursor, o.limit, func(p admin.Page) (admin.List[admin.Operation], error) {
		return client.Operations(ctx, states, p)
	})
	if err != nil {
		return olderServer(err)
	}
	return printPages(o.app, answer, listView[admin.Operation]{columns: operationColumns(), empty: "No operation matches."})
}

func checkLimit(limit int) error {
	if limit < 1 || limit > maxLimit {
		return usagef("--limit %d is not possible: use 1 to %d", limit, maxLimit)
	}
	return nil
}

// pages asks until the limit is reached or nothing is left.
func pages[T any](cursor string, limit int, ask func(admin.Page) (admin.List[T], error)) (all admin.List[T], err error) {
	all.Items = []T{}
	for {
		page, err := ask(admin.Page{Cursor: cursor, Limit: min(limit-len(all.Items), pageSize)})
		if err != nil {
			return all, err
		}
		page.Items = append(all.Items, page.Items...)
		all = page
		if page.Next == nil || len(all.Items) >= limit {
			return all, nil
		}
		cursor = *page.Next
	}
}

// printPages prints a list and tells people that it goes on.
func printPages[T any](a *app, l admin.List[T], v listView[T]) error {
	err := printList(a, l, v)
	if err == nil && l.Next != nil && a.people() {
		a.note("There are more: raise --limit, or go on with --cursor %s\n", text.Clean(*l.Next))
	}
	return err
}
