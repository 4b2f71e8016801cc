package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type jobsListOptions struct {
	*app

	pageFlags
	selector selectorFlags
}

func newJobsListCmd(a *app, run func(context.Context, *jobsListOptions) error) *cobra.Command {
	o := &jobsListOptions{app: a}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List jobs, newest first",
		Long: `List jobs, newest first. Without --state these are the live ones; done,
cancelled and discarded jobs are in the history and must be asked for. retrying
means scheduled after a failed attempt.`,
		Example: `  inboxctl jobs list --state dead
  inboxctl jobs list --queue whatsapp --state retrying,uncertain --older-than 10m
  inboxctl jobs list --state done --since 1h --limit 200 -o csv`,
		Args: takes(),
		RunE: does(o, run, runJobsList),
	}
	o.selector.add(cmd, "in these `STATES`: "+strings.Join(admin.JobStates(), ", "), admin.JobStates()...)
	o.add(cmd)
	return cmd
}

func runJobsList(ctx context.Context, o *jobsListOptions) error {
	selector, err := o.selector.selector(o.app)
	if err != nil {
		return err
	}
	return showPages(o.app, o.pageFlags, listView[admin.Job]{columns: jobColumns(), empty: "No job matches.", orders: jobOrders(selector)},
		func(c *admin.Client, p admin.Page) (admin.List[admin.Job], error) { return c.Jobs(ctx, selector, p) })
}

// jobOrders are the server's. Of jobs that live, the older one has the smaller id;
// the age of a finished one is how long it took.
func jobOrders(s admin.Selector) map[string]string {
	orders := map[string]string{"id": admin.JobSortOldest, "id:desc": admin.JobSortNewest}
	past := slices.ContainsFunc(s.State, func(word string) bool { return slices.Contains([]string{"done", "cancelled", "discarded"}, word) })
	if !past && len(s.IDs) == 0 {
		orders["age"], orders["age:desc"] = admin.JobSortNewest, admin.JobSortOldest
	}
	return orders
}
