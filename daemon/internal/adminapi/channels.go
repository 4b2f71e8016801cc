package adminapi

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func (h *handler) listChannels(ctx context.Context, c *call) (any, error) {
	orgID, names, err := h.within(ctx, c)
	if err != nil {
		return nil, err
	}
	channels, err := h.Channels.Channels(ctx, orgID)
	if err != nil {
		return nil, err
	}
	answer := list(h, "channels", make([]admin.Channel, 0, len(channels)))
	for _, ch := range channels {
		answer.Items = append(answer.Items, wireChannel(ch, names[ch.OrgID]))
	}
	return answer, nil
}

func (h *handler) addChannel(ctx context.Context, c *call) (any, error) {
	a, err := decode[admin.ChannelAdd](c)
	if err != nil {
		return nil, err
	}
	channel, err := newChannel(a)
	if err != nil {
		return nil, err
	}
	org, err := h.ownOrg(ctx, c.caller, a.Org)
	if err != nil {
		return nil, err
	}
	channel.OrgID = org.ID
	checked, warning, err := h.checkToken(ctx, &channel, a)
	if err != nil {
		return nil, err
	}
	if channel, err = h.Channels.CreateChannel(ctx, channel, a.Token); err != nil {
		return nil, err
	}
	return one(h, "channel", admin.ChannelAdded{Channel: wireChannel(channel, org.Name), Checked: checked, Warning: word(warning)}), nil
}

func newChannel(a admin.ChannelAdd) (inbox.Channel, error) {
	c := inbox.Channel{
		Kind: inbox.ChannelKind(a.Kind), ExternalID: a.ExternalID, BusinessID: a.BusinessID, State: inbox.ChannelActive,
		TokenKind: inbox.TokenKind(a.TokenKind), TokenExpiresAt: orZero(a.TokenExpiresAt),
	}
	if !slices.Contains(admin.ChannelKinds(), a.Kind) {
		return c, unknownWord(inbox.Invalid, "kind", a.Kind, admin.ChannelKinds())
	}
	if err := inbox.CheckChannel(c); err != nil {
		return c, err
	}
	return c, inbox.CheckAccessToken(a.Token)
}

func wireChannel(c inbox.Channel, org string) admin.Channel {
	return admin.Channel{
		ID: strconv.FormatInt(c.ID, 10), Org: org, Kind: string(c.Kind), ExternalID: c.ExternalID,
		BusinessID: word(c.BusinessID), State: string(c.State), CreatedAt: c.CreatedAt,
		StateReason: word(c.StateReason), TokenKind: word(string(c.TokenKind)), TokenExpiresAt: moment(c.TokenExpiresAt),
	}
}

// moment is null for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
