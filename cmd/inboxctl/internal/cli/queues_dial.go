package cli

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

type queuesDialOptions struct {
	*app

	change changeFlags
	queue  string
	raw    string
	dryRun bool
}

func newQueuesDialCmd(a *app, run func(context.Context, *queuesDialOptions) error) *cobra.Command {
	o := &queuesDialOptions{app: a}
	cmd := &cobra.Command{
		Use:   "dial QUEUE PERCENT",
		Short: "Set how much of a queue travels by Redis",
		Long: `Set the percent of a queue's conversations that travel by Redis; the others travel
by the database queue. 0 is the database alone, 100 is Redis for all. Turning it
back is the rollback: what is on its way is called back and loses nothing but
time. It is done when every running process has applied it, else the exit code
is 8. Without Redis the dial means 0.`,
		Example: `  inboxctl queues dial whatsapp 25 --dry-run
  inboxctl queues dial whatsapp 0 --yes`,
		Args:      takes("the NAME of the queue", "the PERCENT"),
		RunE:      does(o, run, runQueuesDial, &o.queue, &o.raw),
		ValidArgs: queueWords(),
	}
	dryRunFlag(cmd, &o.dryRun)
	o.change.add(cmd)
	return cmd
}

func (o *queuesDialOptions) request() (admin.DialSet, error) {
	percent, err := strconv.Atoi(strings.TrimSuffix(o.raw, "%"))
	if err != nil || percent < 0 || percent > 100 {
		return admin.DialSet{}, usagef("the dial %q is not a percentage: use 0 to 100", o.raw)
	}
	return admin.DialSet{Queue: o.queue, Dial: percent, DryRun: o.dryRun, Reason: o.change.reason}, nil
}

func runQueuesDial(ctx context.Context, o *queuesDialOptions) error {
	request, err := o.request()
	if err != nil {
		return err
	}
	return o.act(ctx, o.dryRun, o.change, func(ctx context.Context, c *admin.Client) (string, error) {
		dry := request
		dry.DryRun = true
		plan, err := c.SetDial(ctx, dry)
		return fmt.Sprintf("Turn the dial of %s from %s to %d%%", request.Queue, orElse(dialText(plan.Item.Before), "unknown"), request.Dial), err
	}, func(ctx context.Context, c *admin.Client) error { return o.turn(ctx, c, request) })
}

func (o *queuesDialOptions) turn(ctx context.Context, client *admin.Client, d admin.DialSet) error {
	answer, err := client.SetDial(ctx, d)
	if err != nil {
		return err
	}
	return printChange(o.app, answer, answer.Item.Applied, func(b *bytes.Buffer, r admin.DialResult, _ time.Time) {
		verb := "Turned"
		if r.DryRun {
			verb = "Would turn"
		}
		fmt.Fprintf(b, "%s the dial of %s from %s to %d%%%s\n", verb, text.Clean(r.Name), orElse(dialText(r.Before), "unknown"), r.Dial, appliedText(r.Applied))
		if r.Recalled != nil && *r.Recalled > 0 {
			fmt.Fprintf(b, "Called back: %s that had been handed out.\n", plural(*r.Recalled, "job"))
		}
		if r.Note != nil {
			fmt.Fprintf(b, "Note: %s.\n", text.Clean(*r.Note))
		}
	})
}

func dialText(percent *int) string {
	if percent == nil {
		return ""
	}
	return countText(int64(*percent)) + "%"
}
