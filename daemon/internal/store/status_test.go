package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

func TestStatuses(t *testing.T) {
	t.Parallel()
	shared := database(t)

	t.Run("OnlyMoveForwardAndKeepEveryTime", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		r := b.answer(b.customer("1", 0), 10, "o1")
		require.Equal(t, 1, b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Read, At: at(14)}).Statuses)
		require.Equal(t, 0, b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Delivered, At: at(13)}).Statuses)
		require.Equal(t, 0, b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Sent, At: at(12)}).Statuses)
		require.Equal(t, 0, b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Failed, At: at(15), ErrorClass: "transient"}).Statuses)
		m := b.message(r.MessageID)
		require.Equal(t, inbox.Read, m.Status)
		require.Equal(t, []time.Time{at(12), at(13), at(14)}, []time.Time{m.SentAt.UTC(), m.DeliveredAt.UTC(), m.ReadAt.UTC()})
		require.True(t, m.FailedAt.IsZero(), "a failure after delivery is none")
		require.Empty(t, m.ErrorClass)
	})

	t.Run("OfOneMessageInOneBatchAreTakenByTime", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		r := b.answer(b.customer("1", 0), 10, "o1")
		var batch inbox.Batch
		for i, s := range []inbox.MessageStatus{inbox.Failed, inbox.Delivered, inbox.Sent, inbox.Delivered} {
			batch.Statuses = append(batch.Statuses, inbox.StatusUpdate{Account: b.wa(), ProviderID: "o1", Status: s, At: at([]int{14, 13, 12, 13}[i]), ErrorClass: "transient"})
		}
		require.Equal(t, 2, b.ingest(batch).Statuses)
		m := b.message(r.MessageID)
		require.Equal(t, inbox.Delivered, m.Status)
		require.Equal(t, at(12), m.SentAt.UTC())
	})

	t.Run("OurCallbackFindsAMessageWithoutProviderID", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		r := b.reply(b.customer("1", 0))
		b.started(r)
		applied := b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Sent, At: at(1), JobID: r.JobID, Epoch: 1})
		require.Equal(t, inbox.Applied{Statuses: 1, Settled: 1}, applied)
		m := b.message(r.MessageID)
		require.Equal(t, inbox.Sent, m.Status)
		require.Equal(t, "o1", m.ProviderID)
		require.Equal(t, 1, b.count(`SELECT attempts FROM messages WHERE id = $1`, r.MessageID))
		require.Zero(t, b.count(`SELECT count(*) FROM jobs WHERE id = $1`, r.JobID))
		applied = b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Delivered, At: at(2), JobID: r.JobID, Epoch: 1})
		require.Equal(t, inbox.Applied{Statuses: 1}, applied)
	})

	t.Run("SettleAnUncertainMessage", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		c := b.customer("1", 0)
		r := b.reply(c)
		b.started(r)
		b.outcome(job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: inbox.Uncertain, Class: job.ClassAmbiguous, Attempt: 1})
		require.Equal(t, inbox.Uncertain, b.message(r.MessageID).Status)
		applied := b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Delivered, At: at(3), JobID: r.JobID, Epoch: 1})
		require.Equal(t, 1, applied.Settled)
		m := b.message(r.MessageID)
		require.Equal(t, inbox.Delivered, m.Status)
		require.Empty(t, m.ErrorClass)
		require.Equal(t, 0, b.episodes(c)[0].Answered, "it went out after all")
	})

	t.Run("AForeignCallbackSaysNothing", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		r := b.answer(b.customer("1", 0), 10, "o1")
		require.Equal(t, 1, b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Sent, At: at(1), Callback: "order-77"}).Statuses)
		require.Equal(t, inbox.Sent, b.message(r.MessageID).Status)
	})

	t.Run("OfAnotherOrgTouchNothing", func(t *testing.T) {
		t.Parallel()
		b, other := shared.fork(t), shared.fork(t)
		r := b.reply(b.customer("1", 0))
		b.started(r)
		applied := other.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Sent, At: at(1), JobID: r.JobID, Epoch: 1})
		require.Equal(t, inbox.Applied{Parked: 1}, applied, "a job id of another channel is no match")
		require.Equal(t, inbox.Queued, b.message(r.MessageID).Status)
	})

	t.Run("BeforeOurCommitArePark", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		c := b.customer("1", 0)
		r := b.reply(c)
		b.started(r)
		for range 2 {
			require.Equal(t, 1, b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Delivered, At: at(2)}).Parked)
		}
		b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Sent, At: at(1)})
		b.outcome(sent(r, inbox.Accepted, "o1"))
		m := b.message(r.MessageID)
		require.Equal(t, inbox.Delivered, m.Status)
		require.Equal(t, []time.Time{at(1), at(2)}, []time.Time{m.SentAt.UTC(), m.DeliveredAt.UTC()})
		require.Zero(t, b.count(`SELECT count(*) FROM parked_statuses WHERE channel_id = $1`, b.whatsapp.ID))
		require.Equal(t, 0, b.episodes(c)[0].Answered)
	})

	t.Run("AParkedFailureFails", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		c := b.customer("1", 0)
		r := b.reply(c)
		b.started(r)
		b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Failed, At: at(2), ErrorClass: "recipient_unreachable", ErrorCode: 131026, ErrorText: "no"})
		b.outcome(sent(r, inbox.Accepted, "o1"))
		m := b.message(r.MessageID)
		require.Equal(t, inbox.Failed, m.Status)
		require.Equal(t, "recipient_unreachable", m.ErrorClass)
		require.Equal(t, 131026, m.ErrorCode)
		require.Equal(t, -1, b.episodes(c)[0].Answered)
	})
}

func TestLateFailure(t *testing.T) {
	t.Parallel()
	shared := database(t)
	for _, tc := range []struct {
		name    string
		class   job.Class
		arrange func(b *bundle, r inbox.Receipt)
		again   bool
	}{
		{"ThrottleIsTriedAgain", job.ClassThrottlePair, nil, true},
		{"TransientIsTriedAgain", job.ClassTransient, nil, true},
		{"IntegrityThrottleIsNot", job.ClassIntegrityThrottle, nil, false},
		{"PermanentIsNot", job.ClassRecipientUnreachable, nil, false},
		{"NotWithoutAttemptsLeft", job.ClassTransient, func(b *bundle, r inbox.Receipt) {
			b.exec(`UPDATE messages SET attempts = 5 WHERE id = $1`, r.MessageID)
		}, false},
		{"NotAfterADay", job.ClassTransient, func(b *bundle, _ inbox.Receipt) { b.clock.add(24 * time.Hour) }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := shared.fork(t)
			c := b.customer("1", 0)
			r := b.answer(c, 10, "o1")
			if tc.arrange != nil {
				tc.arrange(b, r)
			}
			failed := inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Failed, At: at(20), ErrorClass: string(tc.class), ErrorCode: 131056, ErrorText: "slow down", JobID: r.JobID, Epoch: 1}
			require.Equal(t, 1, b.status(failed).Statuses)
			m := b.message(r.MessageID)
			require.Equal(t, -1, b.episodes(c)[0].Answered, "the customer waits again")
			if !tc.again {
				require.Equal(t, inbox.Failed, m.Status)
				require.Equal(t, string(tc.class), m.ErrorClass)
				require.Equal(t, at(20), m.FailedAt.UTC())
				require.Zero(t, b.count(`SELECT count(*) FROM jobs WHERE subject_id = $1`, r.MessageID))
				return
			}
			require.Equal(t, inbox.Queued, m.Status)
			require.NotEqual(t, r.JobID, m.JobID)
			require.Empty(t, m.ProviderID)
			require.Empty(t, m.ErrorClass)
			require.Equal(t, 1, b.count(`SELECT count(*) FROM jobs WHERE id = $1 AND state = 0 AND attempt = 1 AND priority = 1
				AND serial_key = $2 AND subject_id = $3 AND user_id = $4 AND run_at > $5`, m.JobID, c, m.ID, b.user.ID, at(10)))

			b.status(failed) // delivered twice
			require.Equal(t, 1, b.count(`SELECT count(*) FROM jobs WHERE subject_id = $1`, r.MessageID), "twice is once")
			again := inbox.Receipt{MessageID: m.ID, JobID: m.JobID}
			b.started(again)
			e := sent(again, inbox.Accepted, "o2")
			e.Attempt = 2
			b.outcome(e)
			m = b.message(r.MessageID)
			require.Equal(t, inbox.Accepted, m.Status)
			require.Empty(t, m.ErrorClass)
			require.Equal(t, 10, b.episodes(c)[0].Answered, "the agent pressed send then")
		})
	}

	t.Run("BeforeOurCommitSettlesTheJob", func(t *testing.T) {
		t.Parallel()
		b := shared.fork(t)
		r := b.reply(b.customer("1", 0))
		b.started(r)
		applied := b.status(inbox.StatusUpdate{ProviderID: "o1", Status: inbox.Failed, At: at(1), ErrorClass: "transient", JobID: r.JobID, Epoch: 1})
		require.Equal(t, inbox.Applied{Statuses: 1, Settled: 1}, applied)
		b.outcome(sent(r, inbox.Accepted, "o1")) // the worker comes late
		m := b.message(r.MessageID)
		require.Equal(t, inbox.Queued, m.Status, "the new job sends it")
		require.NotEqual(t, r.JobID, m.JobID)
	})
}

func TestReadsAndRevokes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.says("mid.1", at(0))
	in.Account = b.ig()
	b.ingest(inbox.Batch{Inbound: []inbox.Inbound{in}})
	c := b.conversation()
	var receipts []inbox.Receipt
	for _, id := range []string{"o1", "o2", "o3"} {
		r := b.reply(c.ID)
		b.started(r)
		b.outcome(sent(r, inbox.Sent, id))
		receipts = append(receipts, r)
	}
	for range 2 {
		b.ingest(inbox.Batch{
			Reads:   []inbox.ReadMark{{Account: b.ig(), ProviderID: "o2", At: at(5)}, {Account: b.ig(), ProviderID: "nobody's", At: at(6)}, {Account: b.ig(), ProviderID: "mid.1", At: at(6)}},
			Revokes: []inbox.Revoke{{Account: b.ig(), ProviderID: "mid.1", At: at(6)}},
		})
	}
	b.ingest(inbox.Batch{Reads: []inbox.ReadMark{{Account: b.ig(), ProviderID: "o1", At: at(4)}}}) // late
	var status []inbox.MessageStatus
	var read []time.Time
	for _, r := range receipts {
		m := b.message(r.MessageID)
		status, read = append(status, m.Status), append(read, m.ReadAt.UTC())
	}
	require.Equal(t, []inbox.MessageStatus{inbox.Read, inbox.Read, inbox.Sent}, status)
	require.Equal(t, []time.Time{at(4), at(5), {}}, read)
	require.Equal(t, 1, b.count(`SELECT count(*) FROM messages WHERE revoked AND inbound`))
}
