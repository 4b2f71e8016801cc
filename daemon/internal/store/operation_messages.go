package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// What an operation changes of a message beside its job, and an undo puts back.
const imageColumns = `status, attempts, provider_id, error_class, error_code, error_text, clock_at, sent_at, failed_at`

// QueueKeep keeps how messages are before an operation changes them. They are
// locked, by id.
func (s *Store) QueueKeep(b *pgx.Batch, operationID int64, messageIDs []int64) {
	if len(messageIDs) == 0 {
		return
	}
	b.Queue(lockMessagesSQL, messageIDs)
	b.Queue(`
INSERT INTO operation_messages (operation_id, message_id, `+imageColumns+`)
SELECT $1, m.id, `+imageColumns+` FROM messages m WHERE m.id = ANY($2::bigint[])
ON CONFLICT (operation_id, message_id) DO NOTHING`, operationID, messageIDs)
}

// QueueRestore makes messages again what an operation found, those that still
// have the status it left them with.
func (s *Store) QueueRestore(b *pgx.Batch, operationID int64, messageIDs []int64, left inbox.MessageStatus) {
	if len(messageIDs) == 0 {
		return
	}
	b.Queue(lockMessagesSQL, messageIDs)
	b.Queue(`
UPDATE messages m SET status = k.status, attempts = k.attempts, provider_id = k.provider_id, error_class = k.error_class,
       error_code = k.error_code, error_text = k.error_text, clock_at = k.clock_at, sent_at = k.sent_at, failed_at = k.failed_at
FROM unnest($2::bigint[]) u(id)
     CROSS JOIN LATERAL (SELECT x.* FROM operation_messages x WHERE x.operation_id = $1 AND x.message_id = u.id LIMIT 1) k
WHERE m.id = u.id AND m.status = $3`, operationID, messageIDs, int16(left))
}

// StillFailed returns which of these messages are failed and have no newer job
// than theirs. It is the answer for good only while the caller holds their
// conversations: whoever gives a message another job holds them too.
func (s *Store) StillFailed(ctx context.Context, tx pgx.Tx, jobIDs, messageIDs []int64) (map[int64]bool, error) {
	rows, err := tx.Query(ctx, `
SELECT m.id FROM unnest($1::bigint[], $2::bigint[]) u(job_id, id) JOIN messages m ON m.id = u.id
WHERE m.status = 5 AND m.job_id = u.job_id`, jobIDs, messageIDs)
	if err != nil {
		return nil, fmt.Errorf("look at %d messages: %w", len(messageIDs), err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("look at %d messages: %w", len(messageIDs), err)
	}
	still := make(map[int64]bool, len(ids))
	for _, id := range ids {
		still[id] = true
	}
	return still, nil
}
