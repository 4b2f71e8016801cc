package store

import (
	"time"

	"github.com/jackc/pgx/v5"
)

// readTarget is a read mark with its message.
type readTarget struct {
	messageID, conversationID int64
	at                        time.Time
}

// queueReaders finds the messages of the read marks; one that is unknown says
// nothing.
func (in *ingestion) queueReaders(b *pgx.Batch) {
	n := len(in.batch.Reads)
	if n == 0 {
		return
	}
	kinds, accounts, ids := make([]string, n), make([]string, n), make([]string, n)
	for i, x := range in.batch.Reads {
		at := addressOf(x.Account)
		kinds[i], accounts[i], ids[i] = string(at.kind), at.externalID, x.ProviderID
	}
	b.Queue(`
SELECT u.place, m.id, m.conversation_id
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS u(kind, external_id, provider_id, place)
JOIN channels h ON h.kind = u.kind AND h.external_id = u.external_id
CROSS JOIN LATERAL (
  SELECT m.id, m.conversation_id FROM messages m
  WHERE m.channel_id = h.id AND m.provider_id = u.provider_id AND NOT m.inbound LIMIT 1) m`, kinds, accounts, ids).Query(func(rows pgx.Rows) error {
		var place int64
		var r readTarget
		_, err := pgx.ForEachRow(rows, []any{&place, &r.messageID, &r.conversationID}, func() error {
			x := in.batch.Reads[place-1]
			r.at = in.sane(x.At)
			if _, fault := in.channel(x.Account); fault == nil {
				in.readers = append(in.readers, r)
			}
			return nil
		})
		return err
	})
}

// queueReads marks the messages and the outbound ones before them as read: the
// latest 200, for older ones were marked long ago.
func (in *ingestion) queueReads(b *pgx.Batch) {
	if len(in.readers) == 0 {
		return
	}
	var conversations, messages []int64
	var at []time.Time
	for _, r := range in.readers {
		conversations, messages, at = append(conversations, r.conversationID), append(messages, r.messageID), append(at, r.at)
	}
	b.Queue(`
WITH r AS MATERIALIZED (
  SELECT c.id, min(u.at) AS at
  FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS u(conversation_id, message_id, at)
  CROSS JOIN LATERAL (
    SELECT m.id FROM messages m WHERE m.conversation_id = u.conversation_id AND m.id <= u.message_id AND NOT m.inbound
    ORDER BY m.id DESC LIMIT 200) c
  GROUP BY c.id),
l AS MATERIALIZED (
  SELECT m.id, r.at FROM r JOIN messages m ON m.id = r.id
  WHERE m.`+wentOut+` AND (m.status < 4 OR m.read_at > r.at)
  ORDER BY m.id FOR NO KEY UPDATE OF m)
UPDATE messages m SET status = 4, read_at = least(m.read_at, l.at) FROM l
WHERE m.id = l.id AND m.`+wentOut, conversations, messages, at)
}
