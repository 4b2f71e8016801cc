package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type queuesListOptions struct {
	*app
}

func newQueuesListCmd(a *app, run func(context.Context, *queuesListOptions) error) *cobra.Command {
	o := &queuesListOptions{app: a}
	return &cobra.Command{
		Use:   "list",
		Short: "List queues: what waits, how long, and how it goes",
		Long: `List the queues, the longest wait first.

RUNNING counts jobs handed out or running. RETRYING jobs wait for another
attempt. Times are of the last five minutes: WAIT from ready to start, RUN from
start to outcome, E2E from creation to end.`,
		Example: `  inboxctl queues list
  inboxctl queues list -o wide`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return pick(run, runQueuesList)(cmd.Context(), o) },
	}
}

func runQueuesList(ctx context.Context, o *queuesListOptions) error {
	client, _, err := o.connect()
	if err != nil {
		return err
	}
	answer, err := client.Queues(ctx)
	if err != nil {
		return err
	}
	if o.people() {
		answer.Items = worstFirst(answer.Items)
	}
	return printList(o.app, answer, listView[admin.Queue]{columns: queueColumns(), empty: "There are no queues."})
}

// people reports whether the answer is read by people rather than programs.
func (a *app) people() bool { return a.flags.output == "table" || a.flags.output == "wide" }
