package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Meta delivers a webhook again when our answer is late. If both deliveries
// made a job the customer would get the message twice.
func TestOneFailureDeliveredTwiceAtOnceIsOneNewJob(t *testing.T) {
	t.Parallel()
	for name, known := range map[string]bool{"AfterOurCommit": true, "BeforeOurCommit": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wire(t)
			c := s.customerAsks("mira")
			r := s.reply(c)
			claimed := s.take(1)[0]
			if known {
				require.True(t, s.finish(claimed, accepted("w.1")))
			}
			hook := s.failure("w.1", r.JobID, claimed.Epoch, job.ClassThrottleNumber)
			release := s.holding(`SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE`, c)
			deliver := func() error { _, err := s.Ingest(s.ctx, hook, nil); return err }
			first, second := go1(deliver), go1(deliver)
			s.waiters(1) // and the other waits behind it
			release()
			require.NoError(t, <-first)
			require.NoError(t, <-second)
			require.Equal(t, 1, s.jobsOf(r.MessageID))
			m := s.message(r.MessageID)
			require.Equal(t, inbox.Queued, m.Status)
			require.Equal(t, 1, s.count(`SELECT count(*) FROM jobs WHERE id = $1 AND state = 0`, m.JobID))
		})
	}
}

// An agent presses retry while the failure is delivered again: what the
// customer then reads must not be shown as failed.
func TestARepeatedFailureDoesNotUndoARetry(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		ends job.Result
	}{
		{"OfAMessageThatFailedLate", accepted("w.1")},
		{"OfADeadJob", job.Result{Verdict: job.Fail, Class: job.ClassRecipientUnreachable}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := wire(t)
			c := s.customerAsks("mira")
			r := s.reply(c)
			claimed := s.take(1)[0]
			require.True(t, s.finish(claimed, tc.ends))
			hook := s.failure("w.1", r.JobID, claimed.Epoch, job.ClassRecipientUnreachable)
			s.ingest(hook)
			require.Equal(t, inbox.Failed, s.message(r.MessageID).Status)

			release := s.holding(`SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE`, c)
			retry := go1(func() error {
				_, err := s.RetryMessage(s.ctx, inbox.MessageRetry{OrgID: s.org.ID, UserID: s.user.ID, MessageID: r.MessageID})
				return err
			})
			s.waiters(1)
			repeat := go1(func() error { _, err := s.Ingest(s.ctx, hook, nil); return err })
			s.waiters(2)
			release()
			require.NoError(t, <-retry)
			require.NoError(t, <-repeat)
			require.Equal(t, inbox.Queued, s.message(r.MessageID).Status)
			require.Equal(t, 1, s.jobsOf(r.MessageID))

			s.ingest(hook) // and once more, later
			require.Equal(t, inbox.Queued, s.message(r.MessageID).Status)
			require.True(t, s.finish(s.take(1)[0], accepted("w.2")))
			s.ingest(inbox.Batch{Statuses: []inbox.StatusUpdate{{Account: s.wa(), ProviderID: "w.2", Status: inbox.Delivered, At: time.Now()}}})
			s.ingest(hook)
			m := s.message(r.MessageID)
			require.Equal(t, inbox.Delivered, m.Status)
			require.Equal(t, "w.2", m.ProviderID)
			require.Empty(t, m.ErrorClass)
		})
	}
}

// A proxy answered 503 for the first attempt although Meta took it. Its failure
// must not end the second attempt, whose success would then be lost and the
// message sent a third time.
func TestAnOldAttemptsFailureLeavesTheNewOneAlone(t *testing.T) {
	t.Parallel()
	s := wire(t)
	r := s.reply(s.customerAsks("mira"))
	require.True(t, s.finish(s.take(1)[0], job.Result{Verdict: job.Retry, Class: job.ClassTransient}))
	s.due()
	second := s.take(1)[0]
	require.EqualValues(t, 2, second.Epoch)
	applied := s.ingest(s.failure("w.1", r.JobID, 1, job.ClassThrottleNumber))
	require.Equal(t, inbox.Applied{Parked: 1}, applied)
	require.Equal(t, inbox.Queued, s.message(r.MessageID).Status)
	require.True(t, s.finish(second, accepted("w.2")), "the attempt under way was ended by an older one")
	m := s.message(r.MessageID)
	require.Equal(t, inbox.Accepted, m.Status)
	require.Equal(t, "w.2", m.ProviderID)
	require.Zero(t, s.jobsOf(r.MessageID))
}

// The last attempt's failure counts whatever became of its job: it waits for
// another try, nobody knows how it ended, or it was given up.
func TestTheLastAttemptsFailureIsHeard(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		ends job.Result
		want inbox.MessageStatus
	}{
		{"WhileItWaitsForAnother", job.Result{Verdict: job.Retry, Class: job.ClassTransient}, inbox.Failed},
		{"WhileNobodyKnows", job.Result{Verdict: job.Doubt, Class: job.ClassAmbiguous}, inbox.Failed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := wire(t)
			r := s.reply(s.customerAsks("mira"))
			require.True(t, s.finish(s.take(1)[0], tc.ends))
			applied := s.ingest(s.failure("w.1", r.JobID, 1, job.ClassPermission))
			require.Equal(t, inbox.Applied{Statuses: 1, Settled: 1}, applied)
			m := s.message(r.MessageID)
			require.Equal(t, inbox.Failed, m.Status)
			require.Equal(t, "w.1", m.ProviderID)
			require.Zero(t, s.jobsOf(r.MessageID), "it must not be sent again")
		})
	}
}

// That it went out is true whichever attempt the provider speaks of.
func TestAnOldAttemptsDeliverySettlesTheJob(t *testing.T) {
	t.Parallel()
	s := wire(t)
	r := s.reply(s.customerAsks("mira"))
	require.True(t, s.finish(s.take(1)[0], job.Result{Verdict: job.Retry, Class: job.ClassTransient}))
	s.due()
	s.take(1)
	status := inbox.StatusUpdate{Account: s.wa(), ProviderID: "w.1", Status: inbox.Delivered, At: time.Now(), JobID: r.JobID, Epoch: 1}
	require.Equal(t, inbox.Applied{Statuses: 1, Settled: 1}, s.ingest(inbox.Batch{Statuses: []inbox.StatusUpdate{status}}))
	require.Equal(t, inbox.Delivered, s.message(r.MessageID).Status)
	require.Zero(t, s.jobsOf(r.MessageID))
}

// Somebody's forgotten transaction holds a message, another one an open
// episode: only the outcomes of these two wait.
func TestALockedRowDelaysOnlyItsOwnOutcome(t *testing.T) {
	t.Parallel()
	s := wire(t)
	const n = 12
	var receipts []inbox.Receipt
	var conversations []int64
	for i := range n {
		conversations = append(conversations, s.customerAsks(fmt.Sprint("u", i)))
		receipts = append(receipts, s.reply(conversations[i]))
	}
	claimed := map[int64]job.Claimed{}
	for _, c := range s.take(n) {
		claimed[c.SubjectID] = c
	}
	releaseMessage := s.holding(`SELECT 1 FROM messages WHERE id = $1 FOR UPDATE`, receipts[2].MessageID)
	releaseEpisode := s.holding(`SELECT 1 FROM episodes WHERE conversation_id = $1 AND answered_at IS NULL FOR UPDATE`, conversations[7])
	finished := make(map[int]<-chan error, n)
	for i, r := range receipts {
		finished[i] = go1(func() error {
			_, err := s.committer.Finish(s.ctx, claimed[r.MessageID], accepted(fmt.Sprint("w.", i)))
			return err
		})
	}
	ended := func(i int) {
		t.Helper()
		select {
		case err := <-finished[i]:
			require.NoError(t, err)
		case <-time.After(10 * time.Second):
			t.Fatalf("outcome %d waits for a lock of somebody else's message", i)
		}
		require.Equal(t, inbox.Accepted, s.message(receipts[i].MessageID).Status)
	}
	for i := range n {
		if i != 2 && i != 7 {
			ended(i)
		}
	}
	require.Equal(t, inbox.Queued, s.message(receipts[2].MessageID).Status)
	require.Equal(t, inbox.Queued, s.message(receipts[7].MessageID).Status)
	releaseMessage()
	ended(2)
	releaseEpisode()
	ended(7)
	require.Zero(t, s.count(`SELECT count(*) FROM episodes WHERE answered_at IS NULL`))
}

// An answer is committed while a question from before it is stored: nobody has
// to answer that question again, so no clock may run.
func TestACrossingAnswerStopsTheClock(t *testing.T) {
	t.Parallel()
	s := wire(t)
	c := s.customerAsks("mira")
	s.reply(c)
	require.True(t, s.finish(s.take(1)[0], accepted("w.0"))) // no episode is open now
	asked := time.Now()

	// The answer's commit stands still between its last statement and COMMIT.
	r := s.reply(c)
	claimed := s.take(1)[0]
	tx, err := s.pool.Begin(s.ctx)
	require.NoError(t, err)
	b := &pgx.Batch{}
	b.Queue(`
WITH d AS (DELETE FROM jobs WHERE id = $1 RETURNING *)
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at)
SELECT id, org_id, queue, job_type, priority, 1, run_epoch, attempt, lane, created_at FROM d`, claimed.ID)
	s.QueueEffects(b, []job.Effect{{
		JobID: claimed.ID, Epoch: claimed.Epoch, MessageID: r.MessageID, Status: inbox.Accepted, ProviderID: "w.1", Attempt: 1,
	}})
	require.NoError(t, tx.SendBatch(s.ctx, b).Close())
	question := s.says("in.crossing", asked)
	question.Contact = inbox.Contact{UserID: "mira"}
	stored := go1(func() error {
		_, err := s.Ingest(s.ctx, inbox.Batch{Inbound: []inbox.Inbound{question}}, nil)
		return err
	})
	select {
	case err := <-stored:
		require.NoError(t, err, "they did not meet")
		require.NoError(t, tx.Commit(s.ctx))
	case <-waiting(s):
		require.NoError(t, tx.Commit(s.ctx))
		require.NoError(t, <-stored)
	}
	require.Zero(t, s.openThoughAnswered())
}

// The same with nobody standing still, many times, in both orders.
func TestAnswersAndQuestionsCrossManyTimes(t *testing.T) {
	t.Parallel()
	s := wire(t)
	c := s.customerAsks("mira")
	for i := range 60 {
		asked := time.Now()
		s.reply(c)
		claimed := s.take(1)[0]
		question := s.says(fmt.Sprint("in.", i), asked)
		question.Contact = inbox.Contact{UserID: "mira"}
		stored := go1(func() error {
			_, err := s.Ingest(s.ctx, inbox.Batch{Inbound: []inbox.Inbound{question}}, nil)
			return err
		})
		require.True(t, s.finish(claimed, accepted(fmt.Sprint("w.", i))))
		require.NoError(t, <-stored)
		require.Zero(t, s.openThoughAnswered(), "round %d", i)
	}
}

// The worker reports late that an attempt in doubt surely was not sent, or was
// not begun: its message waits again, with the attempts it has used.
func TestALateReportMakesAnUncertainMessageWait(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]job.Result{
		"NotSent":  {Verdict: job.Retry, Class: job.ClassNotSent},
		"NotBegun": {Verdict: job.Release},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wire(t)
			r := s.reply(s.customerAsks("mira"))
			require.True(t, s.finish(s.take(1)[0], job.Result{Verdict: job.Retry, Class: job.ClassTransient}))
			s.due()
			claimed := s.take(1)[0]
			require.True(t, s.finish(claimed, job.Result{Verdict: job.Doubt, Class: job.ClassAmbiguous}))
			require.Equal(t, inbox.Uncertain, s.message(r.MessageID).Status)
			require.True(t, s.finish(claimed, late))
			m := s.message(r.MessageID)
			require.Equal(t, inbox.Queued, m.Status)
			require.Empty(t, m.ErrorClass)
			require.Equal(t, 2, s.count(`SELECT attempts FROM messages WHERE id = $1`, m.ID), "no new attempts")
		})
	}
}
