package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// channelOptions are those of commands that change one channel.
type channelOptions struct {
	*app

	change  changeFlags
	channel string
	state   string
	dryRun  bool

	accessTokenFile string // of channels token
}

func runChannelState(ctx context.Context, o *channelOptions) error {
	request := admin.ChannelState{Channel: o.channel, State: o.state, DryRun: o.dryRun, Reason: o.change.reason}
	client, err := o.ready(ctx, request)
	if err != nil {
		return err
	}
	answer, err := client.SetChannelState(ctx, request)
	if err != nil {
		return err
	}
	return o.printChannel(answer)
}

// ready connects. A pause asks, a resume does not.
func (o *channelOptions) ready(ctx context.Context, s admin.ChannelState) (client *admin.Client, err error) {
	switch {
	case s.DryRun:
		client, _, err = o.connect()
	case s.State == "active":
		client, _, err = o.app.change(ctx, o.change)
	default:
		client, err = o.asked(ctx, o.change, func(ctx context.Context, c *admin.Client) (string, error) {
			s.DryRun = true
			plan, err := c.SetChannelState(ctx, s)
			return "Pause " + channelText(plan.Item.Channel), err
		})
	}
	return client, err
}

// channelText names a channel: "channel 4 (whatsapp 1200000000001 of acme)".
func channelText(c admin.Channel) string {
	return text.Clean(fmt.Sprintf("channel %s (%s %s of %s)", c.ID, c.Kind, c.ExternalID, c.Org))
}

func (o *channelOptions) printChannel(answer admin.One[admin.ChannelResult]) error {
	return printChange(o.app, answer, answer.Item.Applied, func(b *bytes.Buffer, r admin.ChannelResult, _ time.Time) {
		verb := "is"
		if r.DryRun {
			verb = "would be"
		}
		fmt.Fprintf(b, "The %s %s %s, it was %s%s\n", channelText(r.Channel), verb, text.Clean(r.State), text.Clean(r.Before), appliedText(r.Applied))
	})
}
