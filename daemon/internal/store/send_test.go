package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// requireFault checks kind and code of a domain fault.
func requireFault(tb testing.TB, err error, kind inbox.Kind, code string) {
	tb.Helper()
	var fault *inbox.Fault
	require.ErrorAs(tb, err, &fault)
	require.Equal(tb, kind, fault.Kind)
	require.Equal(tb, code, fault.Code)
}

func TestReply(t *testing.T) {
	t.Parallel()
	shared := database(t)

	t.Run("IsDurableWithItsJob", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		c := b.customer("1", 0)
		r := b.reply(c)
		require.Equal(t, "queued", r.Status)
		require.Equal(t, "ready", r.JobState)
		m := b.message(r.MessageID)
		require.Equal(t, "dana", m.Author)
		require.Equal(t, inbox.OriginUser, m.Origin)
		require.Equal(t, r.JobID, m.JobID)
		require.Equal(t, 1, b.count(`SELECT count(*) FROM jobs WHERE id = $1 AND org_id = $2 AND queue = 1 AND job_type = 1 AND priority = 1
			AND serial_key = $3 AND subject_id = $4`, r.JobID, b.org.ID, c, r.MessageID))
		require.Equal(t, []job.Queue{job.WhatsApp}, b.jobs.woke)

		out, err := b.Outgoing(b.ctx, b.org.ID, r.MessageID)
		require.NoError(t, err)
		require.Equal(t, "EAAtoken", out.Token)
		require.Equal(t, "hi Mira", out.Message.Text)
		require.Equal(t, "12025550101", out.Contact.WaID)
		require.Equal(t, b.whatsapp.ExternalID, out.Channel.ExternalID)
		require.Equal(t, noon(), out.LastInboundAt.UTC())
	})

	t.Run("Refuses", func(t *testing.T) {
		t.Parallel()
		b, other := shared.fork(t), shared.fork(t)
		c, foreign := b.customer("1", 0), other.customer("1", 0)
		send := func(conversation int64, text string) error {
			_, err := b.Reply(b.ctx, inbox.Reply{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: conversation, Text: text})
			return err
		}
		requireFault(t, send(foreign, "hi"), inbox.NotFound, "conversation_not_found")
		requireFault(t, send(1<<60, "hi"), inbox.NotFound, "conversation_not_found")
		requireFault(t, send(c, "  "), inbox.Invalid, "empty_text")
		requireFault(t, send(c, "a\x00"), inbox.Invalid, "bad_text")
		requireFault(t, send(c, strings.Repeat("x", 20_000)), inbox.Invalid, "text_too_long")
		b.exec(`UPDATE channels SET state = 'broken' WHERE id = $1`, b.whatsapp.ID)
		requireFault(t, send(c, "hi"), inbox.Conflict, "channel_not_active")
		b.exec(`UPDATE channels SET state = 'active' WHERE id = $1`, b.whatsapp.ID)
		b.clock.set(noon().Add(24 * time.Hour))
		requireFault(t, send(c, "hi"), inbox.Conflict, "window_closed")
		b.clock.set(noon().Add(24*time.Hour - time.Second))
		require.NoError(t, send(c, "hi"))
		require.Equal(t, 1, b.count(`SELECT count(*) FROM jobs WHERE org_id = $1`, b.org.ID), "a refusal leaves nothing")
		_, err := b.Outgoing(b.ctx, b.org.ID, 1<<60)
		requireFault(t, err, inbox.NotFound, "message_not_found")
	})

	t.Run("WaitsOnAPausedChannel", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		c := b.customer("1", 0)
		b.exec(`UPDATE channels SET state = 'paused' WHERE id = $1`, b.whatsapp.ID)
		r, err := b.Reply(b.ctx, inbox.Reply{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: c, Text: "hi"})
		require.NoError(t, err, "a pause is ours, and the message goes when it ends")
		require.Equal(t, "queued", r.Status)
	})

	t.Run("OnInstagramCountsBytes", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		c := b.direct()
		_, err := b.Reply(b.ctx, inbox.Reply{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: c, Text: strings.Repeat("x", 1001)})
		requireFault(t, err, inbox.Invalid, "text_too_long")
		b.reply(c)
		require.Equal(t, []job.Queue{job.Instagram}, b.jobs.woke)
		_, err = b.SendTemplate(b.ctx, inbox.TemplateSend{OrgID: b.org.ID, ConversationID: c, Template: inbox.Template{Name: "hi", Language: "en"}})
		requireFault(t, err, inbox.Unprocessable, "templates_not_supported")
	})

	t.Run("InOneConversationIDsOfMessagesAndJobsRiseTogether", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		c := b.customer("1", 0)
		done := make(chan error)
		for range 20 {
			go func() {
				_, err := b.Reply(b.ctx, inbox.Reply{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: c, Text: "hi"})
				done <- err
			}()
		}
		for range 20 {
			require.NoError(t, <-done)
		}
		require.Zero(t, b.count(`SELECT count(*) FROM messages a JOIN messages b USING (conversation_id)
			WHERE conversation_id = $1 AND a.id < b.id AND a.job_id >= b.job_id`, c))
	})
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer("1", 0)
	b.clock.set(noon().Add(48 * time.Hour))
	send := inbox.TemplateSend{OrgID: b.org.ID, ConversationID: c, Template: inbox.Template{Name: "hello", Language: "en_US", Components: []byte(`[{"type":"body","x":"\u0000"}]`)}}
	r, err := b.SendTemplate(b.ctx, send)
	require.NoError(t, err)
	m := b.message(r.MessageID)
	require.Equal(t, inbox.KindTemplate, m.Kind)
	require.Equal(t, inbox.OriginAPI, m.Origin)
	require.JSONEq(t, `{"name":"hello","language":"en_US","components":[{"type":"body","x":""}]}`, string(m.Payload))
	require.Equal(t, 1, b.count(`SELECT count(*) FROM jobs WHERE id = $1 AND job_type = 2 AND priority = 3`, r.JobID))
	send.UserID = b.user.ID
	r, err = b.SendTemplate(b.ctx, send)
	require.NoError(t, err)
	require.Equal(t, 1, b.count(`SELECT count(*) FROM jobs WHERE id = $1 AND priority = 1`, r.JobID))
	send.Template.Components = []byte(`{broken`)
	_, err = b.SendTemplate(b.ctx, send)
	requireFault(t, err, inbox.Invalid, "bad_template")
	send.Template.Name = ""
	_, err = b.SendTemplate(b.ctx, send)
	requireFault(t, err, inbox.Invalid, "bad_template")
}

func TestRetryMessage(t *testing.T) {
	t.Parallel()
	shared := database(t)
	retry := func(b *bundle, id int64) (inbox.Receipt, error) {
		return b.RetryMessage(b.ctx, inbox.MessageRetry{OrgID: b.org.ID, UserID: b.user.ID, MessageID: id})
	}

	t.Run("RevivesADeadJob", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		r := b.reply(b.customer("1", 0))
		_, err := retry(b, r.MessageID)
		requireFault(t, err, inbox.Conflict, "message_not_failed")
		b.started(r)
		b.outcome(job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: inbox.Failed, Class: job.ClassTransient, Attempt: 5})
		again, err := retry(b, r.MessageID)
		require.NoError(t, err)
		require.Equal(t, r.JobID, again.JobID)
		require.Equal(t, inbox.Queued, b.message(r.MessageID).Status)
		require.Empty(t, b.message(r.MessageID).ErrorClass)
		require.Equal(t, 1, b.count(`SELECT count(*) FROM jobs WHERE id = $1 AND state = 1`, r.JobID))
		_, err = retry(b, r.MessageID)
		requireFault(t, err, inbox.Conflict, "message_not_failed")
	})

	t.Run("MakesANewJobWhereTheOldIsDone", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		r := b.answer(b.customer("1", 0), 1, "o1")
		b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Failed, At: at(2), ErrorClass: "permission"})
		again, err := retry(b, r.MessageID)
		require.NoError(t, err)
		require.NotEqual(t, r.JobID, again.JobID)
		require.Equal(t, again.JobID, b.message(r.MessageID).JobID)
	})

	t.Run("Refuses", func(t *testing.T) {
		t.Parallel()
		b, other := shared.fork(t), shared.fork(t)
		r := b.reply(b.customer("1", 0))
		b.started(r)
		_, err := retry(other, r.MessageID)
		requireFault(t, err, inbox.NotFound, "message_not_found")
		b.outcome(job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: inbox.Uncertain})
		_, err = retry(b, r.MessageID)
		requireFault(t, err, inbox.Conflict, "message_uncertain")
		b.exec(`UPDATE messages SET status = 5 WHERE id = $1`, r.MessageID)
		b.clock.add(25 * time.Hour)
		_, err = retry(b, r.MessageID)
		requireFault(t, err, inbox.Conflict, "window_closed")
	})

	t.Run("AtTheSameTimeAsAnOperatorSendsOnce", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		r := b.reply(b.customer("1", 0))
		b.started(r)
		b.outcome(job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: inbox.Failed, Class: job.ClassTransient})
		done := make(chan error, 2)
		go func() {
			done <- b.tryOutcome(job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: inbox.Queued})
		}()
		go func() {
			_, err := retry(b, r.MessageID)
			if inbox.KindOf(err) == inbox.Conflict {
				err = nil
			}
			done <- err
		}()
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		require.Equal(t, 1, b.count(`SELECT count(*) FROM jobs WHERE subject_id = $1`, r.MessageID))
	})
}

func TestOnce(t *testing.T) {
	t.Parallel()
	shared := database(t)
	once := func(key, body string) inbox.Once { return inbox.Once{Key: key, Digest: []byte(body)} }

	t.Run("RepeatsTheAnswer", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		ask := inbox.Reply{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: b.customer("1", 0), Text: "hi", Once: once("k", "a")}
		first, err := b.Reply(b.ctx, ask)
		require.NoError(t, err)
		b.clock.add(23 * time.Hour)
		second, err := b.Reply(b.ctx, ask)
		require.NoError(t, err)
		require.Equal(t, first, second)
		ask.Once.Digest = []byte("b")
		_, err = b.Reply(b.ctx, ask)
		requireFault(t, err, inbox.Unprocessable, "idempotency_key_reused")
		require.Equal(t, 1, b.count(`SELECT count(*) FROM jobs WHERE org_id = $1`, b.org.ID))
		require.Len(t, b.jobs.woke, 1, "a repeat wakes nobody")

		b.customer("2", 23*3600)
		b.clock.add(2 * time.Hour)
		third, err := b.Reply(b.ctx, ask)
		require.NoError(t, err, "a day later the key is free")
		require.NotEqual(t, first, third)
	})

	t.Run("AKeyBelongsToItsOrg", func(t *testing.T) {
		t.Parallel()
		b, other := shared.fork(t), shared.fork(t)
		for _, x := range []*bundle{b, other} {
			_, err := x.Reply(x.ctx, inbox.Reply{OrgID: x.org.ID, UserID: x.user.ID, ConversationID: x.customer("1", 0), Text: "hi", Once: once("k", x.org.Name)})
			require.NoError(t, err)
		}
	})

	t.Run("AFailedWriteLeavesTheKeyFree", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		ask := inbox.Reply{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: b.customer("1", 0), Text: " ", Once: once("k", "a")}
		_, err := b.Reply(b.ctx, ask)
		requireFault(t, err, inbox.Invalid, "empty_text")
		ask.Text, ask.Once.Digest = "hi", []byte("b")
		_, err = b.Reply(b.ctx, ask)
		require.NoError(t, err)
	})

	t.Run("InFlightIsAConflictAtOnce", func(t *testing.T) {
		t.Parallel()
		b := setup(t) // the locks that are counted below are this one's alone
		ask := inbox.Reply{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: b.customer("1", 0), Text: "hi", Once: once("k", "a")}
		other := b.says("2", at(0))
		other.Contact = inbox.Contact{UserID: "other"}
		b.ingest(inbox.Batch{Inbound: []inbox.Inbound{other}})
		elsewhere := ask
		elsewhere.ConversationID = b.talkOf(other.Contact)
		// Somebody holds the conversation: the first request waits with its key.
		tx, err := b.pool.Begin(b.ctx)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback(context.WithoutCancel(b.ctx)) }() // or the pool would never close
		_, err = tx.Exec(b.ctx, `SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE`, ask.ConversationID)
		require.NoError(t, err)
		first := make(chan error, 1)
		go func() {
			_, err := b.Reply(b.ctx, ask)
			first <- err
		}()
		require.Eventually(t, func() bool {
			return b.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 1
		}, 10*time.Second, 5*time.Millisecond)
		_, err = b.Reply(b.ctx, elsewhere)
		requireFault(t, err, inbox.Conflict, "idempotency_in_flight")
		repeat := make(chan error, 1) // waits behind the first, in its conversation
		go func() {
			_, err := b.Reply(b.ctx, ask)
			repeat <- err
		}()
		require.NoError(t, tx.Rollback(b.ctx))
		require.NoError(t, <-first)
		require.NoError(t, <-repeat)
		_, err = b.Reply(b.ctx, ask)
		require.NoError(t, err)
		require.Equal(t, 1, b.count(`SELECT count(*) FROM messages WHERE org_id = $1 AND NOT inbound`, b.org.ID))
	})

	t.Run("HoldsForEveryWrite", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		c := b.customer("1", 0)
		for range 2 {
			got, err := b.Assign(b.ctx, inbox.Assign{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: c, User: "dana", Once: once("assign", "a")})
			require.NoError(t, err)
			require.Equal(t, "dana", got.Assignee)
			got, err = b.SetState(b.ctx, inbox.StateChange{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: c, State: inbox.Resolved, Once: once("resolve", "a")})
			require.NoError(t, err)
			require.Equal(t, inbox.Resolved, got.State)
			require.Equal(t, at(300), got.DueAt.UTC())
			b.exec(`UPDATE conversations SET assignee_id = NULL, state = 'open' WHERE id = $1`, c)
		}
		require.Equal(t, inbox.Open, b.conversation().State, "the second time did nothing")
		_, err := b.Assign(b.ctx, inbox.Assign{OrgID: b.org.ID, ConversationID: c, User: "dana", Once: once(strings.Repeat("k", 300), "a")})
		requireFault(t, err, inbox.Invalid, "bad_idempotency_key")
	})

	t.Run("ACancelledRequestLeavesNothing", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		ctx, cancel := context.WithCancel(b.ctx)
		cancel()
		_, err := b.Reply(ctx, inbox.Reply{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: b.customer("1", 0), Text: "hi"})
		require.ErrorIs(t, err, context.Canceled)
	})
}
