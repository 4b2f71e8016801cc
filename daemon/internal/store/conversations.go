package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const conversationSelect = `
SELECT v.id, v.org_id, v.channel_id, h.kind, v.state, coalesce(v.assignee_id, 0), coalesce(a.name, ''),
       v.last_inbound_at, v.last_message_at, v.created_at, e.due_at,
       k.id, coalesce(k.user_id, ''), coalesce(k.wa_id, ''), k.name, v.tags
FROM conversations v
JOIN channels h ON h.id = v.channel_id
JOIN contacts k ON k.id = v.contact_id
LEFT JOIN users a ON a.id = v.assignee_id
LEFT JOIN episodes e ON e.conversation_id = v.id AND e.answered_at IS NULL`

const conversationByID = conversationSelect + ` WHERE v.id = $1 AND v.org_id = $2`

func scanConversation(row pgx.CollectableRow) (c inbox.Conversation, err error) {
	err = row.Scan(&c.ID, &c.OrgID, &c.ChannelID, &c.Channel, &c.State, &c.AssigneeID, &c.Assignee,
		orZero(&c.LastInboundAt), &c.LastMessageAt, &c.CreatedAt, orZero(&c.DueAt),
		&c.Contact.ID, &c.Contact.UserID, &c.Contact.WaID, &c.Contact.Name, &c.Tags)
	return c, err
}

// Conversation returns a conversation of the org, or a NotFound fault.
func (s *Store) Conversation(ctx context.Context, orgID, id int64) (inbox.Conversation, error) {
	rows, err := s.pool.Query(Named(ctx, QueryConversation), conversationByID, id, orgID)
	if err != nil {
		return inbox.Conversation{}, fmt.Errorf("load conversation %d: %w", id, err)
	}
	return oneConversation(rows, id)
}

func oneConversation(rows pgx.Rows, id int64) (inbox.Conversation, error) {
	c, err := pgx.CollectExactlyOneRow(rows, scanConversation)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return inbox.Conversation{}, conversationNotFound(id)
	case err != nil:
		return inbox.Conversation{}, fmt.Errorf("load conversation %d: %w", id, err)
	}
	return c, nil
}

func conversationNotFound(id int64) error {
	return inbox.Faultf(inbox.NotFound, "conversation_not_found", "there is no conversation %d", id)
}

// nobody is the assignee of a filter for conversations without one.
const nobody = "-"

// Conversations returns a page of an org's conversations, newest activity
// first. It returns an Unprocessable fault if the assignee is no user of the
// org.
func (s *Store) Conversations(ctx context.Context, f inbox.ConversationFilter) ([]inbox.Conversation, error) {
	ctx = Named(ctx, QueryConversation)
	at, id := pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}, int64(math.MaxInt64)
	if f.Before != (inbox.Cursor{}) {
		at, id = pgtype.Timestamptz{Time: f.Before.At, Valid: true}, f.Before.ID
	}
	rows, err := s.pool.Query(ctx, conversationSelect+`
WHERE v.org_id = $1 AND (v.last_message_at, v.id) < ($2, $3)
  AND ($4 = '' OR v.state = $4)
  AND CASE $5 WHEN '' THEN true WHEN '-' THEN v.assignee_id IS NULL
      ELSE v.assignee_id = (SELECT u.id FROM users u WHERE u.org_id = $1 AND u.name = $5) END
ORDER BY v.last_message_at DESC, v.id DESC LIMIT $6`, f.OrgID, at, id, string(f.State), inbox.Clean(f.Assignee), f.Limit)
	if err != nil {
		return nil, fmt.Errorf("list conversations of org %d: %w", f.OrgID, err)
	}
	found, err := pgx.CollectRows(rows, scanConversation)
	if err != nil {
		return nil, fmt.Errorf("list conversations of org %d: %w", f.OrgID, err)
	}
	if len(found) == 0 && f.Assignee != "" && f.Assignee != nobody {
		return found, s.checkAssignee(ctx, f.OrgID, f.Assignee)
	}
	return found, nil
}

// checkAssignee tells "nothing is assigned to dana" from "there is no dana".
func (s *Store) checkAssignee(ctx context.Context, orgID int64, name string) error {
	if _, err := s.UserByName(ctx, orgID, name); inbox.KindOf(err) == inbox.NotFound {
		return unknownUser(name)
	} else if err != nil {
		return err
	}
	return nil
}

func unknownUser(name string) error {
	return inbox.Faultf(inbox.Unprocessable, "unknown_user", "the org has no user named %q", name)
}

// Assign gives a conversation to a user of the org, or to nobody. It returns a
// NotFound fault for the conversation and Unprocessable for the user.
// Round trips: lock and look up; write and read; commit.
func (s *Store) Assign(ctx context.Context, a inbox.Assign) (inbox.Conversation, error) {
	ctx = Named(ctx, QueryConversation)
	var locked, known bool
	var user int64
	changed, err := write(ctx, s, a.OrgID, a.Once, func(b *pgx.Batch) {
		queueConversationLock(b, a.OrgID, a.ConversationID, &locked)
		b.Queue(`SELECT id FROM users WHERE org_id = $1 AND name = $2`, a.OrgID, inbox.Clean(a.User)).Query(func(rows pgx.Rows) error {
			var err error
			user, known, err = first[int64](rows)
			return err
		})
	}, func(u *unit) (inbox.Conversation, *pgx.Batch, error) {
		switch {
		case !locked:
			return inbox.Conversation{}, nil, conversationNotFound(a.ConversationID)
		case a.User != "" && !known:
			return inbox.Conversation{}, nil, unknownUser(a.User)
		}
		b := u.batch()
		queueAssignment(b, a.OrgID, a.ConversationID, user, s.now())
		return u.change(ctx, b, a.OrgID, a.ConversationID, `UPDATE conversations SET assignee_id = nullif($3::bigint, 0) WHERE id = $1 AND org_id = $2`, user)
	})
	if err != nil {
		return inbox.Conversation{}, fmt.Errorf("assign conversation %d: %w", a.ConversationID, err)
	}
	return changed, nil
}

// SetState resolves or reopens a conversation; doing so twice is no fault. An
// open SLA clock keeps running: only an answer stops it.
func (s *Store) SetState(ctx context.Context, c inbox.StateChange) (inbox.Conversation, error) {
	ctx = Named(ctx, QueryConversation)
	var locked bool
	changed, err := write(ctx, s, c.OrgID, c.Once, func(b *pgx.Batch) {
		queueConversationLock(b, c.OrgID, c.ConversationID, &locked)
	}, func(u *unit) (inbox.Conversation, *pgx.Batch, error) {
		if !locked {
			return inbox.Conversation{}, nil, conversationNotFound(c.ConversationID)
		}
		return u.change(ctx, u.batch(), c.OrgID, c.ConversationID, `UPDATE conversations SET state = $3 WHERE id = $1 AND org_id = $2`, string(c.State))
	})
	if err != nil {
		return inbox.Conversation{}, fmt.Errorf("set state of conversation %d: %w", c.ConversationID, err)
	}
	return changed, nil
}

// change updates a locked conversation after what b holds, and reads it as it is
// now.
func (u *unit) change(ctx context.Context, b *pgx.Batch, orgID, id int64, sql string, value any) (c inbox.Conversation, last *pgx.Batch, err error) {
	b.Queue(sql, id, orgID, value)
	b.Queue(conversationByID, id, orgID).Query(func(rows pgx.Rows) (err error) {
		c, err = oneConversation(rows, id)
		return err
	})
	return c, u.batch(), u.send(ctx, b)
}

// queueConversationLock locks a conversation of the org, if there is one.
func queueConversationLock(b *pgx.Batch, orgID, id int64, locked *bool) {
	b.Queue(`
SELECT v.last_message_at FROM conversations v WHERE v.id = $1 AND v.org_id = $2 AND `+onceFree+`
FOR NO KEY UPDATE OF v`, id, orgID).Query(func(rows pgx.Rows) (err error) {
		_, *locked, err = first[time.Time](rows)
		return err
	})
}

// first returns the first row's only column; found is false without a row.
func first[T any](rows pgx.Rows) (value T, found bool, err error) {
	value, err = pgx.CollectOneRow(rows, pgx.RowTo[T])
	if errors.Is(err, pgx.ErrNoRows) {
		return value, false, nil
	}
	return value, err == nil, err
}
