package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// post is one webhook: what it says and when.
type post struct {
	kind   string
	who    int    // customer
	id     string // of the message it brings or speaks of
	second int
	own    int // place of our own send that it speaks of, from 1
}

// ownSend is a message of ours, before the webhooks come.
type ownSend struct {
	id, state string
	passes    bool // a failure would be for a reason that passes
}

// send makes the org's own sends, each to a customer of its own: one job of a
// conversation runs at a time.
func (b *bundle) send(sends []ownSend) (receipts []inbox.Receipt) {
	b.tb.Helper()
	for _, s := range sends {
		asks := b.says("in."+s.id, at(0))
		asks.Contact = inbox.Contact{UserID: s.id}
		b.ingest(inbox.Batch{Inbound: []inbox.Inbound{asks}})
		r := b.reply(b.talkOf(asks.Contact))
		b.started(r)
		switch s.state {
		case "uncertain":
			b.outcome(job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: inbox.Uncertain, Class: job.ClassAmbiguous, Attempt: 1})
		case "accepted":
			b.outcome(sent(r, inbox.Accepted, s.id))
		}
		receipts = append(receipts, r)
	}
	return receipts
}

// ownStatus is what a post says of an own send.
func (p post) ownStatus(b *bundle, s ownSend, r inbox.Receipt) inbox.Batch {
	class := job.ClassPermission
	if s.passes {
		class = job.ClassTransient
	}
	status := map[string]inbox.MessageStatus{"own sent": inbox.Sent, "own delivered": inbox.Delivered, "own failed": inbox.Failed}[p.kind]
	return inbox.Batch{Statuses: []inbox.StatusUpdate{{
		Account: b.wa(), ProviderID: s.id, Status: status, At: at(p.second), ErrorClass: string(class), JobID: r.JobID, Epoch: 1,
	}}}
}

// batch is the post as an org gets it.
func (p post) batch(b *bundle) inbox.Batch {
	contact := inbox.Contact{UserID: fmt.Sprintf("c%d", p.who), Name: fmt.Sprintf("n%d", p.second%3)}
	status := func(s inbox.MessageStatus) inbox.Batch {
		return inbox.Batch{Statuses: []inbox.StatusUpdate{{Account: b.wa(), ProviderID: p.id, Status: s, At: at(p.second), ErrorClass: "permission"}}}
	}
	switch p.kind {
	case "message":
		return inbox.Batch{Inbound: []inbox.Inbound{{Account: b.wa(), ProviderID: p.id, Contact: contact, Kind: inbox.KindText, Text: "hello", At: at(p.second)}}}
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
	case "lift":
		return inbox.Batch{Notices: []inbox.Notice{{Account: b.wa(), Field: "template", At: at(p.second), Restrictions: []inbox.Restriction{lifted(paused("hello", at(0)))}}}}
	case "rename":
		return inbox.Batch{Identities: []inbox.IdentityChange{{Account: b.wa(), OldUserID: contact.UserID, UserID: fmt.Sprintf("r%d", p.second), At: at(p.second)}}}
	}
	return inbox.Batch{Unusable: []inbox.Unusable{{Reason: inbox.UnknownField, Detail: p.id}}}
}

// posts draws what comes in, in the order of time: what is said about a message
// comes after it. What was read did not fail: only Instagram says the one, only
// WhatsApp the other.
//
// Of one of our own sends one thing is said: several words in one transaction count
// as if they had come in one webhook, where the last one decides what the first
// could not, and one by one the first is judged without the last.
func posts(t *rapid.T, from int, sends []ownSend) (all []post) {
	spoken := map[int]bool{}
	var messages, echoes []string
	fails := map[string]bool{}
	for i := range rapid.IntRange(1, 10).Draw(t, "posts") {
		p := post{
			kind: rapid.SampledFrom([]string{"message", "message", "echo", "delivered", "failed", "read", "revoke", "stranger", "odd", "rename", "lift", "own sent", "own delivered", "own failed"}).Draw(t, "kind"),
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
		case "own sent", "own delivered", "own failed":
			p.own = rapid.IntRange(1, len(sends)).Draw(t, "own")
			if spoken[p.own] {
				continue
			}
			spoken[p.own] = true
		}
		all = append(all, p)
	}
	return all
}

// inbox is what the org has stored, without the numbers that differ.
func (b *bundle) inbox(tb testing.TB) (all []string) {
	tb.Helper()
	for _, sql := range []string{
		`SELECT concat_ws(' ', k.user_id, m.provider_id, m.inbound, m.kind, m.body, m.status, m.attempts, m.error_class, m.revoked, m.clock_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at)
		 FROM messages m JOIN conversations v ON v.id = m.conversation_id JOIN contacts k ON k.id = v.contact_id WHERE m.org_id = $1 ORDER BY k.user_id, m.id`,
		`SELECT concat_ws(' ', k.user_id, k.wa_id, k.name, v.state, v.last_message_at, v.last_inbound_at)
		 FROM contacts k LEFT JOIN conversations v ON v.contact_id = k.id WHERE k.org_id = $1 ORDER BY k.user_id`,
		`SELECT concat_ws(' ', k.user_id, e.first, e.started_at, e.due_at, e.answered_at, m.provider_id)
		 FROM episodes e JOIN conversations v ON v.id = e.conversation_id JOIN contacts k ON k.id = v.contact_id
		 LEFT JOIN messages m ON m.id = e.answer_message_id WHERE e.org_id = $1 ORDER BY k.user_id, e.started_at`,
		`SELECT concat_ws(' ', j.job_type, j.state, j.attempt, k.user_id, m.provider_id)
		 FROM jobs j JOIN messages m ON m.id = j.subject_id JOIN conversations v ON v.id = m.conversation_id JOIN contacts k ON k.id = v.contact_id
		 WHERE j.org_id = $1 ORDER BY k.user_id, j.job_type, m.id`,
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
	return fmt.Sprint(a.Inbound, a.Duplicates, a.Parked, a.Statuses, a.Settled, a.Automations, a.Lifted, reasons)
}

// Webhooks that come together leave what they would leave one after the other,
// and each is told its own.
func TestIngestedTogetherAsOneByOneProperty(t *testing.T) {
	t.Parallel()
	shared := database(t)
	rapid.Check(t, func(rt *rapid.T) {
		mixed, single := shared.fork(t), shared.fork(t)
		for _, b := range []*bundle{mixed, single} {
			b.rule("greet", keyword("hello"), automation.Action{Type: automation.AssignRoundRobin})
		}
		for round := range rapid.IntRange(1, 2).Draw(rt, "rounds") {
			sends := make([]ownSend, 3)
			for i := range sends {
				state := rapid.SampledFrom([]string{"running", "uncertain", "accepted"}).Draw(rt, "state")
				sends[i] = ownSend{fmt.Sprintf("own.%d.%d", round, i), state, rapid.Bool().Draw(rt, "passes")}
			}
			all := posts(rt, 100*round, sends)
			receipts := map[*bundle][]inbox.Receipt{mixed: mixed.send(sends), single: single.send(sends)}
			got, want := make([]string, len(all)), make([]string, len(all))
			ingest := func(b *bundle, p post) string {
				batch := p.batch(b)
				if p.own > 0 {
					batch = p.ownStatus(b, sends[p.own-1], receipts[b][p.own-1])
				}
				applied, err := b.Ingest(b.ctx, batch, []byte(b.org.Name+p.id))
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

	t.Run("WhoSomebodyHoldsUpHoldsUpNobody", func(t *testing.T) {
		t.Parallel()
		b := patient(t)
		b.ingest(says(b, "held", "m0"))
		free := b.hold(t, b.talkOf(inbox.Contact{UserID: "held"}))
		held, others := make(chan error, 5), make(chan error, 5)
		var calls []func()
		for i := range cap(others) {
			calls = append(calls, func() {
				_, err := b.Ingest(b.ctx, says(b, "held", fmt.Sprint("h", i)), nil)
				held <- err
			}, func() {
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
		free()
		for range cap(held) {
			require.NoError(t, <-held)
		}
		<-over
		require.Equal(t, 11, b.count(`SELECT count(*) FROM messages`))
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
