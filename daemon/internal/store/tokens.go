package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

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
	ctx = Named(ctx, QueryProvision)
	if err := s.pool.QueryRow(ctx, `SELECT nextval(pg_get_serial_sequence('tokens', 'id'))`).Scan(&id); err != nil {
		return 0, "", fmt.Errorf("create token: %w", err)
	}
	role := n.Role
	if role == "" {
		role = "api"
	}
	clear, digest := secret.Mint(role, id)
	_, err = s.pool.Exec(ctx, `
INSERT INTO tokens (id, org_id, user_id, role, digest, expires_at)
VALUES ($1, nullif($2::bigint, 0), nullif($3::bigint, 0), nullif($4, ''), $5, $6)`,
		id, n.OrgID, n.UserID, n.Role, digest, orNull(n.ExpiresAt))
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

// Authenticate returns who a token of the public API speaks for, or an
// Unauthorized fault. An answer is kept for 2 s: a revoked token works that
// much longer.
func (s *Store) Authenticate(ctx context.Context, clear string) (inbox.Principal, error) {
	digest, err := secret.Digest(clear)
	if err != nil {
		return inbox.Principal{}, unauthorized()
	}
	return s.tokens.get(ctx, string(digest), s.principal)
}

func (s *Store) principal(ctx context.Context, digest string) (inbox.Principal, error) {
	rows, err := s.pool.Query(Named(ctx, QueryToken), `
SELECT t.id, t.org_id, o.name, coalesce(t.user_id, 0), coalesce(u.name, '')
FROM tokens t JOIN orgs o ON o.id = t.org_id LEFT JOIN users u ON u.id = t.user_id
WHERE t.digest = $1 AND t.role IS NULL AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $2)`,
		[]byte(digest), s.now())
	if err != nil {
		return inbox.Principal{}, fmt.Errorf("look up token: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[inbox.Principal])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return inbox.Principal{}, unauthorized()
	case err != nil:
		return inbox.Principal{}, fmt.Errorf("look up token: %w", err)
	}
	return p, nil
}

// AuthenticateAdmin returns who an admin token speaks for, or an Unauthorized
// fault. It is never cached: a revoked operator is out at once.
func (s *Store) AuthenticateAdmin(ctx context.Context, clear string) (AdminPrincipal, error) {
	digest, err := secret.Digest(clear)
	if err != nil {
		return AdminPrincipal{}, unauthorized()
	}
	rows, err := s.pool.Query(Named(ctx, QueryToken), `
SELECT id, role, coalesce(org_id, 0) FROM tokens
WHERE digest = $1 AND role IS NOT NULL AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)`, digest, s.now())
	if err != nil {
		return AdminPrincipal{}, fmt.Errorf("look up admin token: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[AdminPrincipal])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return AdminPrincipal{}, unauthorized()
	case err != nil:
		return AdminPrincipal{}, fmt.Errorf("look up admin token: %w", err)
	}
	return p, nil
}

func unauthorized() error {
	return inbox.Faultf(inbox.Unauthorized, "bad_token", "the token is not valid here: it is unknown, expired, revoked or of the wrong kind")
}
