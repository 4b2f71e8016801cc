package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

type channelsAddOptions struct {
	*app

	change                  changeFlags
	org, kind, id, business string
	accessTokenFile         string
	tokenKind, tokenExpires string
	noCheck                 bool
}

// newChannelsAddCmd gives --token-file another meaning than elsewhere: here it
// is Meta's token. Ours comes from the context or INBOXCTL_TOKEN_FILE.
func newChannelsAddCmd(a *app, run func(context.Context, *channelsAddOptions) error) *cobra.Command {
	o := &channelsAddOptions{app: a}
	cmd := &cobra.Command{
		Use:   "add --org ORG --kind KIND --id ID --token-file FILE",
		Short: "Add a channel to an org",
		Long: `Add a WhatsApp number, an Instagram account or an ad account to an org.

Meta's access token is read from a file or from stdin, never from the command
line, and is kept encrypted. The server asks Meta whether it is good for this
channel: a bad one is refused, and if Meta does not answer that is said and the
channel is added all the same. Here --token-file is that token; for the server,
use a context or INBOXCTL_TOKEN_FILE.`,
		Example: `  echo EAAG-demo | inboxctl channels add --org acme --kind whatsapp --id 1200000000001 --token-file -
  echo IGQV-demo | inboxctl channels add --org acme --kind instagram --id 17840000000001 --token-file -`,
		Args: takes(),
		RunE: does(o, run, runChannelsAdd),
	}
	f := cmd.Flags()
	f.StringVar(&o.org, "org", "", "the channel's `ORG` (needed)")
	f.StringVar(&o.kind, "kind", "", "`KIND`: "+strings.Join(admin.ChannelKinds(), ", ")+" (needed)")
	f.StringVar(&o.id, "id", "", "Meta's `ID` of the number, account or ad account (needed)")
	f.StringVar(&o.business, "business-id", "", "Meta's `ID` of the WhatsApp business account")
	f.StringVar(&o.accessTokenFile, "token-file", "", "`FILE` with Meta's access token; - is stdin (needed)")
	f.StringVar(&o.tokenKind, "token-kind", "", "how Meta's token lives, if you know: `KIND` of instagram_long, facebook_long, system_user, page")
	f.StringVar(&o.tokenExpires, "token-expires-at", "", "when Meta's token expires, if you know: `TIME` as 2026-12-01T09:00:00Z")
	f.BoolVar(&o.noCheck, "no-check", false, "do not ask Meta whether the token is good")
	complete(cmd, "kind", admin.ChannelKinds()...)
	o.change.add(cmd)
	return cmd
}

func runChannelsAdd(ctx context.Context, o *channelsAddOptions) error {
	for _, need := range []pair{{"--org", o.org}, {"--kind", o.kind}, {"--id", o.id}, {"--token-file", o.accessTokenFile}} {
		if need.value == "" {
			return usagef("channels add needs %s", need.name)
		}
	}
	if err := checkWord("kind", "--kind", o.kind, admin.ChannelKinds()); err != nil {
		return err
	}
	expires, err := parseExpiry(o.tokenExpires)
	if err != nil {
		return err
	}
	token, err := o.readSecret(o.accessTokenFile)
	if err != nil {
		return fmt.Errorf("read the access token: %w", err)
	}
	client, _, err := o.app.change(ctx, o.change)
	if err != nil {
		return err
	}
	answer, err := client.AddChannel(ctx, admin.ChannelAdd{
		Org: o.org, Kind: o.kind, ExternalID: o.id, BusinessID: o.business, Token: token, Reason: o.change.reason,
		TokenKind: o.tokenKind, TokenExpiresAt: expires, NoCheck: o.noCheck,
	})
	if err != nil {
		return err
	}
	if w := answer.Item.Warning; w != nil {
		o.note("warning: %s\n", text.Clean(*w))
	}
	return printOne(o.app, answer, func(b *bytes.Buffer, c admin.ChannelAdded, asOf time.Time) {
		rowText(o.app, channelColumns())(b, c.Channel, asOf)
	})
}

func parseExpiry(s string) (*time.Time, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // not given
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return nil, usagef("--token-expires-at %q is no time: write it as 2026-12-01T09:00:00Z", s)
	}
	return &t, nil
}
