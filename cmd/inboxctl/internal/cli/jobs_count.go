package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type jobsCountOptions struct {
	*app

	selector selectorFlags
	by       string
}

func newJobsCountCmd(a *app, run func(context.Context, *jobsCountOptions) error) *cobra.Command {
	o := &jobsCountOptions{app: a}
	cmd := &cobra.Command{
		Use:   "count",
		Short: "Count jobs, all together or by what they have in common",
		Long: `Count the jobs a selector chooses; without --state the live ones. --by splits
the number, most first. Of finished jobs at most 200000 are counted: then the
number has a + behind it, and at_least is true.`,
		Example: `  inboxctl jobs count --state dead
  inboxctl jobs count --by state
  inboxctl jobs count --state dead --since 2h --by error`,
		Args: takes(),
		RunE: does(o, run, runJobsCount),
	}
	o.selector.add(cmd, "in these `STATES`: "+strings.Join(admin.JobStates(), ", "), admin.JobStates()...)
	cmd.Flags().StringVar(&o.by, "by", "", "split by `WORD`: "+strings.Join(admin.CountWords(), ", "))
	complete(cmd, "by", admin.CountWords()...)
	return cmd
}

func runJobsCount(ctx context.Context, o *jobsCountOptions) error {
	selector, err := o.selector.selector(o.app)
	if err != nil {
		return err
	}
	if o.by != "" || o.selector.given("by") {
		if err := checkWord("word", "--by", o.by, admin.CountWords()); err != nil {
			return err
		}
	}
	return showList(o.app, listView[admin.JobCount]{columns: countColumns(o.by), empty: "No job matches."},
		func(c *admin.Client) (admin.List[admin.JobCount], error) { return c.CountJobs(ctx, selector, o.by) })
}

func countColumns(by string) []column[admin.JobCount] {
	type count = admin.JobCount
	name := strings.ToUpper(by)
	if by == "" {
		name = "JOBS"
	}
	return []column[count]{
		{name: name, cell: func(c count, _ time.Time) string { return maybe(c.Name) }},
		{name: "N", right: true, cell: func(c count, _ time.Time) string {
			if c.AtLeast {
				return countText(c.N) + "+"
			}
			return countText(c.N)
		}},
	}
}
