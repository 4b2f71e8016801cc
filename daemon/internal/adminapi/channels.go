package adminapi

import (
	"context"
	"regexp"
	"slices"
	"strconv"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const maxAccessToken = 4096

var (
	externalID  = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)
	accessToken = regexp.MustCompile(`^[!-~]+$`)
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
	if err := checkChannel(a); err != nil {
		return nil, err
	}
	org, err := h.ownOrg(ctx, c.caller, a.Org)
	if err != nil {
		return nil, err
	}
	channel, err := h.Channels.CreateChannel(ctx, inbox.Channel{
		OrgID: org.ID, Kind: inbox.ChannelKind(a.Kind), ExternalID: a.ExternalID, BusinessID: a.BusinessID, State: inbox.ChannelActive,
	}, a.Token)
	if err != nil {
		return nil, err
	}
	return one(h, "channel", wireChannel(channel, org.Name)), nil
}

// checkChannel never puts the token into a fault.
func checkChannel(a admin.ChannelAdd) error {
	switch {
	case !slices.Contains(admin.ChannelKinds(), a.Kind):
		return unknownWord(inbox.Invalid, "kind", a.Kind, admin.ChannelKinds())
	case !externalID.MatchString(a.ExternalID):
		return inbox.Faultf(inbox.Invalid, "bad_external_id", "id %q is not one of Meta's: use the number's, account's or ad account's id", a.ExternalID)
	case a.BusinessID != "" && !externalID.MatchString(a.BusinessID):
		return inbox.Faultf(inbox.Invalid, "bad_business_id", "business id %q is not one of Meta's", a.BusinessID)
	case len(a.Token) > maxAccessToken || !accessToken.MatchString(a.Token):
		return inbox.Faultf(inbox.Invalid, "bad_token", "the access token is empty, too long, or holds spaces: put nothing but the token into the file")
	}
	return nil
}

func wireChannel(c inbox.Channel, org string) admin.Channel {
	return admin.Channel{
		ID: strconv.FormatInt(c.ID, 10), Org: org, Kind: string(c.Kind), ExternalID: c.ExternalID,
		BusinessID: word(c.BusinessID), State: string(c.State), CreatedAt: c.CreatedAt,
	}
}
