package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// contactKeys are the ids to look contacts up by; the arrays belong together.
type contactKeys struct{ kinds, ids, users, numbers []string }

func (k *contactKeys) add(a inbox.Account, userID, waID string) {
	at := addressOf(a)
	k.kinds, k.ids = append(k.kinds, string(at.kind)), append(k.ids, at.externalID)
	k.users, k.numbers = append(k.users, userID), append(k.numbers, waID)
}

func (in *ingestion) contactKeys() contactKeys {
	var keys contactKeys
	for _, x := range in.batch.Inbound {
		keys.add(x.Account, x.Contact.UserID, x.Contact.WaID)
	}
	for _, x := range in.batch.Echoes {
		keys.add(x.Account, x.Contact.UserID, x.Contact.WaID)
	}
	for _, x := range in.batch.Identities {
		keys.add(x.Account, x.OldUserID, x.OldWaID)
		keys.add(x.Account, x.UserID, x.WaID)
	}
	return keys
}

// queue finds everybody who has one of the ids, with their conversation.
func (s *people) queue(b *pgx.Batch, keys contactKeys) {
	if len(keys.ids) == 0 {
		return
	}
	b.Queue(`
WITH u AS MATERIALIZED (
  SELECT DISTINCT h.id AS channel_id, nullif(u.user_id, '') AS user_id, nullif(u.wa_id, '') AS wa_id
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS u(kind, external_id, user_id, wa_id)
  JOIN channels h ON h.kind = u.kind AND h.external_id = u.external_id),
f AS (
  SELECT k.id FROM u JOIN contacts k ON k.channel_id = u.channel_id AND k.user_id = u.user_id
  UNION
  SELECT k.id FROM u JOIN contacts k ON k.channel_id = u.channel_id AND k.wa_id = u.wa_id)
SELECT k.id, k.org_id, k.channel_id, coalesce(k.user_id, ''), coalesce(k.wa_id, ''), k.name, coalesce(v.id, 0)
FROM f JOIN contacts k ON k.id = f.id LEFT JOIN conversations v ON v.contact_id = k.id`,
		keys.kinds, keys.ids, keys.users, keys.numbers).Query(func(rows pgx.Rows) error {
		var p person
		_, err := pgx.ForEachRow(rows, []any{&p.id, &p.orgID, &p.channelID, &p.userID, &p.waID, &p.name, &p.conversationID}, func() error {
			copied := p
			s.add(&copied)
			return nil
		})
		return err
	})
}

// meet decides who everybody in the batch is. If that adds or changes contacts
// it is decided again under the lock of their channels, so that deliveries of
// the same new contact wait for each other instead of clashing, and written.
func (in *ingestion) meet(ctx context.Context, u *unit) error {
	in.meetAll()
	if !in.people.incomplete() {
		return nil
	}
	var channels []int64
	for _, p := range in.people.all {
		if p.incomplete() {
			channels = append(channels, p.channelID)
		}
	}
	b := u.batch()
	b.Queue(`
SELECT pg_advisory_xact_lock(hashtextextended('contacts', u.id)) FROM unnest($1::bigint[]) AS u(id)`, unique(channels))
	in.people = newPeople()
	in.people.queue(b, in.contactKeys())
	if err := u.send(ctx, b); err != nil {
		return fmt.Errorf("lock contacts: %w", err)
	}
	in.meetAll()
	if !in.people.incomplete() {
		return nil
	}
	b = u.batch()
	in.people.queueWrites(b)
	if err := u.send(ctx, b); err != nil {
		return fmt.Errorf("write contacts: %w", err)
	}
	if slices.ContainsFunc(in.people.all, (*person).mute) {
		return errLost // somebody outside ingestion made the conversation meanwhile
	}
	return nil
}

// meetAll goes through the webhooks in the order of time: in each the announced
// changes of ids first, because messages after them use the new ids.
func (in *ingestion) meetAll() {
	for _, d := range in.deliveries {
		for _, x := range d.batch.Identities {
			h, _ := in.channel(x.Account)
			in.people.rekey(h, x)
		}
		for _, x := range d.batch.Inbound {
			h, _ := in.channel(x.Account)
			in.people.meet(h, x.Contact, in.sane(x.At))
		}
		for _, x := range d.batch.Echoes {
			h, _ := in.channel(x.Account)
			in.people.meet(h, x.Contact, in.sane(x.At))
		}
	}
}

// queueWrites stores changed people, then new ones with their conversations.
func (s *people) queueWrites(b *pgx.Batch) {
	s.queueChanged(b)
	s.queueNew(b)
	s.queueConversations(b)
}

// queueChanged takes the old ids away from everybody who gets others before it
// gives the new ones, so that ids can change hands within the batch.
func (s *people) queueChanged(b *pgx.Batch) {
	var rekeyed, ids []int64
	var users, numbers, names []string
	for _, p := range s.all {
		if p.id == 0 || !p.rekeyed && !p.renamed {
			continue
		}
		if p.rekeyed {
			rekeyed = append(rekeyed, p.id)
		}
		ids, users, numbers, names = append(ids, p.id), append(users, p.userID), append(numbers, p.waID), append(names, p.name)
	}
	if len(rekeyed) > 0 {
		b.Queue(`UPDATE contacts SET user_id = '~' || id, wa_id = NULL WHERE id = ANY($1::bigint[])`, rekeyed)
	}
	if len(ids) > 0 {
		b.Queue(`
UPDATE contacts k SET user_id = nullif(u.user_id, ''), wa_id = nullif(u.wa_id, ''), name = u.name
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS u(id, user_id, wa_id, name)
WHERE k.id = u.id AND k.id = ANY($1::bigint[])`, ids, users, numbers, names)
	}
}

func (s *people) queueNew(b *pgx.Batch) {
	var fresh []*person
	for _, p := range s.all {
		if p.id == 0 {
			fresh = append(fresh, p)
		}
	}
	if len(fresh) == 0 {
		return
	}
	slices.SortFunc(fresh, func(a, b *person) int {
		return cmp.Or(cmp.Compare(a.channelID, b.channelID), cmp.Compare(a.userID, b.userID), cmp.Compare(a.waID, b.waID))
	})
	n := len(fresh)
	orgs, channels := make([]int64, n), make([]int64, n)
	users, numbers, names := make([]string, n), make([]string, n), make([]string, n)
	for i, p := range fresh {
		orgs[i], channels[i] = p.orgID, p.channelID
		users[i], numbers[i], names[i] = p.userID, p.waID, p.name
	}
	b.Queue(`
INSERT INTO contacts (org_id, channel_id, user_id, wa_id, name)
SELECT u.org_id, u.channel_id, nullif(u.user_id, ''), nullif(u.wa_id, ''), u.name
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY
     AS u(org_id, channel_id, user_id, wa_id, name, place)
ORDER BY u.place
RETURNING id, channel_id, coalesce(user_id, ''), coalesce(wa_id, '')`, orgs, channels, users, numbers, names).Query(func(rows pgx.Rows) error {
		var id, channelID int64
		var user, number string
		_, err := pgx.ForEachRow(rows, []any{&id, &channelID, &user, &number}, func() error {
			s.stored(channelID, user, number).id = id
			return nil
		})
		return err
	})
}

// stored returns who has these ids after the batch.
func (s *people) stored(channelID int64, user, number string) *person {
	if user != "" {
		return s.byUser[channelKey{channelID, user}]
	}
	return s.byWa[channelKey{channelID, number}]
}

// queueConversations gives a conversation to those who write and have none. It
// follows queueNew in the batch and finds people by their ids, because it is
// built before new ones have a row.
func (s *people) queueConversations(b *pgx.Batch) {
	var channels []int64
	var users, numbers []string
	var at []time.Time
	for _, p := range s.all {
		if p.mute() {
			channels, users, numbers = append(channels, p.channelID), append(users, p.userID), append(numbers, p.waID)
			at = append(at, p.firstAt)
		}
	}
	if len(channels) == 0 {
		return
	}
	b.Queue(`
INSERT INTO conversations (org_id, channel_id, contact_id, last_message_at)
SELECT k.org_id, k.channel_id, k.id, u.at
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[]) AS u(channel_id, user_id, wa_id, at)
CROSS JOIN LATERAL (
  SELECT c.id, c.org_id, c.channel_id FROM contacts c WHERE c.channel_id = u.channel_id AND c.user_id = u.user_id
  UNION ALL
  SELECT c.id, c.org_id, c.channel_id FROM contacts c WHERE u.user_id = '' AND c.channel_id = u.channel_id AND c.wa_id = u.wa_id
  LIMIT 1) k
ORDER BY k.id ON CONFLICT (contact_id) DO NOTHING
RETURNING id, contact_id`, channels, users, numbers, at).Query(func(rows pgx.Rows) error {
		byID := make(map[int64]*person, len(s.all))
		for _, p := range s.all {
			byID[p.id] = p
		}
		var id, contact int64
		_, err := pgx.ForEachRow(rows, []any{&id, &contact}, func() error {
			byID[contact].conversationID = id
			return nil
		})
		return err
	})
}
