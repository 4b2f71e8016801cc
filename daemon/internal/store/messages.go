package store

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const messageColumns = `m.id, m.org_id, m.conversation_id, m.inbound, m.kind, m.status, m.origin, coalesce(m.author_id, 0),
       coalesce(a.name, ''), m.body, m.payload, coalesce(m.provider_id, ''), coalesce(m.job_id, 0),
       coalesce(m.error_class, ''), coalesce(m.error_code, 0), coalesce(m.error_text, ''),
       m.provider_at, m.created_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at`

const messageSelect = `
SELECT ` + messageColumns + ` FROM messages m LEFT JOIN users a ON a.id = m.author_id`

// messageFields are the targets of messageColumns.
func messageFields(m *inbox.Message) []any {
	return []any{
		&m.ID, &m.OrgID, &m.ConversationID, &m.Inbound, &m.Kind, &m.Status, &m.Origin, &m.AuthorID,
		&m.Author, &m.Text, &m.Payload, &m.ProviderID, &m.JobID,
		&m.ErrorClass, &m.ErrorCode, &m.ErrorText,
		orZero(&m.ProviderAt), &m.CreatedAt, orZero(&m.SentAt), orZero(&m.DeliveredAt), orZero(&m.ReadAt), orZero(&m.FailedAt),
	}
}

func scanMessage(row pgx.CollectableRow) (m inbox.Message, err error) {
	err = row.Scan(messageFields(&m)...)
	return m, err
}

// Message returns a message of the org, or a NotFound fault.
func (s *Store) Message(ctx context.Context, orgID, id int64) (inbox.Message, error) {
	rows, err := s.pool.Query(Named(ctx, QueryMessage), messageSelect+` WHERE m.id = $1 AND m.org_id = $2`, id, orgID)
	if err != nil {
		return inbox.Message{}, fmt.Errorf("load message %d: %w", id, err)
	}
	m, err := pgx.CollectExactlyOneRow(rows, scanMessage)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return inbox.Message{}, messageNotFound(id)
	case err != nil:
		return inbox.Message{}, fmt.Errorf("load message %d: %w", id, err)
	}
	return m, nil
}

func messageNotFound(id int64) error {
	return inbox.Faultf(inbox.NotFound, "message_not_found", "there is no message %d", id)
}

// Messages returns a page of a conversation, newest first: ids below before,
// or the newest for 0. It returns a NotFound fault for the conversation.
func (s *Store) Messages(ctx context.Context, orgID, conversationID, before int64, limit int) ([]inbox.Message, error) {
	ctx = Named(ctx, QueryMessage)
	if before <= 0 {
		before = math.MaxInt64
	}
	rows, err := s.pool.Query(ctx, messageSelect+`
WHERE m.conversation_id = $1 AND m.org_id = $2 AND m.id < $3 ORDER BY m.id DESC LIMIT $4`, conversationID, orgID, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list messages of conversation %d: %w", conversationID, err)
	}
	found, err := pgx.CollectRows(rows, scanMessage)
	if err != nil {
		return nil, fmt.Errorf("list messages of conversation %d: %w", conversationID, err)
	}
	if len(found) == 0 {
		_, err = s.Conversation(ctx, orgID, conversationID)
	}
	return found, err
}
