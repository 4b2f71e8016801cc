package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

const (
	defaultLimit = 50
	maxLimit     = 100_000
	pageSize     = 1000
)

type jobsListOptions struct {
	*app

	selector selectorFlags
	limit    int
	cursor   string
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
		RunE: func(cmd *cobra.Command, _ []string) error { return pick(run, runJobsList)(cmd.Context(), o) },
	}
	o.selector.add(cmd, "in these `STATES`: "+strings.Join(admin.JobStates(), ", "), admin.JobStates()...)
	cmd.Flags().IntVar(&o.limit, "limit", defaultLimit, "at most so many")
	cmd.Flags().StringVar(&o.cursor, "cursor", "", "go on after this `CURSOR`, the next of an earlier list")
	return cmd
}

func runJobsList(ctx context.Context, o *jobsListOptions) error {
	selector, err := o.selector.selector(o.app)
	if err != nil {
		return err
	}
	if o.limit < 1 || o.limit > maxLimit {
		return usagef("--limit %d is not possible: use 1 to %d", o.limit, maxLimit)
	}
	client, _, err := o.connect()
	if err != nil {
		return err
	}
	answer, err := o.pages(ctx, client, selector)
	if err != nil {
		return err
	}
	err = printList(o.app, answer, listView[admin.Job]{columns: jobColumns(), empty: "No job matches."})
	if err == nil && answer.Next != nil && o.people() {
		o.note("There are more: raise --limit, or go on with --cursor %s\n", text.Clean(*answer.Next))
	}
	return err
}

// pages asks until the limit is reached or nothing is left.
func (o *jobsListOptions) pages(ctx context.Context, client *admin.Client, s admin.Selector) (all admin.List[admin.Job], err error) {
	cursor := o.cursor
	all.Items = []admin.Job{}
	for {
		page, err := client.Jobs(ctx, s, admin.Page{Cursor: cursor, Limit: min(o.limit-len(all.Items), pageSize)})
		if err != nil {
			return all, err
		}
		page.Items = append(all.Items, page.Items...)
		all = page
		if page.Next == nil || len(all.Items) >= o.limit {
			return all, nil
		}
		cursor = *page.Next
	}
}
