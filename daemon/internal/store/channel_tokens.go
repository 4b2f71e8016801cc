package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const firstVersion = 1

// setTokenLife writes what is known of the token of channel $1.
const setTokenLife = `
UPDATE channels SET token_kind = $2, token_issued_at = $3, token_expires_at = $4, token_checked_at = $5, token_refresh_at = $6`

func lifeArgs(channelID, version int64, l inbox.TokenLife) []any {
	return []any{
		channelID, string(l.Kind), orNull(l.IssuedAt), orNull(l.ExpiresAt), orNull(l.CheckedAt),
		orNull(l.RefreshAt(channelID, version)),
	}
}

// ChannelToken returns a channel's token and what is known of it, or a NotFound
// fault.
func (s *Store) ChannelToken(ctx context.Context, orgID, channelID int64) (inbox.ChannelToken, error) {
	rows, err := s.pool.Query(Named(ctx, QueryProvision), `
SELECT `+channelColumns+`, token_sealed, token_version, token_issued_at, token_checked_at, token_refresh_at, token_refused
FROM channels WHERE id = $1 AND org_id = $2`, channelID, orgID)
	if err != nil {
		return inbox.ChannelToken{}, fmt.Errorf("load token of channel %d: %w", channelID, err)
	}
	var sealed string
	t, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (t inbox.ChannelToken, err error) {
		err = row.Scan(append(channelFields(&t.Channel),
			&sealed, &t.Version, orZero(&t.IssuedAt), orZero(&t.CheckedAt), orZero(&t.RefreshAt), &t.Refused)...)
		t.Kind, t.ExpiresAt = t.Channel.TokenKind, t.Channel.TokenExpiresAt
		return t, err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return inbox.ChannelToken{}, channelNotFound(channelID)
	case err != nil:
		return inbox.ChannelToken{}, fmt.Errorf("load token of channel %d: %w", channelID, err)
	}
	t.Token, err = s.openToken(t.Channel, sealed)
	return t, err
}

func channelNotFound(id int64) error {
	return inbox.Faultf(inbox.NotFound, "channel_not_found", "there is no channel %d", id)
}

func (s *Store) openToken(c inbox.Channel, sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	clear, err := s.sealer.Open(sealed, tokenOwner(c.Kind, c.ExternalID))
	if err != nil {
		return "", fmt.Errorf("open token of channel %d: %w", c.ID, err)
	}
	return clear, nil
}

// ReplaceToken writes a renewed token and its life in one statement, unless
// somebody has replaced the one that was seen: then it reports false and
// changes nothing. The old token is gone with it, so the new one must be proven
// before.
func (s *Store) ReplaceToken(ctx context.Context, seen inbox.ChannelToken, clear string, life inbox.TokenLife) (bool, error) {
	c := seen.Channel
	sealed, err := s.sealer.Seal(clear, tokenOwner(c.Kind, c.ExternalID))
	if err != nil {
		return false, fmt.Errorf("seal channel token: %w", err)
	}
	args := append(lifeArgs(c.ID, seen.Version+1, life), c.OrgID, seen.Version, sealed)
	tag, err := s.pool.Exec(Named(ctx, QueryProvision), setTokenLife+`,
       token_sealed = $9, token_version = token_version + 1, token_refused = false, token_alert = 0
WHERE id = $1 AND org_id = $7 AND token_version = $8`, args...)
	if err != nil {
		return false, fmt.Errorf("replace token of channel %d: %w", c.ID, err)
	}
	return tag.RowsAffected() == 1, nil
}

// NoteToken writes what was learnt about the token that was seen; a newer one
// is left alone.
func (s *Store) NoteToken(ctx context.Context, seen inbox.ChannelToken, life inbox.TokenLife) error {
	args := append(lifeArgs(seen.Channel.ID, seen.Version, life), seen.Channel.OrgID, seen.Version)
	_, err := s.pool.Exec(Named(ctx, QueryProvision), setTokenLife+`
WHERE id = $1 AND org_id = $7 AND token_version = $8`, args...)
	if err != nil {
		return fmt.Errorf("note token of channel %d: %w", seen.Channel.ID, err)
	}
	return nil
}

// PauseChannel pauses an active channel whose token the provider refuses, with
// the reason operators see: its jobs wait for a new token. A refusal of a token
// that has been replaced meanwhile changes nothing. It reports whether the
// channel was active until now.
func (s *Store) PauseChannel(ctx context.Context, orgID, channelID, tokenVersion int64, reason string) (bool, error) {
	var paused bool
	err := s.pool.QueryRow(Named(ctx, QueryProvision), `
WITH h AS (
  SELECT id, state FROM channels WHERE id = $1 AND org_id = $2 AND token_version = $3 FOR NO KEY UPDATE),
u AS (
  UPDATE channels c SET token_refused = true,
         state = CASE h.state WHEN 'active' THEN 'paused' ELSE h.state END,
         state_reason = CASE h.state WHEN 'active' THEN $4 ELSE c.state_reason END
  FROM h WHERE c.id = h.id AND (h.state = 'active' OR NOT c.token_refused))
SELECT coalesce((SELECT state = 'active' FROM h), false)`, channelID, orgID, tokenVersion, note(reason)).Scan(&paused)
	if err != nil {
		return false, fmt.Errorf("pause channel %d: %w", channelID, err)
	}
	return paused, nil
}

// refreshStopped is the fact that our own app secret is refused. It is known to
// every process and forgotten when a renewal works again.
const refreshStopped = "token_refresh_stopped"

// RefreshStopped returns since when all renewals of Facebook tokens rest
// because our app secret is refused; zero: they do not.
func (s *Store) RefreshStopped(ctx context.Context) (time.Time, error) {
	var value string
	err := s.pool.QueryRow(Named(ctx, QueryPeriodic), `SELECT value FROM engine_facts WHERE name = $1`, refreshStopped).Scan(&value)
	if errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read whether renewals rest: %w", err)
	}
	since, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return time.Time{}, fmt.Errorf("read since when renewals rest: %w", err)
	}
	return since, nil
}

// StopRefreshes lets all renewals of Facebook tokens rest from now on. It
// reports whether they did not before: then somebody must be told.
func (s *Store) StopRefreshes(ctx context.Context) (first bool, err error) {
	err = s.pool.QueryRow(Named(ctx, QueryPeriodic), `
INSERT INTO engine_facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value
RETURNING xmax = 0`, refreshStopped, s.now().UTC().Format(time.RFC3339Nano)).Scan(&first)
	if err != nil {
		return false, fmt.Errorf("stop renewals: %w", err)
	}
	return first, nil
}

// ResumeRefreshes ends that; it reports whether renewals rested.
func (s *Store) ResumeRefreshes(ctx context.Context) (bool, error) {
	tag, err := s.pool.Exec(Named(ctx, QueryPeriodic), `DELETE FROM engine_facts WHERE name = $1`, refreshStopped)
	if err != nil {
		return false, fmt.Errorf("resume renewals: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}
