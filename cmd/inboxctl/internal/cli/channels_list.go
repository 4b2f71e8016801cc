package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type channelsListOptions struct {
	*app

	org string
}

func newChannelsListCmd(a *app, run func(context.Context, *channelsListOptions) error) *cobra.Command {
	o := &channelsListOptions{app: a}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List channels, all or of one org",
		Example: `  inboxctl channels list -o wide`,
		Args:    takes(),
		RunE:    does(o, run, runChannelsList),
	}
	cmd.Flags().StringVar(&o.org, "org", "", "only of this `ORG`")
	return cmd
}

func runChannelsList(ctx context.Context, o *channelsListOptions) error {
	return showList(o.app, listView[admin.Channel]{columns: channelColumns(), empty: "There are no channels: add one with `inboxctl channels add`."},
		func(c *admin.Client) (admin.List[admin.Channel], error) { return c.Channels(ctx, o.org) })
}
