package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// liftSQL ends what the provider has restricted of channel $1. Rows stay: the
// webhook that is lifted here, delivered again, changes nothing.
const liftSQL = `UPDATE restrictions SET state = 'lifted' WHERE channel_id = $1 AND state <> 'lifted'`

// setStateSQL ends what the provider's refusal had left behind: an operator's
// word counts.
const setStateSQL = `
UPDATE channels SET state = $3, state_reason = '', token_refused = token_refused AND $3 <> 'active'
WHERE org_id = $1 AND id = $2 RETURNING ` + channelColumns

// setTokenSQL starts the life of another token: what was known of the old one
// is forgotten, and a renewal of it that is under way comes too late.
const setTokenSQL = `
UPDATE channels SET token_sealed = $3, token_version = token_version + 1, token_alert = 0,
       token_issued_at = now(), token_expires_at = NULL, token_checked_at = NULL,
       token_refresh_at = now() + CASE kind WHEN 'instagram' THEN interval '25 hours' ELSE interval '0' END,
       state = CASE WHEN state = 'broken' OR token_refused THEN 'active' ELSE state END,
       state_reason = CASE WHEN state = 'broken' OR token_refused THEN '' ELSE state_reason END, token_refused = false
WHERE org_id = $1 AND id = $2 RETURNING ` + channelColumns

// SetChannelState changes whether a channel may be used, under the control
// version it returns, because that changes what may be sent. It returns a
// NotFound fault for a channel the org does not have.
func (s *Store) SetChannelState(ctx context.Context, orgID, id int64, state inbox.ChannelState) (inbox.Channel, int64, error) {
	return s.changeChannel(ctx, orgID, id, func(inbox.Channel) (sql string, arg any, err error) {
		return setStateSQL, string(state), nil
	})
}

// SetChannelToken seals a new token in place of the old one. A channel that was
// stopped because the provider had refused the old one is active again; one that
// an operator has paused stays paused.
func (s *Store) SetChannelToken(ctx context.Context, orgID, id int64, token string) (inbox.Channel, int64, error) {
	if err := inbox.CheckAccessToken(token); err != nil {
		return inbox.Channel{}, 0, err
	}
	return s.changeChannel(ctx, orgID, id, func(c inbox.Channel) (sql string, arg any, err error) {
		sealed, err := s.sealer.Seal(token, tokenOwner(c.Kind, c.ExternalID))
		if err != nil {
			return "", nil, fmt.Errorf("seal channel token: %w", err)
		}
		return setTokenSQL, sealed, nil
	})
}

// changeChannel writes to a locked channel what change says of it. It raises the
// version before it locks, as every change does: two changes then never wait for
// each other.
func (s *Store) changeChannel(ctx context.Context, orgID, id int64, change func(inbox.Channel) (sql string, arg any, err error)) (c inbox.Channel, version int64, err error) {
	err = s.record(ctx, func(ctx context.Context, tx pgx.Tx) (r audit.Record, err error) {
		if version, err = s.jobs.RaiseControl(ctx, tx); err != nil {
			return r, err
		}
		if c, err = oneChannel(ctx, tx, `
SELECT `+channelColumns+` FROM channels WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE`, orgID, id); err != nil {
			return r, err
		}
		r = audit.Record{OrgID: orgID, Target: channelTarget(id), Before: map[string]any{"state": c.State}}
		sql, arg, err := change(c)
		if err != nil {
			return r, err
		}
		c, err = oneChannel(ctx, tx, sql, orgID, id, arg)
		r.After = map[string]any{"state": c.State}
		if err != nil || arg != string(inbox.ChannelActive) {
			return r, err
		}
		if _, err = tx.Exec(ctx, liftSQL, id); err != nil {
			return r, err
		}
		return r, s.hasten(ctx, tx, id)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return inbox.Channel{}, 0, inbox.Faultf(inbox.NotFound, "channel_not_found", "there is no channel %d", id)
	case err != nil:
		return inbox.Channel{}, 0, fmt.Errorf("change channel %d of org %d: %w", id, orgID, err)
	}
	if c.State == inbox.ChannelActive {
		s.jobs.Wake(queueOf(c.Kind))
	}
	return c, version, nil
}

func channelTarget(id int64) string { return fmt.Sprintf("channel %d", id) }

func oneChannel(ctx context.Context, tx pgx.Tx, sql string, args ...any) (inbox.Channel, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return inbox.Channel{}, err
	}
	return pgx.CollectExactlyOneRow(rows, scanChannel)
}
