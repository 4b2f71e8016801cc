package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

// newChannelsTokenCmd gives --token-file another meaning than elsewhere, as
// channels add does: it is Meta's token.
func newChannelsTokenCmd(a *app, run func(context.Context, *channelOptions) error) *cobra.Command {
	o := &channelOptions{app: a}
	cmd := &cobra.Command{
		Use:   "token ID --token-file FILE",
		Short: "Replace Meta's access token of a channel",
		Long: `Replace Meta's access token of a channel. A channel that was broken, because Meta
refused the old token, is active again; a paused one stays paused.

The token is read from a file or from stdin, never from the command line, and is
kept encrypted. Here --token-file is that token; for the server, use a context or
INBOXCTL_TOKEN_FILE.`,
		Example: `  echo EAAG-demo | inboxctl channels token 1200000000001 --token-file -`,
		Args:    takes("the ID of the channel"),
		RunE:    does(o, run, runChannelsToken, &o.channel),
	}
	cmd.Flags().StringVar(&o.accessTokenFile, "token-file", "", "`FILE` with Meta's access token; - is stdin (needed)")
	o.change.add(cmd)
	return cmd
}

func runChannelsToken(ctx context.Context, o *channelOptions) error {
	if o.accessTokenFile == "" {
		return usagef("channels token needs --token-file")
	}
	token, err := o.readSecret(o.accessTokenFile)
	if err != nil {
		return fmt.Errorf("read the access token: %w", err)
	}
	client, _, err := o.app.change(ctx, o.change)
	if err != nil {
		return err
	}
	answer, err := client.SetChannelToken(ctx, admin.ChannelToken{Channel: o.channel, Token: token, Reason: o.change.reason})
	if err != nil {
		return err
	}
	return o.printChannel(answer)
}
