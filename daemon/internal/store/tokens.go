package store

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/secret"
)

// NewToken says who a token is for. Role empty: a token of the public API for
// OrgID, and for UserID if set. Otherwise an admin token with role viewer,
// operator or admin, bound to OrgID if set. ExpiresAt zero: never, which only a
// token of the public API may be.
type NewToken struct {
	OrgID, UserID int64
	Role          string
	ExpiresAt     time.Time
}

// AdminPrincipal is who an admin token speaks for. OrgID 0: all orgs.
type AdminPrincipal struct {
	TokenID int64
	Role    string
	OrgID   int64
}

// CreateToken makes a token and returns its clear text, which is stored
// nowhere. It returns an Invalid fault for a bad role, scope or life and NotFound
// if the org has no such user.
func (s *Store) CreateToken(ctx context.Context, n NewToken) (id int64, clear string, err error) {
	if err := n.check(s.now()); err != nil {
		return 0, "", err
	}
	err = s.record(ctx, func(ctx context.Context, tx pgx.Tx) (r audit.Record, err error) {
		if err := tx.QueryRow(ctx, `SELECT nextval(pg_get_serial_sequence('tokens', 'id'))`).Scan(&id); err != nil {
			return r, err
		}
		var digest []byte
		clear, digest = secret.Mint(n.kind(), id)
		_, err = tx.Exec(ctx, `
INSERT INTO tokens (id, org_id, user_id, role, digest, expires_at, created_by)
VALUES ($1, nullif($2::bigint, 0), nullif($3::bigint, 0), nullif($4, ''), $5, $6, $7)`,
			id, n.OrgID, n.UserID, n.Role, digest, orNull(n.ExpiresAt), actor(ctx))
		return n.created(id), err
	})
	switch {
	case violates(err, "tokens_org_id_fkey"):
		return 0, "", orgNotFound(n.OrgID)
	case violates(err, "tokens_user_fkey"):
		return 0, "", inbox.Faultf(inbox.NotFound, "user_not_found", "org %d has no user %d", n.OrgID, n.UserID)
	case err != nil:
		return 0, "", fmt.Errorf("create token: %w", err)
	}
	return id, clear, nil
}

// kind is the role of the token's text.
func (n NewToken) kind() string { return cmp.Or(n.Role, "api") }

func (n NewToken) created(id int64) audit.Record {
	after := map[string]any{"kind": n.kind()}
	if n.UserID != 0 {
		after["user_id"] = strconv.FormatInt(n.UserID, 10)
	}
	if !n.ExpiresAt.IsZero() {
		after["expires_at"] = n.ExpiresAt.UTC().Format(time.RFC3339)
	}
	return audit.Record{OrgID: n.OrgID, Target: tokenTarget(id), After: after}
}

func tokenTarget(id int64) string { return fmt.Sprintf("token %d", id) }

// actor is who asks for a change; empty: no operator.
func actor(ctx context.Context) string {
	if c := inbox.ChangeOf(ctx); c != nil {
		return c.Actor
	}
	return ""
}

func (n NewToken) check(now time.Time) error {
	if err := inbox.CheckTokenScope(n.Role, n.OrgID != 0, n.UserID != 0); err != nil {
		return err
	}
	if n.ExpiresAt.IsZero() {
		return inbox.CheckTokenLife(n.Role, 0)
	}
	life := n.ExpiresAt.Sub(now)
	if life == 0 {
		life = -1 // expires this very moment, which 0 does not say
	}
	return inbox.CheckTokenLife(n.Role, life)
}
