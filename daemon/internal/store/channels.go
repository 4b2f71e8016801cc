package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const channelColumns = `id, org_id, kind, external_id, business_id, state, created_at, state_reason, token_kind, token_expires_at`

func scanChannel(row pgx.CollectableRow) (c inbox.Channel, err error) {
	err = row.Scan(channelFields(&c)...)
	return c, err
}

// channelFields are where a row of channelColumns goes.
func channelFields(c *inbox.Channel) []any {
	return []any{
		&c.ID, &c.OrgID, &c.Kind, &c.ExternalID, &c.BusinessID, &c.State, &c.CreatedAt,
		&c.StateReason, &c.TokenKind, orZero(&c.TokenExpiresAt),
	}
}

// tokenOwner binds a sealed channel token to its channel: a token copied into
// another row does not open there.
func tokenOwner(kind inbox.ChannelKind, externalID string) string {
	return "channel:" + string(kind) + ":" + externalID
}

// CreateChannel adds a channel and seals its token; an empty state is active.
// It returns an Invalid fault for a bad kind, state, id or token, NotFound for an
// unknown org and Conflict if any org has the channel already.
func (s *Store) CreateChannel(ctx context.Context, c inbox.Channel, token string) (inbox.Channel, error) {
	if c.State == "" {
		c.State = inbox.ChannelActive
	}
	if err := inbox.CheckChannel(c); err != nil {
		return inbox.Channel{}, err
	}
	var sealed string
	if token != "" {
		err := inbox.CheckAccessToken(token)
		if err != nil {
			return inbox.Channel{}, err
		}
		if sealed, err = s.sealer.Seal(token, tokenOwner(c.Kind, c.ExternalID)); err != nil {
			return inbox.Channel{}, fmt.Errorf("seal channel token: %w", err)
		}
	}
	created, err := s.insertChannel(ctx, c, sealed)
	switch {
	case violates(err, "channels_kind_external_key"):
		return inbox.Channel{}, inbox.Faultf(inbox.Conflict, "channel_exists", "the %s channel %s exists already", c.Kind, c.ExternalID)
	case violates(err, "channels_org_id_fkey"):
		return inbox.Channel{}, orgNotFound(c.OrgID)
	case err != nil:
		return inbox.Channel{}, fmt.Errorf("create channel of org %d: %w", c.OrgID, err)
	}
	return created, nil
}

func (s *Store) insertChannel(ctx context.Context, c inbox.Channel, sealed string) (created inbox.Channel, err error) {
	err = s.record(ctx, func(ctx context.Context, tx pgx.Tx) (r audit.Record, err error) {
		rows, err := tx.Query(ctx, `
INSERT INTO channels (org_id, kind, external_id, business_id, state, token_sealed) VALUES ($1, $2, $3, $4, $5, $6)
RETURNING `+channelColumns, c.OrgID, c.Kind, c.ExternalID, c.BusinessID, c.State, sealed)
		if err != nil {
			return r, err
		}
		created, err = pgx.CollectExactlyOneRow(rows, scanChannel)
		r = audit.Record{OrgID: c.OrgID, Target: channelTarget(created.ID), After: map[string]any{
			"kind": created.Kind, "external_id": created.ExternalID, "state": created.State,
		}}
		if err != nil || sealed == "" {
			return r, err
		}
		life := inbox.TokenLife{Kind: c.TokenKind, IssuedAt: s.now(), ExpiresAt: c.TokenExpiresAt}.For(c.Kind)
		created.TokenKind, created.TokenExpiresAt = life.Kind, life.ExpiresAt
		_, err = tx.Exec(ctx, setTokenLife+` WHERE id = $1`, lifeArgs(created.ID, firstVersion, life)...)
		return r, err
	})
	return created, err
}

// usableID reports whether a provider's id can be a key.
func usableID(id string) bool {
	return id != "" && len(id) <= inbox.MaxProviderID && inbox.Clean(id) == id
}

// flaggedColumns are channelColumns as operators see them: what the provider
// restricts of channel h is part of its state and of the reason.
func flaggedColumns(now string) string {
	flagged := strings.Replace(channelColumns, ` state, `, `
  CASE WHEN state = 'active' AND EXISTS (SELECT 1 FROM restrictions x WHERE x.channel_id = h.id AND x.covers = 'sends' AND `+restrictionActive(now)+`)
       THEN 'paused' ELSE state END, `, 1)
	return strings.Replace(flagged, ` state_reason, `, `
  left(concat_ws('; ', nullif(state_reason, ''), (
    SELECT string_agg(CASE x.covers WHEN 'sends' THEN 'Meta has restricted the account' WHEN 'templates' THEN 'Meta lets no templates out'
                      ELSE 'Meta has ' || x.state || ' the template ' || x.name || ' (' || x.language || ')' END
                      || coalesce(': ' || nullif(x.reason, ''), '')
                      || coalesce('; until ' || to_char(x.until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), ''), '; ' ORDER BY x.covers, x.name, x.language)
    FROM restrictions x WHERE x.channel_id = h.id AND `+restrictionActive(now)+`)), 500), `, 1)
}

// Channels returns the channels of an org, oldest first; orgID 0: of all orgs
// (operators only).
func (s *Store) Channels(ctx context.Context, orgID int64) ([]inbox.Channel, error) {
	rows, err := s.pool.Query(Named(ctx, QueryProvision), `
SELECT `+flaggedColumns(`$2`)+` FROM channels h WHERE ($1 = 0 OR org_id = $1) AND removed_at IS NULL ORDER BY org_id, id`, orgID, s.now())
	if err != nil {
		return nil, fmt.Errorf("list channels of org %d: %w", orgID, err)
	}
	channels, err := pgx.CollectRows(rows, scanChannel)
	if err != nil {
		return nil, fmt.Errorf("list channels of org %d: %w", orgID, err)
	}
	return channels, nil
}

// UnreadableTokens returns the ids of channels whose token none of the secret
// keys opens, at most limit of them: their sends cannot work.
func (s *Store) UnreadableTokens(ctx context.Context, limit int) ([]int64, error) {
	rows, err := s.pool.Query(Named(ctx, QueryProvision), `
SELECT id, kind, external_id, token_sealed FROM channels WHERE token_sealed <> '' ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("read channel tokens: %w", err)
	}
	tokens, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sealedToken])
	if err != nil {
		return nil, fmt.Errorf("read channel tokens: %w", err)
	}
	var unreadable []int64
	for _, t := range tokens {
		if _, err := s.sealer.Open(t.Sealed, tokenOwner(t.Kind, t.ExternalID)); err != nil && len(unreadable) < limit {
			unreadable = append(unreadable, t.ID)
		}
	}
	return unreadable, nil
}
