package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/bandeja/inboxd/daemon/internal/sla"
)

const caseSelect = `
SELECT e.id, e.org_id, g.name, e.conversation_id, coalesce(e.channel_id, 0), coalesce(h.kind, ''), coalesce(c.id, 0), coalesce(u.name, ''),
       e.first, e.started_at, e.received_at, e.due_at, e.answered_at, coalesce(` + responseMS + `, 0), coalesce(e.cause, 0), e.spent
FROM episodes e
JOIN orgs g ON g.id = e.org_id
LEFT JOIN channels h ON h.id = e.channel_id
CROSS JOIN LATERAL (SELECT ` + chargedTo + ` AS id) c
LEFT JOIN users u ON u.id = c.id`

func scanCase(row pgx.CollectableRow) (c sla.Case, err error) {
	var ms int64
	var cause int16
	var spent []byte
	err = row.Scan(&c.ID, &c.OrgID, &c.Org, &c.ConversationID, &c.ChannelID, &c.Channel, &c.UserID, &c.User,
		&c.First, &c.StartedAt, &c.ReceivedAt, &c.DueAt, orZero(&c.AnsweredAt), &ms, &cause, &spent)
	if err != nil {
		return c, err
	}
	c.Response, c.Who = time.Duration(ms)*time.Millisecond, whose(c.UserID, !c.AnsweredAt.IsZero())
	if n := int(cause); n > 0 && n <= len(sla.Causes()) {
		c.Cause = sla.Causes()[n-1]
	}
	if spent != nil {
		var w spentWords
		err = json.Unmarshal(spent, &w)
		c.Spent = w.spent()
	}
	return c, err
}

// SLAMisses returns misses, newest first: those the evaluator has stamped.
func (s *Store) SLAMisses(ctx context.Context, q sla.MissQuestion) ([]sla.Case, error) {
	ctx = Named(ctx, QuerySLA)
	placed, err := s.placed(ctx, q.Question)
	if err != nil {
		return nil, err
	}
	at, id := pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}, int64(0)
	if q.Before != (sla.Cursor{}) {
		at, id = pgtype.Timestamptz{Time: q.Before.At, Valid: true}, q.Before.ID
	}
	org := ` AND $4::bigint = 0`
	if q.OrgID != 0 {
		org = ` AND e.org_id = $4`
	}
	rows, err := s.pool.Query(ctx, caseSelect+`
WHERE e.outcome = 2 AND `+episodeWindow+org+` AND `+isMissed+` AND (e.started_at, e.id) < ($6, $7)
  AND ($8 = 0 OR e.cause = $8) AND (cardinality($9::bigint[]) = 0 OR c.id = ANY($9::bigint[]))
ORDER BY e.started_at DESC, e.id DESC LIMIT $10`,
		placed.Now, placed.Span.From, placed.Span.To, q.OrgID, q.ChannelID, at, id, slices.Index(sla.Causes(), q.Cause)+1,
		append([]int64{}, q.UserIDs...), q.Limit)
	if err != nil {
		return nil, fmt.Errorf("list misses: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanCase)
	if err != nil {
		return nil, fmt.Errorf("list misses: %w", err)
	}
	return found, nil
}

// SLAAtRisk returns the unanswered questions that are due within sla.AtRisk, the
// most urgent first; with overdue, also those that are late already.
func (s *Store) SLAAtRisk(ctx context.Context, orgID int64, overdue bool, limit int) ([]sla.Case, error) {
	now := s.now()
	from := pgtype.Timestamptz{Time: now, Valid: true}
	if overdue {
		from = pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
	}
	rows, err := s.pool.Query(Named(ctx, QuerySLA), caseSelect+`
WHERE e.answered_at IS NULL AND e.due_at > $2 AND e.due_at <= $3 AND NOT e.excluded AND ($4::bigint = 0 OR e.org_id = $4)
ORDER BY e.due_at, e.id LIMIT $5`, now, from, now.Add(sla.AtRisk), orgID, limit)
	if err != nil {
		return nil, fmt.Errorf("list what is at risk: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanCase)
	if err != nil {
		return nil, fmt.Errorf("list what is at risk: %w", err)
	}
	return found, nil
}
