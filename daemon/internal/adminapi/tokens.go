package adminapi

import (
	"context"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func (h *handler) createToken(ctx context.Context, c *call) (any, error) {
	t, err := decode[admin.TokenCreate](c)
	if err != nil {
		return nil, err
	}
	life, err := checkToken(t)
	if err != nil {
		return nil, err
	}
	now := h.Now()
	n := NewToken{Role: string(t.Role)}
	if life != 0 {
		n.ExpiresAt = now.Add(life)
	}
	if n.OrgID, n.UserID, err = h.tokenOwner(ctx, c.caller, t); err != nil {
		return nil, err
	}
	id, clear, err := h.Tokens.CreateToken(ctx, n)
	if err != nil {
		return nil, err
	}
	token := admin.Token{ID: strconv.FormatInt(id, 10), Org: word(t.Org), User: word(t.User), CreatedAt: now.UTC(), Token: clear}
	if t.Role != "" {
		token.Role = &t.Role
	}
	if !n.ExpiresAt.IsZero() {
		at := n.ExpiresAt.UTC()
		token.ExpiresAt = &at
	}
	return one(h, "token", token), nil
}

// checkToken returns how long the token will live, 0 for ever. An admin token
// that says nothing lives as long as it may.
func checkToken(t admin.TokenCreate) (life time.Duration, err error) {
	if t.Role != "" && !t.Role.Allows(admin.Viewer) {
		return 0, unknownWord(inbox.Invalid, "role", string(t.Role), []string{string(admin.Viewer), string(admin.Operator), string(admin.Admin)})
	}
	if err := inbox.CheckTokenScope(string(t.Role), t.Org != "", t.User != ""); err != nil {
		return 0, err
	}
	if life = span(t.ExpiresInMS); life == 0 && t.Role != "" {
		life = inbox.LongestAdminToken
	}
	return life, inbox.CheckTokenLife(string(t.Role), life)
}

// tokenOwner resolves the org and the user. A caller bound to an org makes
// tokens of that org only.
func (h *handler) tokenOwner(ctx context.Context, who caller, t admin.TokenCreate) (orgID, userID int64, err error) {
	if t.Org == "" {
		if who.orgID != 0 {
			return 0, 0, inbox.Faultf(inbox.Forbidden, "bound", "%s is bound to one org: name it with --org", who.name)
		}
		return 0, 0, nil
	}
	org, err := h.org(ctx, who, t.Org)
	if err != nil || t.User == "" {
		return org.ID, 0, err
	}
	ids, err := h.userIDs(ctx, []int64{org.ID}, []string{t.User}, "in "+org.Name)
	if err != nil {
		return 0, 0, err
	}
	return org.ID, ids[0], nil
}
