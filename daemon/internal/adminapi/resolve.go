package adminapi

import (
	"context"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// resolveJob settles an uncertain job as an operator says.
func (h *handler) resolveJob(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.ResolveRequest](c)
	if err != nil {
		return nil, err
	}
	how, err := parseResolution(r.As)
	if err != nil {
		return nil, err
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
