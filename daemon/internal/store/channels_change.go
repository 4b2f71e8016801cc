package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// SetChannelState changes whether a channel may be used, under the control
// version it returns, because that changes what may be sent. It returns a
// NotFound fault for a channel the org does not have.
func (s *Store) SetChannelState(ctx context.Context, orgID, id int64, state inbox.ChannelState) (inbox.Channel, int64, error) {
	return s.changeChannel(ctx, orgID, id, func(c *inbox.Channel) (sealed *string, err error) {
		c.State = state
		return nil, nil //nolint:nilnil // The token stays.
	})
}

// SetChannelToken seals a new token in place of the old one. A channel that was
// broken is active again: the provider had refused the old token. One that an
// operator has paused stays paused.
func (s *Store) SetChannelToken(ctx context.Context, orgID, id int64, token string) (inbox.Channel, int64, error) {
	if err := inbox.CheckAccessToken(token); err != nil {
		return inbox.Channel{}, 0, err
	}
	return s.changeChannel(ctx, orgID, id, func(c *inbox.Channel) (*string, error) {
		if c.State == inbox.ChannelBroken {
			c.State = inbox.ChannelActive
		}
		sealed, err := s.sealer.Seal(token, tokenOwner(c.Kind, c.ExternalID))
		if err != nil {
			return nil, fmt.Errorf("seal channel token: %w", err)
		}
		return &sealed, nil
	})
}

// changeChannel changes the state of a locked channel, and its token if change
// returns one. It raises the version before it locks, as every change does: two
// changes then never wait for each other.
func (s *Store) changeChannel(ctx context.Context, orgID, id int64, change func(*inbox.Channel) (sealed *string, err error)) (c inbox.Channel, version int64, err error) {
	ctx = Named(ctx, QueryProvision)
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if version, err = s.jobs.RaiseControl(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
SELECT `+channelColumns+` FROM channels WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE`, orgID, id)
		if err != nil {
			return err
		}
		if c, err = pgx.CollectExactlyOneRow(rows, scanChannel); err != nil {
			return err
		}
		sealed, err := change(&c)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
UPDATE channels SET state = $3, token_sealed = coalesce($4::text, token_sealed) WHERE org_id = $1 AND id = $2`, orgID, id, c.State, sealed)
		return err
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
