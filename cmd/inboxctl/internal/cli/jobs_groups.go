package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type jobsGroupsOptions struct {
	*app

	pageFlags
	selector selectorFlags
}

func newJobsGroupsCmd(a *app, run func(context.Context, *jobsGroupsOptions) error) *cobra.Command {
	o := &jobsGroupsOptions{app: a}
	cmd := &cobra.Command{
		Use:   "groups",
		Short: "Fold failed jobs into what went wrong",
		Long: `Fold dead, uncertain and retrying jobs into error signatures: the same class, the
same code, and the same text but for the words that hold a digit. The largest
group comes first. A signature never changes: --sig takes it wherever jobs are
chosen.`,
		Example: `  inboxctl jobs groups --state dead
  inboxctl jobs groups --queue whatsapp --since 6h
  inboxctl jobs list --sig 3fa91c07
  inboxctl jobs retry --sig 3fa91c07 --dry-run`,
		Args: takes(),
		RunE: does(o, run, runJobsGroups),
	}
	states := []string{"dead", "uncertain", "retrying", "scheduled"}
	o.selector.add(cmd, "in these `STATES`: dead, uncertain, retrying", states...)
	o.add(cmd)
	return cmd
}

func runJobsGroups(ctx context.Context, o *jobsGroupsOptions) error {
	selector, err := o.selector.selector(o.app)
	if err != nil {
		return err
	}
	return showPages(o.app, o.pageFlags, listView[admin.ErrorGroup]{
		columns: groupColumns(), empty: "No failed job matches.", name: func(g admin.ErrorGroup) string { return g.Sig }, // what --sig takes
	}, func(c *admin.Client, p admin.Page) (admin.List[admin.ErrorGroup], error) {
		return c.ErrorGroups(ctx, selector, p)
	})
}

func groupColumns() []column[admin.ErrorGroup] {
	type group = admin.ErrorGroup
	return []column[group]{
		{name: "SIG", cell: func(g group, _ time.Time) string { return g.Sig }},
		{name: "N", right: true, cell: func(g group, _ time.Time) string { return countText(g.N) }},
		{name: "DEAD", right: true, wide: true, cell: func(g group, _ time.Time) string { return countText(g.Dead) }},
		{name: "UNCERTAIN", right: true, wide: true, cell: func(g group, _ time.Time) string { return countText(g.Uncertain) }},
		{name: "RETRYING", right: true, wide: true, cell: func(g group, _ time.Time) string { return countText(g.Retrying) }},
		{name: "ORGS", right: true, cell: func(g group, _ time.Time) string {
			if g.OrgsMore {
				return countText(g.Orgs) + "+"
			}
			return countText(g.Orgs)
		}},
		{name: "QUEUES", cell: func(g group, _ time.Time) string { return strings.Join(g.Queues, ",") }},
		{name: "ERROR", cell: func(g group, _ time.Time) string { return g.ErrorClass }},
		{name: "FIRST", cell: func(g group, asOf time.Time) string { return agoText(g.FirstAt, asOf) }},
		{name: "LAST", cell: func(g group, asOf time.Time) string { return agoText(g.LastAt, asOf) }},
		{name: "SAMPLE", right: true, cell: func(g group, _ time.Time) string { return g.SampleID }},
		{name: "TEXT", cell: func(g group, _ time.Time) string { return maybe(g.SampleText) }},
	}
}
