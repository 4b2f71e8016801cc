package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// post is one webhook: what it says and when.
type post struct {
	kind   string
	who    int    // customer
	id     string // of the message it brings or speaks of
	second int
}

// batch is the post as an org gets it.
func (p post) batch(b *bundle) inbox.Batch {
	contact := inbox.Contact{UserID: fmt.Sprintf("c%d", p.who), Name: fmt.Sprintf("n%d", p.second%3)}
	status := func(s inbox.MessageStatus) inbox.Batch {
		return inbox.Batch{Statuses: []inbox.StatusUpdate{{Account: b.wa(), ProviderID: p.id, Status: s, At: at(p.second), ErrorClass: "permission"}}}
	}
	switch p.kind {
	case "message":
		return inbox.Batch{Inbound: []inbox.Inbound{{Account: b.wa(), ProviderID: p.id, Contact: contact, Kind: inbox.KindText, Text: p.id, At: at(p.second)}}}
	case "echo":
		return inbox.Batch{Echoes: []inbox.Echo{{Account: b.wa(), ProviderID: p.id, Contact: contact, Kind: inbox.KindText, At: at(p.second)}}}
	case "delivered":
		return status(inbox.Delivered)
	case "failed":
		return status(inbox.Failed)
	case "read":
		return inbox.Batch{Reads: []inbox.ReadMark{{Account: b.wa(), ProviderID: p.id, Contact: contact, At: at(p.second)}}}
	case "revoke":
		return inbox.Batch{Revokes: []inbox.Revoke{{Account: b.wa(), ProviderID: p.id, At: at(p.second)}}}
	case "stranger":
		account := inbox.Account{Kind: inbox.WhatsApp, ExternalID: "nobody"}
		return inbox.Batch{Inbound: []inbox.Inbound{{Account: account, ProviderID: p.id, Contact: contact, Kind: inbox.KindText, At: at(p.second)}}}
	case "rename":
		return inbox.Batch{Identities: []inbox.IdentityChange{{Account: b.wa(), OldUserID: contact.UserID, UserID: fmt.Sprintf("r%d", p.second), At: at(p.second)}}}
	}
	return inbox.Batch{Unusable: []inbox.Unusable{{Reason: inbox.UnknownField, Detail: p.id}}}
}

// posts draws what comes in, in the order of time: what is said about a message
// comes after it. What was read did not fail: only Instagram says the one, only
// WhatsApp the other.
func posts(t *rapid.T, from int) (all []post) {
	var messages, echoes []string
	fails := map[string]bool{}
	for i := range rapid.IntRange(1, 10).Draw(t, "posts") {
		p := post{
			kind: rapid.SampledFrom([]string{"message", "message", "echo", "delivered", "failed", "read", "revoke", "stranger", "odd", "rename"}).Draw(t, "kind"),
			who:  rapid.IntRange(0, 2).Draw(t, "who"), second: from + i, id: fmt.Sprintf("m%d", from+i),
		}
		switch about := append(slices.Clone(echoes), "nobody's"); p.kind {
		case "message":
			if len(messages) > 0 && rapid.Bool().Draw(t, "again") {
				p.id = messages[len(messages)-1]
			}
			messages = append(messages, p.id)
		case "echo":
			echoes = append(echoes, p.id)
			fails[p.id] = rapid.Bool().Draw(t, "fails")
		case "delivered", "failed", "read", "revoke":
			p.id = rapid.SampledFrom(about).Draw(t, "about")
			if fails[p.id] && p.kind == "read" || !fails[p.id] && p.kind == "failed" {
				p.kind = "delivered"
			}
		}
		all = append(all, p)
	}
	return all
}

// inbox is what the org has stored, without the numbers that differ.
func (b *bundle) inbox(tb testing.TB) (all []string) {
	tb.Helper()
	for _, sql := range []string{
		`SELECT concat_ws(' ', k.user_id, m.provider_id, m.inbound, m.kind, m.body, m.status, m.revoked, m.clock_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at)
		 FROM messages m JOIN conversations v ON v.id = m.conversation_id JOIN contacts k ON k.id = v.contact_id WHERE m.org_id = $1 ORDER BY k.user_id, m.id`,
		`SELECT concat_ws(' ', k.user_id, k.wa_id, k.name, v.state, v.last_message_at, v.last_inbound_at)
		 FROM contacts k LEFT JOIN conversations v ON v.contact_id = k.id WHERE k.org_id = $1 ORDER BY k.user_id`,
		`SELECT concat_ws(' ', k.user_id, e.first, e.started_at, e.due_at, e.answered_at, m.provider_id)
		 FROM episodes e JOIN conversations v ON v.id = e.conversation_id JOIN contacts k ON k.id = v.contact_id
		 LEFT JOIN messages m ON m.id = e.answer_message_id WHERE e.org_id = $1 ORDER BY k.user_id, e.started_at`,
		`SELECT concat_ws(' ', p.provider_id, p.status, p.at)
		 FROM parked_statuses p JOIN channels h ON h.id = p.channel_id WHERE h.org_id = $1 ORDER BY p.provider_id, p.status`,
	} {
		rows, err := b.pool.Query(b.ctx, sql, b.org.ID)
		require.NoError(tb, err)
		some, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(tb, err)
		all = append(append(all, "--"), some...)
	}
	rows, err := b.pool.Query(b.ctx, `
SELECT concat_ws(' ', reason, detail, replace(convert_from(body, 'UTF8'), $1, '')) FROM unusable_webhooks WHERE starts_with(convert_from(body, 'UTF8'), $1) ORDER BY id`, b.org.Name)
	require.NoError(tb, err)
	kept, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(tb, err)
	return append(append(all, "--"), kept...)
}

// counts is what each webhook is told of itself.
func counts(a inbox.Applied) string {
	var reasons []inbox.UnusableReason
	for _, u := range a.Unusable {
		reasons = append(reasons, u.Reason)
	}
	return fmt.Sprint(a.Inbound, a.Duplicates, a.Parked, reasons)
}

// Webhooks that come together leave what they would leave one after the other,
// and each is told its own.
func TestIngestedTogetherAsOneByOneProperty(t *testing.T) {
	t.Parallel()
	shared := database(t)
	rapid.Check(t, func(rt *rapid.T) {
		mixed, single := shared.fork(t), shared.fork(t)
		for round := range rapid.IntRange(1, 2).Draw(rt, "rounds") {
			all := posts(rt, 100*round)
			got, want := make([]string, len(all)), make([]string, len(all))
			ingest := func(b *bundle, p post) string {
				applied, err := b.Ingest(b.ctx, p.batch(b), []byte(b.org.Name+p.id))
				require.NoError(t, err)
				return counts(applied)
			}
			var calls []func()
			for i, p := range all {
				single.clock.set(at(100*round + 50))
				want[i] = ingest(single, p)
				calls = append(calls, func() { got[i] = ingest(mixed, p) })
			}
			mixed.clock.set(at(100*round + 50))
			together(mixed.HoldWebhooks(), calls...)
			require.Equal(t, want, got)
			require.Equal(t, single.inbox(t), mixed.inbox(t))
		}
	})
}

func TestIngestTogether(t *testing.T) {
	t.Parallel()
	says := func(b *bundle, who, id string) inbox.Batch {
		in := b.says(id, at(0))
		in.Contact = inbox.Contact{UserID: who}
		return inbox.Batch{Inbound: []inbox.Inbound{in}}
	}

	t.Run("WhoSomebodyHoldsUpHoldsUpNobodyForLong", func(t *testing.T) {
		t.Parallel()
		b := patient(t)
		b.ingest(says(b, "held", "m0"))
		tx, err := b.pool.Begin(b.ctx)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback(context.WithoutCancel(b.ctx)) }() // or the pool would never close
		_, err = tx.Exec(b.ctx, `SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE`, b.talkOf(inbox.Contact{UserID: "held"}))
		require.NoError(t, err)
		held, others := make(chan error, 1), make(chan error, 5)
		calls := []func(){func() {
			_, err := b.Ingest(b.ctx, says(b, "held", "m1"), nil)
			held <- err
		}}
		for i := range cap(others) {
			calls = append(calls, func() {
				_, err := b.Ingest(b.ctx, says(b, fmt.Sprint("free", i), fmt.Sprint("f", i)), nil)
				others <- err
			})
		}
		over := make(chan struct{})
		go func() { together(b.HoldWebhooks(), calls...); close(over) }()
		for range cap(others) {
			require.NoError(t, <-others)
		}
		require.Empty(t, held)
		require.NoError(t, tx.Rollback(b.ctx))
		require.NoError(t, <-held)
		<-over
		require.Equal(t, 7, b.count(`SELECT count(*) FROM messages`))
	})

	t.Run("WhatMakesATransactionFailFailsAlone", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.exec(`
CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.provider_id = 'poison' THEN RAISE 'poison'; END IF; RETURN NEW; END $$`)
		b.exec(`CREATE TRIGGER poison BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION poison()`)
		errs := make([]error, 6)
		var calls []func()
		for i := range errs {
			calls = append(calls, func() {
				id := fmt.Sprint("m", i)
				if i == 3 {
					id = "poison"
				}
				_, errs[i] = b.Ingest(b.ctx, says(b, fmt.Sprint("c", i%2), id), nil)
			})
		}
		together(b.HoldWebhooks(), calls...)
		for i, err := range errs {
			if i == 3 {
				require.ErrorContains(t, err, "poison")
				continue
			}
			require.NoError(t, err)
		}
		require.Equal(t, 5, b.count(`SELECT count(*) FROM messages`))
	})
}
