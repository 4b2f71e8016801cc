package store

import (
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// newMessage is an inbound message or an echo, on its way into the table.
type newMessage struct {
	from                             *delivery
	orgID, conversationID, channelID int64
	inbound, opensWindow             bool
	kind                             inbox.MessageKind
	providerID, contextID, text      string
	payload                          []byte
	waits                            []int32   // of the rules it may set off
	at                               time.Time // of the provider, or now
	clockAt                          time.Time // zero: no part in the clock
	id                               int64     // 0: was stored before
}

// news is what the new messages mean for their conversation.
type news struct {
	conversationID        int64
	lastAt, lastInboundAt time.Time
}

// collectFresh makes the rows to insert, in the order of the provider's times,
// each provider id once.
func (in *ingestion) collectFresh() {
	for _, d := range in.deliveries {
		in.collect(d)
	}
	slices.SortStableFunc(in.fresh, func(a, b newMessage) int { return a.at.Compare(b.at) })
	seen := map[channelKey]bool{}
	in.fresh = slices.DeleteFunc(in.fresh, func(m newMessage) bool {
		key := channelKey{m.channelID, m.providerID}
		twice := seen[key]
		seen[key] = true
		if twice && m.inbound {
			m.from.applied.Duplicates++
		}
		return twice
	})
}

func (in *ingestion) collect(d *delivery) {
	for _, x := range d.batch.Inbound {
		m := in.newMessage(x.Account, x.Contact, x.ProviderID, x.Kind, x.Text, x.Payload, x.At)
		m.from, m.inbound, m.contextID = d, true, cut(inbox.Clean(x.ContextID), inbox.MaxProviderID)
		m.opensWindow = x.Kind.OpensWindow() && !x.Standby
		if x.Kind.StartsClock() && !x.Standby {
			m.clockAt = inbox.ClockStart(m.at, in.now)
		}
		in.fresh = append(in.fresh, m)
	}
	for _, x := range d.batch.Echoes {
		m := in.newMessage(x.Account, x.Contact, x.ProviderID, x.Kind, x.Text, x.Payload, x.At)
		m.from = d
		if x.Kind.OpensWindow() { // what answers a customer is what a customer's answer could be
			m.clockAt = inbox.ClockStart(m.at, in.now)
		}
		in.fresh = append(in.fresh, m)
	}
}

func (in *ingestion) newMessage(
	a inbox.Account, c inbox.Contact, providerID string, kind inbox.MessageKind, text string, payload []byte, at time.Time,
) newMessage {
	h, _ := in.channel(a)
	return newMessage{
		orgID: h.orgID, channelID: h.id, waits: h.waits, conversationID: in.people.find(h.id, c).conversationID,
		providerID: providerID, kind: inbox.MessageKind(note(string(kind))), text: shorten(inbox.Clean(text)), payload: storableJSON(payload), at: in.sane(at),
	}
}

// shorten cuts a text at the most characters we keep.
func shorten(text string) string {
	if len(text) <= inbox.InboundTextRunes {
		return text
	}
	n := 0
	for i := range text {
		if n == inbox.InboundTextRunes {
			return text[:i]
		}
		n++
	}
	return text
}

func (in *ingestion) queueInsert(b *pgx.Batch) {
	n := len(in.fresh)
	orgs, conversations, channels, inbound := make([]int64, n), make([]int64, n), make([]int64, n), make([]bool, n)
	kinds, ids, contexts, texts := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	payloads, at, clocks, traces := make([]*string, n), make([]time.Time, n), make([]*time.Time, n), make([]*string, n)
	for i := range in.fresh {
		m := &in.fresh[i]
		orgs[i], conversations[i], channels[i], inbound[i] = m.orgID, m.conversationID, m.channelID, m.inbound
		kinds[i], ids[i], contexts[i], texts[i] = string(m.kind), m.providerID, m.contextID, m.text
		payloads[i], at[i] = jsonText(m.payload), m.at
		if m.inbound {
			traces[i] = m.from.trace
		}
		if !m.clockAt.IsZero() {
			clocks[i] = &m.clockAt
		}
	}
	b.Queue(`
INSERT INTO messages (org_id, conversation_id, channel_id, inbound, kind, status, origin, provider_id, context_id, body, payload,
                      provider_at, sent_at, clock_at, created_at, trace)
SELECT u.org_id, u.conversation_id, u.channel_id, u.inbound, u.kind,
       CASE WHEN u.inbound THEN 7 ELSE 2 END, CASE WHEN u.inbound THEN 'customer' ELSE 'echo' END,
       u.provider_id, nullif(u.context_id, ''), u.body, u.payload::jsonb,
       u.at, CASE WHEN u.inbound THEN NULL ELSE u.at END, u.clock_at, $12, u.trace
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::boolean[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::timestamptz[], $11::timestamptz[], $13::text[]) WITH ORDINALITY
     AS u(org_id, conversation_id, channel_id, inbound, kind, provider_id, context_id, body, payload, at, clock_at, trace, place)
ORDER BY u.place
ON CONFLICT (channel_id, provider_id) DO NOTHING
RETURNING id, channel_id, provider_id`,
		orgs, conversations, channels, inbound, kinds, ids, contexts, texts, payloads, at, clocks, in.now, traces).Query(in.noteIDs)
}

// noteIDs tells the messages that were stored their ids.
func (in *ingestion) noteIDs(rows pgx.Rows) error {
	places := make(map[channelKey]int, len(in.fresh))
	for i, m := range in.fresh {
		places[channelKey{m.channelID, m.providerID}] = i
	}
	var id int64
	var key channelKey
	_, err := pgx.ForEachRow(rows, []any{&id, &key.channelID, &key.id}, func() error {
		in.fresh[places[key]].id = id
		return nil
	})
	return err
}

// sumUp counts what was stored and what it means for the conversations.
func (in *ingestion) sumUp() {
	for _, m := range in.fresh {
		switch {
		case m.id == 0 && m.inbound:
			m.from.applied.Duplicates++
			continue
		case m.id == 0:
			continue
		case m.inbound:
			m.from.applied.Inbound++
		}
		n := in.news[m.conversationID]
		if n == nil {
			n = &news{conversationID: m.conversationID}
			in.news[m.conversationID] = n
		}
		at := inbox.ClockStart(m.at, in.now)
		if at.After(n.lastAt) {
			n.lastAt = at
		}
		if m.opensWindow && at.After(n.lastInboundAt) {
			n.lastInboundAt = at
		}
		if !m.clockAt.IsZero() {
			in.clocks = append(in.clocks, m.conversationID)
			if !m.inbound {
				in.echoed, in.counted = append(in.echoed, m.id), append(in.counted, m.id)
			}
		}
	}
}

// adopt gives what was said about echoes to those that came with it: when it was
// looked up they were not stored.
func (in *ingestion) adopt() {
	stored := map[channelKey]newMessage{}
	for _, m := range in.fresh {
		if m.id != 0 && !m.inbound {
			stored[channelKey{m.channelID, m.providerID}] = m
		}
	}
	if len(stored) == 0 {
		return
	}
	for i := range in.targets {
		t := &in.targets[i]
		if m, ok := stored[channelKey{t.channelID, t.status.ProviderID}]; ok && t.messageID == 0 {
			t.messageID, t.conversationID, t.found, in.adopted = m.id, m.conversationID, inbox.Sent, true
		}
	}
	for _, x := range in.batch.Reads {
		h, _ := in.channel(x.Account)
		if m, ok := stored[channelKey{h.id, x.ProviderID}]; ok {
			in.readers = append(in.readers, readTarget{m.id, m.conversationID, in.sane(x.At)})
		}
	}
}

// queueRevokes marks messages the provider says were unsent or deleted.
func (in *ingestion) queueRevokes(b *pgx.Batch) {
	if len(in.batch.Revokes) == 0 {
		return
	}
	var channels []int64
	var ids []string
	for _, x := range in.batch.Revokes {
		h, _ := in.channel(x.Account)
		channels, ids = append(channels, h.id), append(ids, x.ProviderID)
	}
	b.Queue(`
WITH l AS MATERIALIZED (
  SELECT m.id FROM unnest($1::bigint[], $2::text[]) AS u(channel_id, provider_id)
  JOIN messages m ON m.channel_id = u.channel_id AND m.provider_id = u.provider_id
  ORDER BY m.id FOR NO KEY UPDATE OF m)
UPDATE messages m SET revoked = true FROM l WHERE m.id = l.id AND NOT m.revoked`, channels, ids)
}
