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
		Args:      takes("the NAME of the queue"),
		RunE:      does(o, run, runQueuesShow, &o.queue),
		ValidArgs: queueWords(),
	}
}

func runQueuesShow(ctx context.Context, o *queuesShowOptions) error {
	return showOne(o.app, o.queueText, func(c *admin.Client) (admin.One[admin.QueueDetail], error) { return c.Queue(ctx, o.queue) })
}

func (a *app) queueText(b *bytes.Buffer, q admin.QueueDetail, asOf time.Time) {
	wide, header := a.flags.output == "wide", !a.flags.noHeaders
	writeTable(b, queueColumns(), []admin.Queue{q.Queue}, asOf, wide, header)
	fmt.Fprintln(b)
	writePairs(b, pair{"dial", dialText(q.Dial)})
	if len(q.HoldList) == 0 {
		fmt.Fprintln(b, "Nothing holds it.")
		return
	}
	fmt.Fprintln(b)
	writeTable(b, holdColumns(), q.HoldList, asOf, wide, header)
}
