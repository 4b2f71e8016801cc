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
		RunE:    func(cmd *cobra.Command, _ []string) error { return pick(run, runChannelsList)(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.org, "org", "", "only of this `ORG`")
	return cmd
}

func runChannelsList(ctx context.Context, o *channelsListOptions) error {
	client, _, err := o.connect()
	if err != nil {
		return err
	}
	answer, err := client.Channels(ctx, o.org)
	if err != nil {
		return err
	}
	return printList(o.app, answer, listView[admin.Channel]{columns: channelColumns(), empty: "There are no channels: add one with `inboxctl channels add`."})
}
