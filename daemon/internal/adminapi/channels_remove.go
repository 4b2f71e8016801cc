package adminapi

import (
	"context"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// removeChannel destroys the token of a channel and frees its number. Its
// conversations stay: they are the org's record. It is refused while jobs need
// the channel, because they could only fail.
func (h *handler) removeChannel(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.ChannelRemove](c)
	if err != nil {
		return nil, err
	}
	channel, err := h.channel(ctx, c.caller, r.Channel)
	if err != nil {
		return nil, err
	}
	unfinished, conversations, err := h.Channels.ChannelUse(ctx, channel.OrgID, channel.ID)
	if err != nil {
		return nil, err
	}
	orgs, err := h.visibleOrgs(ctx, c.caller)
	if err != nil {
		return nil, err
	}
	result := admin.ChannelRemoved{
		Channel: wireChannel(channel, orgNames(orgs)[channel.OrgID]), DryRun: r.DryRun, Unfinished: unfinished, Conversations: conversations,
	}
	switch {
	case r.DryRun:
		return one(h, "channel", result), nil
	case unfinished > 0:
		return nil, inbox.Faultf(inbox.Conflict, "channel_busy", "channel %d has %d unfinished jobs: let them end or cancel them first; `inboxctl channels pause %d` stops it at once", channel.ID, unfinished, channel.ID)
	}
	version, err := h.Channels.RemoveChannel(ctx, channel.OrgID, channel.ID, "removed by "+c.caller.name)
	if err != nil {
		return nil, err
	}
	result.Applied = h.applied(ctx, c.caller, version)
	return one(h, "channel", result), nil
}
