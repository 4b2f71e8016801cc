package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func newChannelsResumeCmd(a *app, run func(context.Context, *channelOptions) error) *cobra.Command {
	o := &channelOptions{app: a, state: "active"}
	cmd := &cobra.Command{
		Use:   "resume ID",
		Short: "Send by a channel again",
		Long: `Send by a channel again, whether it was paused or broken; what waited for it goes
on. The channel is named by its id or by Meta's. If its token is the trouble,
inboxctl channels token repairs it.`,
		Example: `  inboxctl channels resume 1200000000001
  inboxctl channels resume 1200000000001 --reason "review passed"`,
		Args: takes("the ID of the channel"),
		RunE: does(o, run, runChannelState, &o.channel),
	}
	o.change.add(cmd)
	return cmd
}
