package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Reveal returns what a job sends: the text of its message, or the template with
// its parameters. It is recorded in the same transaction: who cannot be recorded
// reads nothing. It returns a NotFound fault for a message that is gone.
func (s *Store) Reveal(ctx context.Context, orgID, jobID, messageID int64) (m inbox.Message, err error) {
	err = s.record(ctx, func(ctx context.Context, tx pgx.Tx) (r audit.Record, err error) {
		rows, err := tx.Query(ctx, messageSelect+` WHERE m.id = $1 AND m.org_id = $2`, messageID, orgID)
		if err != nil {
			return r, err
		}
		m, err = pgx.CollectExactlyOneRow(rows, scanMessage)
		return audit.Record{OrgID: orgID, Target: fmt.Sprintf("job %d", jobID)}, err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return inbox.Message{}, messageNotFound(messageID)
	case err != nil:
		return inbox.Message{}, fmt.Errorf("reveal message %d: %w", messageID, err)
	}
	return m, nil
}
