package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

func newChannelsRmCmd(a *app, run func(context.Context, *channelOptions) error) *cobra.Command {
	o := &channelOptions{app: a}
	cmd := &cobra.Command{
		Use:   "rm CHANNEL",
		Short: "Remove a channel; its conversations stay",
		Long: `Remove a channel: its token is destroyed, and its number is free for another org.
Its conversations stay readable, and nobody can answer in them any more. While it
has unfinished jobs it is refused: let them end, or cancel them. The channel is
named by its id or by Meta's.`,
		Example: `  inboxctl channels rm 1200000000001 --dry-run
  inboxctl channels rm 1200000000001 --reason "number given up" --yes`,
		Args: takes("the ID of the channel"),
		RunE: does(o, run, runChannelsRm, &o.channel),
	}
	dryRunFlag(cmd, &o.dryRun)
	o.change.add(cmd)
	return cmd
}

func runChannelsRm(ctx context.Context, o *channelOptions) error {
	request := admin.ChannelRemove{Channel: o.channel, DryRun: o.dryRun, Reason: o.change.reason}
	return o.act(ctx, o.dryRun, o.change, func(ctx context.Context, c *admin.Client) (string, error) {
		request := request
		request.DryRun = true
		plan, err := c.RemoveChannel(ctx, request)
		return "Remove " + channelText(plan.Item.Channel) + dependsText(plan.Item), err
	}, func(ctx context.Context, c *admin.Client) error { return o.remove(ctx, c, request) })
}

func (o *channelOptions) remove(ctx context.Context, client *admin.Client, r admin.ChannelRemove) error {
	answer, err := client.RemoveChannel(ctx, r)
	if err != nil {
		return err
	}
	return printChange(o.app, answer, answer.Item.Applied, func(b *bytes.Buffer, r admin.ChannelRemoved, _ time.Time) {
		verb := "Removed"
		if r.DryRun {
			verb = "Would remove"
		}
		fmt.Fprintf(b, "%s %s%s%s\n", verb, channelText(r.Channel), dependsText(r), appliedText(r.Applied))
		if r.DryRun && r.Unfinished > 0 {
			fmt.Fprintln(b, "It is refused while jobs are unfinished: let them end, or cancel them.")
		}
	})
}

// dependsText says what hangs on a channel.
func dependsText(r admin.ChannelRemoved) string {
	return fmt.Sprintf(" (%s stay, %s unfinished)", plural(r.Conversations, "conversation"), plural(r.Unfinished, "job"))
}
