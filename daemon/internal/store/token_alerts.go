package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const (
	warnBefore = 7 * 24 * time.Hour
	cryBefore  = 24 * time.Hour
)

// AlertTokens returns the tokens that expire within seven days, and again
// within one day, each once over all processes, and leaves a notice on the
// channel.
func (s *Store) AlertTokens(ctx context.Context) ([]inbox.TokenAlert, error) {
	now := s.now()
	rows, err := s.pool.Query(Named(ctx, QueryPeriodic), `
WITH due AS (
  SELECT id, CASE WHEN token_expires_at <= $1::timestamptz THEN 2 ELSE 1 END AS level
  FROM channels WHERE token_expires_at <= $2::timestamptz AND token_alert < CASE WHEN token_expires_at <= $1::timestamptz THEN 2 ELSE 1 END
  ORDER BY id LIMIT 200 FOR NO KEY UPDATE SKIP LOCKED),
u AS (
  UPDATE channels c SET token_alert = due.level FROM due WHERE c.id = due.id
  RETURNING c.id, c.org_id, c.kind, c.token_expires_at, due.level),
n AS (
  INSERT INTO channel_notices (org_id, channel_id, field, detail, at)
  SELECT org_id, id, 'token_expires', jsonb_build_object('expires_at', token_expires_at, 'urgent', level = 2), $3 FROM u
  ON CONFLICT DO NOTHING)
SELECT u.id, u.org_id, o.name, u.kind, u.token_expires_at, u.level = 2 FROM u JOIN orgs o ON o.id = u.org_id ORDER BY u.id`,
		now.Add(cryBefore), now.Add(warnBefore), now)
	if err != nil {
		return nil, fmt.Errorf("look for tokens that expire: %w", err)
	}
	alerts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[inbox.TokenAlert])
	if err != nil {
		return nil, fmt.Errorf("look for tokens that expire: %w", err)
	}
	return alerts, nil
}

// ExpiringTokens counts the tokens that expire within seven days and within
// one, expired ones included.
func (s *Store) ExpiringTokens(ctx context.Context) (week, day int, err error) {
	now := s.now()
	err = s.pool.QueryRow(Named(ctx, QueryPeriodic), `
SELECT count(*), count(*) FILTER (WHERE token_expires_at <= $1) FROM channels WHERE token_expires_at <= $2`,
		now.Add(cryBefore), now.Add(warnBefore)).Scan(&week, &day)
	if err != nil {
		return 0, 0, fmt.Errorf("count tokens that expire: %w", err)
	}
	return week, day, nil
}
