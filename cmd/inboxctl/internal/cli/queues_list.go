package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/triage"
)

type queuesListOptions struct {
	*app
}

func newQueuesListCmd(a *app, run func(context.Context, *queuesListOptions) error) *cobra.Command {
	o := &queuesListOptions{app: a}
	return &cobra.Command{
		Use:   "list",
		Short: "List queues: what waits, how long, and how it goes",
		Long: `List the queues, worst first: those whose oldest ready job has waited a minute
or more, then those with dead or uncertain jobs.

DISP jobs are handed out and not started yet, RUN jobs are running, RETRY jobs
wait for another attempt. Times are of recent work, and -o wide says in
WINDOW how recent: WAIT from ready to start, RUN P95 from start to outcome, E2E
from creation to end.`,
		Example: `  inboxctl queues list
  inboxctl queues list -o wide`,
		Args: takes(),
		RunE: does(o, run, runQueuesList),
	}
}

func runQueuesList(ctx context.Context, o *queuesListOptions) error {
	return showList(o.app, listView[admin.Queue]{columns: queueColumns(), empty: "There are no queues."}, func(c *admin.Client) (admin.List[admin.Queue], error) {
		answer, err := c.Queues(ctx)
		if o.people() {
			answer.Items = triage.WorstFirst(answer.Items)
		}
		return answer, err
	})
}

// people reports whether the answer is read by people rather than programs.
func (a *app) people() bool { return a.flags.output == "table" || a.flags.output == "wide" }
