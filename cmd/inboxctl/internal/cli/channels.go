package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

func newChannelsCmd(a *app) *cobra.Command {
	return newGroupCmd("channels", "channel", "WhatsApp numbers, Instagram accounts, ad accounts",
		newChannelsListCmd(a, nil), newChannelsAddCmd(a, nil),
		newChannelsPauseCmd(a, nil), newChannelsResumeCmd(a, nil), newChannelsTokenCmd(a, nil),
		newChannelsRmCmd(a, nil))
}

func channelColumns() []column[admin.Channel] {
	type channel = admin.Channel
	return []column[channel]{
		{name: "CHANNEL", right: true, cell: func(c channel, _ time.Time) string { return c.ID }},
		{name: "ORG", cell: func(c channel, _ time.Time) string { return c.Org }},
		{name: "KIND", cell: func(c channel, _ time.Time) string { return c.Kind }},
		{name: "META ID", cell: func(c channel, _ time.Time) string { return c.ExternalID }},
		{name: "STATE", cell: func(c channel, _ time.Time) string { return c.State }},
		{name: "BUSINESS ID", wide: true, cell: func(c channel, _ time.Time) string { return maybe(c.BusinessID) }},
		{name: "TOKEN EXPIRES", wide: true, cell: func(c channel, _ time.Time) string { return dayText(c.TokenExpiresAt) }},
		{name: "ADDED", cell: func(c channel, asOf time.Time) string { return agoText(&c.CreatedAt, asOf) }},
	}
}

// dayText is a day of the calendar; empty if there is none.
func dayText(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}
