package adminapi

import (
	"context"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// maxAdminToken is the longest an admin token lives, and the default.
const maxAdminToken = 90 * 24 * time.Hour

func (h *handler) createToken(ctx context.Context, c *call) (any, error) {
	t, err := decode[admin.TokenCreate](c)
	if err != nil {
		return nil, err
	}
	if err := checkToken(t); err != nil {
		return nil, err
	}
	now := h.Now()
	n := NewToken{Role: string(t.Role), ExpiresAt: expiry(t, now)}
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

func checkToken(t admin.TokenCreate) error {
	switch {
	case t.Role == "" && t.Org == "":
		return inbox.Faultf(inbox.Invalid, "no_org", "say whose token it is: an API token with --org, an admin token with --role")
	case t.Role != "" && !t.Role.Allows(admin.Viewer):
		return unknownWord(inbox.Invalid, "role", string(t.Role), []string{string(admin.Viewer), string(admin.Operator), string(admin.Admin)})
	case t.Role != "" && t.User != "":
		return inbox.Faultf(inbox.Invalid, "role_and_user", "a token is either an agent's (--user) or an operator's (--role), not both")
	case t.ExpiresInMS < 0:
		return inbox.Faultf(inbox.Invalid, "bad_expiry", "a token cannot expire in the past")
	case t.Role != "" && t.ExpiresInMS > maxAdminToken.Milliseconds():
		return inbox.Faultf(inbox.Invalid, "bad_expiry", "an admin token lives at most 90 days (2160h)")
	}
	return nil
}

func expiry(t admin.TokenCreate, now time.Time) time.Time {
	switch {
	case t.ExpiresInMS > 0:
		return now.Add(time.Duration(t.ExpiresInMS) * time.Millisecond)
	case t.Role != "":
		return now.Add(maxAdminToken)
	default:
		return time.Time{}
	}
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
	ids, err := h.userIDs(ctx, []int64{org.ID}, []string{t.User})
	if err != nil {
		return 0, 0, err
	}
	return org.ID, ids[0], nil
}
