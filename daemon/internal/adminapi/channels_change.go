package adminapi

import (
	"context"
	"slices"
	"strings"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// setChannelState pauses or resumes. A resumed channel is active, whatever it
// was: an operator says it is repaired.
func (h *handler) setChannelState(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.ChannelState](c)
	if err != nil {
		return nil, err
	}
	states := []string{string(inbox.ChannelActive), string(inbox.ChannelPaused)}
	if !slices.Contains(states, r.State) {
		return nil, unknownWord(inbox.Invalid, "state", r.State, states)
	}
	before, err := h.channel(ctx, c.caller, r.Channel)
	if err != nil {
		return nil, err
	}
	if r.DryRun {
		after := before
		after.State = inbox.ChannelState(r.State)
		return h.channelResult(ctx, c, before, after, 0)
	}
	after, version, err := h.Channels.SetChannelState(ctx, before.OrgID, before.ID, inbox.ChannelState(r.State))
	if err != nil {
		return nil, err
	}
	return h.channelResult(ctx, c, before, after, version)
}

func (h *handler) setChannelToken(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.ChannelToken](c)
	if err != nil {
		return nil, err
	}
	if err := inbox.CheckAccessToken(r.Token); err != nil {
		return nil, err
	}
	before, err := h.channel(ctx, c.caller, r.Channel)
	if err != nil {
		return nil, err
	}
	after, version, err := h.Channels.SetChannelToken(ctx, before.OrgID, before.ID, r.Token)
	if err != nil {
		return nil, err
	}
	return h.channelResult(ctx, c, before, after, version)
}

// channelResult tells of a change under version; 0: of a dry run.
func (h *handler) channelResult(ctx context.Context, c *call, before, after inbox.Channel, version int64) (any, error) {
	orgs, err := h.visibleOrgs(ctx, c.caller)
	if err != nil {
		return nil, err
	}
	result := admin.ChannelResult{
		Channel: wireChannel(after, orgNames(orgs)[after.OrgID]), Before: string(before.State), DryRun: version == 0,
	}
	if version != 0 {
		result.Applied = h.applied(ctx, c.caller, version)
	}
	return one(h, "channel", result), nil
}

// channel finds a channel by our id or, if none has it, by Meta's.
func (h *handler) channel(ctx context.Context, who caller, name string) (inbox.Channel, error) {
	if name == "" {
		return inbox.Channel{}, inbox.Faultf(inbox.Invalid, "no_channel", "name the channel by its id or Meta's: `inboxctl channels list` shows both")
	}
	all, err := h.Channels.Channels(ctx, who.orgID)
	if err != nil {
		return inbox.Channel{}, err
	}
	var found []inbox.Channel
	var known []string
	for _, ch := range all {
		if idOf(ch.ID) == name {
			return ch, nil
		}
		known = append(known, ch.ExternalID)
		if ch.ExternalID == name {
			found = append(found, ch)
		}
	}
	switch len(found) {
	case 0:
		return inbox.Channel{}, unknownName("channel", name, "", known)
	case 1:
		return found[0], nil
	}
	var words []string
	for _, ch := range found {
		words = append(words, idOf(ch.ID)+" ("+string(ch.Kind)+")")
	}
	return inbox.Channel{}, inbox.Faultf(inbox.Conflict, "several_channels", "Meta's id %s is that of several channels: name one of %s", name, strings.Join(words, ", "))
}
