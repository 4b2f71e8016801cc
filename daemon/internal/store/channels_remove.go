package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// useSQL counts what depends on channel $2 of org $1: unfinished jobs
// (scheduled, ready, dispatched, running, held) and conversations.
const useSQL = `
SELECT (SELECT count(*) FROM jobs WHERE channel_id = $2 AND state IN (0, 1, 2, 3, 5)),
       (SELECT count(*) FROM conversations WHERE org_id = $1 AND channel_id = $2)`

// removeSQL destroys a channel's token and frees its number for another org. The
// row stays, because conversations hang on it; nothing finds it by its number.
const removeSQL = `
UPDATE channels SET removed_at = now(), external_id = external_id || '#' || id, token_sealed = '', token_version = token_version + 1,
       token_refresh_at = NULL, token_expires_at = NULL, state = 'broken', state_reason = $3
WHERE org_id = $1 AND id = $2 AND removed_at IS NULL`

// ChannelUse counts the unfinished jobs and the conversations of a channel.
func (s *Store) ChannelUse(ctx context.Context, orgID, id int64) (unfinished, conversations int64, err error) {
	err = s.pool.QueryRow(Named(ctx, QueryProvision), useSQL, orgID, id).Scan(&unfinished, &conversations)
	if err != nil {
		return 0, 0, fmt.Errorf("count what depends on channel %d: %w", id, err)
	}
	return unfinished, conversations, nil
}

// RemoveChannel removes a channel under the control version it returns. It is a
// Conflict while it has unfinished jobs, and NotFound for a channel the org does
// not have.
func (s *Store) RemoveChannel(ctx context.Context, orgID, id int64, why string) (version int64, err error) {
	ctx = Named(ctx, QueryProvision)
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if version, err = s.jobs.RaiseControl(ctx, tx); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, removeSQL, orgID, id, why)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return inbox.Faultf(inbox.NotFound, "channel_not_found", "there is no channel %d", id)
		}
		var unfinished, conversations int64
		if err := tx.QueryRow(ctx, useSQL, orgID, id).Scan(&unfinished, &conversations); err != nil {
			return err
		}
		if unfinished > 0 {
			return inbox.Faultf(inbox.Conflict, "channel_busy", "channel %d has %d unfinished jobs", id, unfinished)
		}
		return audit.Write(ctx, tx, audit.Record{
			OrgID: orgID, Target: fmt.Sprintf("channel %d", id), After: map[string]any{"removed": true, "conversations": conversations},
		})
	})
	if _, isFault := errors.AsType[*inbox.Fault](err); err != nil && !isFault {
		return 0, fmt.Errorf("remove channel %d of org %d: %w", id, orgID, err)
	}
	return version, err
}
