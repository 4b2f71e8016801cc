package store

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// meetThreads takes the keys, then locks the conversations and looks at them.
func (s *Store) meetThreads(ctx context.Context, u *unit, all []*acceptance, alone bool) error {
	n := len(all)
	keys, conversations, orgs := make([]*onceKey, n), make([]int64, n), make([]int64, n)
	for i, a := range all {
		keys[i], conversations[i], orgs[i] = a.key, a.conversationID, a.orgID
	}
	b := u.batch()
	busy, among := ` SKIP LOCKED`, ``
	if alone {
		busy = ``
	}
	if slices.ContainsFunc(keys, (*onceKey).asked) {
		s.queueOnce(b, keys...)
		among = ` WHERE ` + onceAmong
	}
	// An id is taken when its conversation is locked, so that they commit in order:
	// none is taken, and l is empty, where somebody else holds it.
	b.Queue(`
SELECT u.place, h.id, l.last_inbound_at, h.kind, h.state,
       CASE WHEN l.id IS NOT NULL THEN nextval((SELECT pg_get_serial_sequence('messages', 'id'))::regclass) ELSE 0 END
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS u(id, org_id, place)
CROSS JOIN LATERAL (SELECT v.channel_id, v.org_id FROM conversations v WHERE v.id = u.id LIMIT 1) v
CROSS JOIN LATERAL (SELECT h.id, h.kind, h.state FROM channels h WHERE h.id = v.channel_id AND v.org_id = u.org_id LIMIT 1) h
LEFT JOIN LATERAL (
  SELECT l.id, l.last_inbound_at FROM conversations l WHERE l.id = u.id AND v.org_id = u.org_id FOR NO KEY UPDATE`+busy+`) l ON true`+among, conversations, orgs).Query(func(rows pgx.Rows) error {
		var place, id int64
		var t thread
		_, err := pgx.ForEachRow(rows, []any{&place, &t.channelID, orZero(&t.lastInboundAt), &t.kind, &t.state, &id}, func() error {
			a := all[place-1]
			a.thread, a.messageID = t, id
			a.held = id == 0 && !alone
			a.thread.id, a.thread.found = a.conversationID, id != 0 || a.held
			return nil
		})
		return err
	})
	queueTemplates(b, all, s.now())
	queueQuestions(b, all)
	return u.send(ctx, b)
}

// queueTemplates looks at what the provider says of the templates to send.
func queueTemplates(b *pgx.Batch, all []*acceptance, now time.Time) {
	var places, conversations, orgs []int64
	var payloads []string
	for i, a := range all {
		if a.kind == inbox.KindTemplate {
			places, conversations, orgs = append(places, int64(i)), append(conversations, a.conversationID), append(orgs, a.orgID)
			payloads = append(payloads, string(a.payload))
		}
	}
	if len(places) == 0 {
		return
	}
	b.Queue(`
SELECT u.place, `+restrictionColumns+`
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) AS u(place, id, org_id, payload)
JOIN conversations v ON v.id = u.id AND v.org_id = u.org_id
JOIN channels h ON h.id = v.channel_id`+restrictionOf(`'template'`, `u.payload::jsonb`, `$5`),
		places, conversations, orgs, payloads, now).Query(func(rows pgx.Rows) error {
		var place int64
		var r inbox.Restriction
		_, err := pgx.ForEachRow(rows, append([]any{&place}, restrictionFields(&r)...), func() error {
			all[place].thread.restriction = r
			return nil
		})
		return err
	})
}

// queueQuestions finds the trace of the newest message of the customer, for
// replies that are traced.
func queueQuestions(b *pgx.Batch, all []*acceptance) {
	var places, conversations []int64
	for i, a := range all {
		if a.kind == inbox.KindText && a.traced {
			places, conversations = append(places, int64(i)), append(conversations, a.conversationID)
		}
	}
	if len(places) == 0 {
		return
	}
	b.Queue(`
SELECT u.place, coalesce(m.trace, '') FROM unnest($1::bigint[], $2::bigint[]) AS u(place, id)
CROSS JOIN LATERAL (SELECT m.trace FROM messages m WHERE m.conversation_id = u.id AND m.inbound ORDER BY m.id DESC LIMIT 1) m`,
		places, conversations).Query(func(rows pgx.Rows) error {
		var place int64
		var asked string
		_, err := pgx.ForEachRow(rows, []any{&place, &asked}, func() error {
			all[place].asked = asked
			return nil
		})
		return err
	})
}
