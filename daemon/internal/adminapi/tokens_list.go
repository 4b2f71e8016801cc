package adminapi

import (
	"context"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func (h *handler) listTokens(ctx context.Context, c *call) (any, error) {
	orgID := c.caller.orgID
	if name := c.query.Get("org"); name != "" {
		org, err := h.org(ctx, c.caller, name)
		if err != nil {
			return nil, err
		}
		orgID = org.ID
	}
	tokens, err := h.Tokens.Tokens(ctx, orgID)
	if err != nil {
		return nil, err
	}
	answer := list(h, "tokens", make([]admin.TokenInfo, 0, len(tokens)))
	for _, t := range tokens {
		answer.Items = append(answer.Items, wireToken(t, h.Now()))
	}
	return answer, nil
}

// revokeToken ends a token; one that is revoked already stays as it is. A caller
// may revoke their own.
func (h *handler) revokeToken(ctx context.Context, c *call) (any, error) {
	r, err := decode[admin.TokenRevoke](c)
	if err != nil {
		return nil, err
	}
	id, err := parseIDOf("token", r.ID)
	if err != nil {
		return nil, err
	}
	revoke := h.Tokens.RevokeToken
	if r.DryRun {
		revoke = h.Tokens.Token
	}
	t, err := revoke(ctx, c.caller.orgID, id)
	if err != nil {
		return nil, err
	}
	return one(h, "token", wireToken(t, h.Now())), nil
}

func wireToken(t inbox.Token, now time.Time) admin.TokenInfo {
	w := admin.TokenInfo{
		ID: idOf(t.ID), Org: word(t.Org), User: word(t.User), State: admin.TokenActive, CreatedBy: word(t.CreatedBy),
		CreatedAt: t.CreatedAt.UTC(), ExpiresAt: timeWord(t.ExpiresAt), LastUsedAt: timeWord(t.LastUsedAt), RevokedAt: timeWord(t.RevokedAt),
	}
	if t.Role != "" {
		role := admin.Role(t.Role)
		w.Role = &role
	}
	switch {
	case !t.RevokedAt.IsZero():
		w.State = admin.TokenRevoked
	case !t.ExpiresAt.IsZero() && !t.ExpiresAt.After(now):
		w.State = admin.TokenExpired
	}
	return w
}
