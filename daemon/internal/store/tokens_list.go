package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const listedSQL = `
SELECT t.id, t.org_id, coalesce(o.name, ''), coalesce(u.name, ''), coalesce(t.role, ''), t.created_by,
       t.created_at, t.expires_at, t.revoked_at, t.last_used_at
FROM tokens t LEFT JOIN orgs o ON o.id = t.org_id LEFT JOIN users u ON u.id = t.user_id`

func scanToken(row pgx.CollectableRow) (t inbox.Token, err error) {
	err = row.Scan(&t.ID, (*zeronull.Int8)(&t.OrgID), &t.Org, &t.User, &t.Role, &t.CreatedBy,
		&t.CreatedAt, orZero(&t.ExpiresAt), orZero(&t.RevokedAt), orZero(&t.LastUsedAt))
	return t, err
}

// Tokens returns the tokens of an org, oldest first, expired and revoked ones
// included; orgID 0: all tokens (operators only).
func (s *Store) Tokens(ctx context.Context, orgID int64) ([]inbox.Token, error) {
	rows, err := s.pool.Query(Named(ctx, QueryProvision), listedSQL+` WHERE $1 = 0 OR t.org_id = $1 ORDER BY t.id`, orgID)
	if err != nil {
		return nil, fmt.Errorf("list tokens of org %d: %w", orgID, err)
	}
	all, err := pgx.CollectRows(rows, scanToken)
	if err != nil {
		return nil, fmt.Errorf("list tokens of org %d: %w", orgID, err)
	}
	return all, nil
}

// Token returns one token, or a NotFound fault; orgID 0: of any org.
func (s *Store) Token(ctx context.Context, orgID, id int64) (inbox.Token, error) {
	rows, err := s.pool.Query(Named(ctx, QueryProvision), listedSQL+` WHERE t.id = $2 AND ($1 = 0 OR t.org_id = $1)`, orgID, id)
	if err != nil {
		return inbox.Token{}, fmt.Errorf("load token %d: %w", id, err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, scanToken)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return inbox.Token{}, tokenNotFound(id)
	case err != nil:
		return inbox.Token{}, fmt.Errorf("load token %d: %w", id, err)
	}
	return t, nil
}

// RevokeToken ends a token for ever: admin tokens at once, tokens of the public
// API within 2 s in every process. One that is revoked already stays as it is. It
// returns a NotFound fault for a token the org does not have; orgID 0: of any.
func (s *Store) RevokeToken(ctx context.Context, orgID, id int64) (inbox.Token, error) {
	before, err := s.Token(ctx, orgID, id)
	if err != nil || !before.RevokedAt.IsZero() {
		return before, err
	}
	err = s.record(ctx, func(ctx context.Context, tx pgx.Tx) (r audit.Record, err error) {
		tag, err := tx.Exec(ctx, `UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL`, id, s.now())
		if err == nil && tag.RowsAffected() == 0 {
			err = errLost
		}
		return audit.Record{OrgID: before.OrgID, Target: tokenTarget(id)}, err
	})
	if err != nil && !errors.Is(err, errLost) { // lost: somebody else has revoked it just now
		return inbox.Token{}, fmt.Errorf("revoke token %d: %w", id, err)
	}
	return s.Token(ctx, orgID, id)
}

func tokenNotFound(id int64) error {
	return inbox.Faultf(inbox.NotFound, "token_not_found", "there is no token %d: `inboxctl tokens list` shows them", id)
}
