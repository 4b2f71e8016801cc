package adminapi

import (
	"context"
	"maps"
	"slices"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// resolveJob settles an uncertain job as an operator says.
func (h *handler) resolveJob(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.ResolveRequest](c)
	if err != nil {
		return nil, err
	}
	words := map[string]inspect.Resolution{
		admin.AsSent: inspect.ResolvedSent, admin.AsNotSent: inspect.ResolvedNotSent, admin.AsResend: inspect.ResolvedResend,
	}
	how, ok := words[r.As]
	if !ok {
		return nil, unknownWord(inbox.Invalid, "resolution", r.As, slices.Sorted(maps.Keys(words)))
	}
	id, err := parseID(r.ID)
	if err != nil {
		return nil, err
	}
	if h.Resolver == nil {
		return nil, inbox.Faultf(inbox.Unprocessable, "not_available", "this server cannot resolve jobs")
	}
	state, err := h.Resolver.Resolve(ctx, c.caller.orgID, id, how, c.caller.name)
	if err != nil {
		return nil, err
	}
	return one(h, "resolve", admin.ResolveResult{ID: idOf(id), State: state}), nil
}
