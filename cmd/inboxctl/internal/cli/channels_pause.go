package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func newChannelsPauseCmd(a *app, run func(context.Context, *channelOptions) error) *cobra.Command {
	o := &channelOptions{app: a, state: "paused"}
	cmd := &cobra.Command{
		Use:   "pause ID",
		Short: "Send nothing by a channel until it is resumed",
		Long: `Send nothing by a channel until it is resumed. Messages are still accepted and
wait. The channel is named by its id or by Meta's.`,
		Example: `  inboxctl channels pause 1200000000001 --reason "number under review" --dry-run
  inboxctl channels pause 1200000000001 --yes`,
		Args: takes("the ID of the channel"),
		RunE: does(o, run, runChannelState, &o.channel),
	}
	dryRunFlag(cmd, &o.dryRun)
	o.change.add(cmd)
	return cmd
}
