package store_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// direct opens an Instagram conversation and returns it.
func (b *bundle) direct() int64 {
	b.tb.Helper()
	in := b.says("mid.in", at(0))
	in.Account = b.ig()
	b.ingest(inbox.Batch{Inbound: []inbox.Inbound{in}})
	return b.conversation().ID
}

// igEcho is the reflection of an Instagram send.
func (b *bundle) igEcho(id string, second int) inbox.Batch {
	return inbox.Batch{Echoes: []inbox.Echo{{Account: b.ig(), ProviderID: id, Contact: mira(), Kind: inbox.KindText, Text: "hi Mira", At: at(second)}}}
}

func TestEffects(t *testing.T) {
	t.Parallel()
	shared := database(t)

	t.Run("CountOnlyWhatTheLedgerAccepted", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		r := b.reply(b.customer("1", 0))
		b.started(r)
		for _, status := range []inbox.MessageStatus{inbox.Accepted, inbox.Sent, inbox.Failed, inbox.Uncertain, inbox.Queued} {
			batch := &pgx.Batch{}
			b.QueueEffects(batch, []job.Effect{sent(r, status, "o1")}) // the job still runs
			require.NoError(t, b.pool.SendBatch(b.ctx, batch).Close())
			require.Equal(t, inbox.Queued, b.message(r.MessageID).Status)
		}
		stale := sent(r, inbox.Accepted, "o1")
		stale.Epoch = 7
		b.outcome(stale)
		require.Equal(t, inbox.Queued, b.message(r.MessageID).Status)
		b.outcome(sent(r, inbox.Accepted, "o1"))
		require.Equal(t, inbox.Accepted, b.message(r.MessageID).Status)
		batch := &pgx.Batch{}
		b.exec(`UPDATE messages SET status = 0 WHERE id = $1`, r.MessageID)
		b.QueueEffects(batch, []job.Effect{sent(r, inbox.Accepted, "o1")}) // history of another transaction
		require.NoError(t, b.pool.SendBatch(b.ctx, batch).Close())
		require.Equal(t, inbox.Queued, b.message(r.MessageID).Status)
	})

	t.Run("FailedUncertainAndAgain", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		r := b.reply(b.customer("1", 0))
		b.started(r)
		b.outcome(job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: inbox.Uncertain, Class: job.ClassAmbiguous, Detail: "\x00cut\xff", Attempt: 1})
		m := b.message(r.MessageID)
		require.Equal(t, inbox.Uncertain, m.Status)
		require.Equal(t, "cut\uFFFD", m.ErrorText)
		b.outcome(job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: inbox.Failed, Class: job.ClassUnknownOutcome, Code: 5, Attempt: 3})
		m = b.message(r.MessageID)
		require.Equal(t, inbox.Failed, m.Status)
		require.Equal(t, 5, m.ErrorCode)
		require.False(t, m.FailedAt.IsZero())
		b.outcome(job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: inbox.Queued})
		m = b.message(r.MessageID)
		require.Equal(t, inbox.Queued, m.Status)
		require.Empty(t, m.ErrorClass)
		require.True(t, m.FailedAt.IsZero())
		require.Zero(t, b.count(`SELECT attempts FROM messages WHERE id = $1`, r.MessageID))
	})

	t.Run("ALateReportDoesNotOverruleTheProvider", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		r := b.reply(b.customer("1", 0))
		b.started(r)
		b.exec(`UPDATE messages SET status = 3 WHERE id = $1`, r.MessageID)
		b.outcome(job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: inbox.Failed, Class: job.ClassTransient})
		require.Equal(t, inbox.Delivered, b.message(r.MessageID).Status)
	})

	t.Run("AnEchoBeforeOurCommitIsOurMessage", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		c := b.direct()
		b.clock.set(at(10))
		r := b.reply(c)
		b.started(r)
		b.clock.set(at(12))
		b.ingest(b.igEcho("o1", 12))
		b.ingest(inbox.Batch{Reads: []inbox.ReadMark{{Account: b.ig(), ProviderID: "o1", At: at(13)}}})
		require.Equal(t, 12, b.episodes(c)[0].Answered)
		b.outcome(sent(r, inbox.Sent, "o1"))
		require.Equal(t, 2, b.count(`SELECT count(*) FROM messages WHERE conversation_id = $1`, c))
		require.Equal(t, []episode{{First: true, Due: 300, Answered: 10, By: b.user.ID, Message: r.MessageID}}, b.episodes(c))
		m := b.message(r.MessageID)
		require.Equal(t, inbox.Read, m.Status)
		require.Equal(t, at(13), m.ReadAt.UTC())
		b.ingest(b.igEcho("o1", 12))
		require.Equal(t, 2, b.count(`SELECT count(*) FROM messages WHERE conversation_id = $1`, c), "an echo of ours is nothing")
	})

	t.Run("TheEchoOfABotIsNoAnswer", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		c := b.direct()
		r := b.reply(c)
		b.exec(`UPDATE messages SET origin = 'automation', author_id = NULL, clock_at = NULL WHERE id = $1`, r.MessageID)
		b.started(r)
		b.clock.set(at(12))
		b.ingest(b.igEcho("o1", 12))
		in := b.says("mid.in2", at(12))
		in.Account = b.ig()
		b.ingest(inbox.Batch{Inbound: []inbox.Inbound{in}})
		b.outcome(sent(r, inbox.Sent, "o1"))
		require.Equal(t, []episode{{First: true, Due: 300, Answered: -1}}, b.episodes(c), "the customer still waits for a human")
	})

	t.Run("AnEchoAtTheSameMomentDoesNotFailTheCommit", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		c := b.direct()
		for i := range 20 {
			id := "race." + string(rune('a'+i))
			r := b.reply(c)
			b.started(r)
			done := make(chan error, 2)
			go func() { done <- b.tryOutcome(sent(r, inbox.Sent, id)) }()
			go func() {
				_, err := b.Ingest(b.ctx, b.igEcho(id, 1), nil)
				done <- err
			}()
			require.NoError(t, <-done)
			require.NoError(t, <-done)
			m := b.message(r.MessageID)
			require.Equal(t, id, m.ProviderID)
			require.Equal(t, inbox.Sent, m.Status)
			require.Equal(t, i+2, b.count(`SELECT count(*) FROM messages WHERE conversation_id = $1`, c))
		}
	})

	t.Run("AProviderIDInUsePoisonsNobody", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		c := b.customer("1", 0)
		b.answer(c, 1, "o1")
		r := b.answer(c, 2, "o1")
		m := b.message(r.MessageID)
		require.Equal(t, inbox.Accepted, m.Status)
		require.Empty(t, m.ProviderID)
	})
}
