package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type queuesShowOptions struct {
	*app

	queue string
}

func newQueuesShowCmd(a *app, run func(context.Context, *queuesShowOptions) error) *cobra.Command {
	o := &queuesShowOptions{app: a}
	return &cobra.Command{
		Use:   "show QUEUE",
		Short: "Show one queue with what holds it",
		Example: `  inboxctl queues show whatsapp
  inboxctl queues show whatsapp -o wide`,
		Args: takes("the NAME of the queue"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.queue = args[0]
			return pick(run, runQueuesShow)(cmd.Context(), o)
		},
		ValidArgs: queueWords(),
	}
}

func runQueuesShow(ctx context.Context, o *queuesShowOptions) error {
	client, _, err := o.connect()
	if err != nil {
		return err
	}
	answer, err := client.Queue(ctx, o.queue)
	if err != nil {
		return err
	}
	return printOne(o.app, answer, func(b *bytes.Buffer, q admin.QueueDetail, asOf time.Time) {
		wide, header := o.flags.output == "wide", !o.flags.noHeaders
		writeTable(b, queueColumns(), []admin.Queue{q.Queue}, asOf, wide, header)
		fmt.Fprintln(b)
		writePairs(b, pair{"dial", dialText(q.Dial)})
		if len(q.HoldList) == 0 {
			fmt.Fprintln(b, "Nothing holds it.")
			return
		}
		fmt.Fprintln(b)
		writeTable(b, holdColumns(), q.HoldList, asOf, wide, header)
	})
}
