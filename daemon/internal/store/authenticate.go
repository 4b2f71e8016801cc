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

// usedEvery is how exactly a token's last use is known: writing each one would
// cost a commit per request.
const usedEvery = time.Minute

// Authenticate returns who a token of the public API speaks for, or an
// Unauthorized fault. An answer is kept for 2 s: a revoked token works that
// much longer.
func (s *Store) Authenticate(ctx context.Context, clear string) (inbox.Principal, error) {
	t, err := secret.Parse(clear)
	if err != nil {
		return inbox.Principal{}, badToken()
	}
	return s.tokens.get(ctx, string(t.Digest), func(ctx context.Context, _ string) (inbox.Principal, error) {
		found, err := s.proven(ctx, t)
		switch {
		case err != nil:
			return inbox.Principal{}, err
		case found.role != "":
			return inbox.Principal{}, badToken()
		}
		return found.Principal, nil
	})
}

// AuthenticateAdmin returns who an admin token speaks for, or an Unauthorized
// fault: bad_token for one that proves nothing, token_expired and token_revoked
// for one that did. It is never cached: a revoked operator is out at once.
func (s *Store) AuthenticateAdmin(ctx context.Context, clear string) (AdminPrincipal, error) {
	t, err := secret.Parse(clear)
	if err != nil {
		return AdminPrincipal{}, badToken()
	}
	found, err := s.proven(ctx, t)
	switch {
	case err != nil:
		return AdminPrincipal{}, err
	case found.role == "":
		return AdminPrincipal{}, badToken()
	}
	return AdminPrincipal{TokenID: t.ID, Role: found.role, OrgID: found.OrgID}, nil
}

// provenToken is a live token whose secret was shown to us.
type provenToken struct {
	inbox.Principal

	role                           string // empty: of the public API
	digest                         []byte
	expiresAt, revokedAt, lastUsed time.Time
}

// proven looks a token up by its number and compares the digests here, so that
// the time of it tells nothing. Only whoever has the secret learns that the token
// has expired or was revoked.
func (s *Store) proven(ctx context.Context, t secret.Token) (provenToken, error) {
	rows, err := s.pool.Query(Named(ctx, QueryToken), `
SELECT t.id, coalesce(t.org_id, 0), coalesce(o.name, ''), coalesce(t.user_id, 0), coalesce(u.name, ''),
       coalesce(t.role, ''), t.digest, t.expires_at, t.revoked_at, t.last_used_at
FROM tokens t LEFT JOIN orgs o ON o.id = t.org_id LEFT JOIN users u ON u.id = t.user_id WHERE t.id = $1`, t.ID)
	if err != nil {
		return provenToken{}, fmt.Errorf("look up token: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (p provenToken, err error) {
		err = row.Scan(&p.TokenID, &p.OrgID, &p.OrgName, &p.UserID, &p.UserName,
			&p.role, &p.digest, orZero(&p.expiresAt), orZero(&p.revokedAt), orZero(&p.lastUsed))
		return p, err
	})
	now := s.now()
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && !t.Proves(p.digest):
		return provenToken{}, badToken()
	case err != nil:
		return provenToken{}, fmt.Errorf("look up token: %w", err)
	case !p.revokedAt.IsZero():
		return provenToken{}, inbox.Faultf(inbox.Unauthorized, "token_revoked",
			"token %d was revoked at %s: make another with `inboxctl tokens create`", t.ID, utc(p.revokedAt))
	case !p.expiresAt.IsZero() && !p.expiresAt.After(now):
		return provenToken{}, inbox.Faultf(inbox.Unauthorized, "token_expired",
			"token %d expired at %s: make another with `inboxctl tokens create`", t.ID, utc(p.expiresAt))
	}
	if now.Sub(p.lastUsed) >= usedEvery {
		s.used(ctx, t.ID, now)
	}
	return p, nil
}

// used notes the use of a token. That it cannot be written must keep nobody out.
func (s *Store) used(ctx context.Context, id int64, now time.Time) {
	_, _ = s.pool.Exec(Named(ctx, QueryToken), `
UPDATE tokens SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $2::timestamptz - $3::interval)`, id, now, usedEvery)
}

func utc(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func badToken() error {
	return inbox.Faultf(inbox.Unauthorized, "bad_token", "the token is not valid here: it is unknown, or of the wrong kind")
}
