package ledger_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
)

// Each of these was a flaw of an earlier design of the ledger. What the design
// says now, and who would notice if it were no longer true (here, unless a
// package is named; TestModel and TestModelWalk hold most of it besides):
//
//	one of a conversation under way;      TestConcurrentClaimsKeepOrder, TestModel
//	  a clash is redone row by row        TestClashInAConversationIsRedoneWithoutIt
//	who waits for whom                    TestConversationOrder
//	ids of a conversation commit in order store.TestNobodyTakesAnIDBeforeTheConversation
//	one lock order                        store.TestDeliveriesInOppositeOrder
//	a finish's sends are its own          store.TestEffectsOnce, store.TestAutomationEffects
//	tokens per (org, action)              dispatch.TestTokensBoundWhatLeaves, TestStarts
//	claims per (queue, job type)          dispatch.TestKindsTakeTurns, TestReadsDoNotGrowWithTheTables
//	unused tokens go by stamp, or stay    limit.TestDesign3TokensGoBackByTheirStamp, limit.TestWindowsAreExact,
//	                                      dispatch.TestUnusedTokensAreReturned
//	windows are seeded from the ledger    limit.TestEmptiedRedisIsSeededFromTheLedger, limit.TestAnotherServerIsSeeded, TestStarts
//	without Redis: a share of what is     limit.TestRedisAway, limit.TestShares
//	  left; the API's own starts empty
//	a pause changes no job row            TestDesign3PauseChangesNoJobRow
//	T3, T5, T6 read holds                 TestDesign3HoldsAreReadInTheClaim, TestHoldsMeanTheSameInGoAndSQL
//	T3, T5, T6 ask for a living worker    TestDeadWorkerTakesNothing, TestModelIsTheSQL
//	"applied" comes after older claims    TestSettleClaimsWaitsForOlderClaims, control.TestAcknowledgesOnlyAfterSettling
//	R1 asks Redis nothing                 TestR1RecallsWithoutAskingRedis
//	R3 recalls what a dead worker took    TestR3RecallsHandOutsOlderThanTheDeath
//	R5 tickets end with their tokens      TestDesign3OldTicketsExpire
//	T14 has no timeout                    TestT14DoubtHasNoTimeout
//	T13 knows failed                      TestT13EndsTheJobWhateverTheWord, store.TestLateFailure
//	T7, T8: a late word of its own worker TestOwnWorkersLateWordSettlesDoubt, TestLateReleaseSettlesUncertain
//	T15 leaves doubt alone                TestDesign3CancelLeavesDoubtAlone
//	events in the commit of the outcome   TestDesign3EventsCommitWithTheirOutcome
//	history and events hold every attempt TestHistoryAndEventsHoldEveryAttempt

// Two claims that see different moments may both choose from one conversation.
// The unique index lets one win; the other claim must be made again without
// that conversation, not fail as a whole.
func TestClashInAConversationIsRedoneWithoutIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	added := b.add(t, job.New{SerialKey: 7, Priority: job.Bulk}, job.New{SerialKey: 7}, job.New{SerialKey: 8})
	winner, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = winner.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = winner.Exec(t.Context(), `UPDATE jobs SET state = 2, lane = 1, epoch = 1, dispatched_at = now() WHERE id = $1`, added[0])
	require.NoError(t, err)
	type answer struct {
		got []job.Claimed
		err error
	}
	loser := make(chan answer, 1)
	go func() {
		got, err := b.Take(t.Context(), all(10), b.w1)
		loser <- answer{got, err}
	}()
	b.awaitLock(t)
	require.NoError(t, winner.Commit(t.Context()))
	a := <-loser
	require.NoError(t, a.err)
	require.Equal(t, []int64{added[2]}, ids(a.got), "the other conversation's job runs, the clashing one waits")
	require.Equal(t, job.Ready, b.state(t, added[1]))
}

// awaitLock returns when a statement of this database waits for another one.
func (b *bundle) awaitLock(tb testing.TB) {
	tb.Helper()
	require.Eventually(tb, func() bool {
		return b.count(tb, `
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
	}, patience, 5*time.Millisecond)
}

// R1: age alone is enough. Asking Redis for lengths first would keep a lost
// copy waiting for as long as Redis does not answer.
func TestR1RecallsWithoutAskingRedis(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, job.New{})[0]
	b.dispatch(t, 1)
	b.exec(t, `UPDATE jobs SET dispatched_at = now() - interval '31 s' WHERE id = $1`, id)
	away := &fakeRedis{err: errors.New("redis is away")}
	r := b.NewReconciler(ledger.ReconcilerOptions{Remote: away, NewMark: func() string { return "g" }})
	require.NoError(t, r.Round(t.Context()))
	require.Equal(t, job.Ready, b.state(t, id))
}

// R3: copies in the dead worker's hands are in no list of ours; each that may
// have been there is recalled, at once and not after the age of R1. What was
// handed out after the death cannot have been there.
func TestR3RecallsHandOutsOlderThanTheDeath(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := b.add(t, job.New{})[0]
	b.dispatch(t, 1)
	after := b.add(t, job.New{})[0]
	b.dispatch(t, 1)
	b.exec(t, `UPDATE jobs SET dispatched_at = clock_timestamp() + interval '1 min' WHERE id = $1`, after)
	c := &clock{t: time.Now()}
	r := b.NewReconciler(ledger.ReconcilerOptions{Now: c.now, StaleAfter: time.Hour})
	for range 12 {
		require.NoError(t, b.Beat(t.Context(), b.w2))
		require.NoError(t, r.Round(t.Context()))
		c.add(2 * time.Second)
	}
	require.ErrorIs(t, b.Beat(t.Context(), b.w1), ledger.ErrDeclaredDead)
	require.Equal(t, job.Ready, b.state(t, before))
	require.Equal(t, job.Dispatched, b.state(t, after))
}

// T14: doubt has no timeout. Whatever an uncertain job's age and deadline, no
// round of anybody touches it; operators are alerted instead.
func TestT14DoubtHasNoTimeout(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, job.New{SubjectID: 4})[0]
	claimed := b.take(t, 1)[0]
	_, err := b.committer(t, b.w1).Finish(t.Context(), claimed, job.Result{Verdict: job.Doubt, Class: job.ClassAmbiguous})
	require.NoError(t, err)
	b.exec(t, `
UPDATE jobs SET created_at = now() - interval '90 days', started_at = now() - interval '90 days', run_at = now() - interval '90 days',
       dispatched_at = now() - interval '90 days', deadline_at = now() - interval '89 days' WHERE id = $1`, id)
	require.NoError(t, b.NewReconciler(ledger.ReconcilerOptions{}).Round(t.Context()))
	_, err = b.poll(t.Context())
	require.NoError(t, err)
	_, err = b.ReleaseStrays(t.Context(), b.w1, 0, func(job.Ticket) bool { return false })
	require.NoError(t, err)
	require.Empty(t, b.take(t, 10))
	require.Empty(t, b.dispatch(t, 10))
	require.Equal(t, job.Uncertain, b.state(t, id))
}

// T7, T8: whoever made the claim may still report when its job is uncertain, as
// long as nobody has claimed it anew: its word is worth more than doubt.
func TestOwnWorkersLateWordSettlesDoubt(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		result job.Result
		want   job.State
	}{
		{"ItWasSent", job.Result{Verdict: job.Succeed, Message: &job.MessageEffect{Status: inbox.Accepted, ProviderID: "wamid.x"}}, inHistory},
		{"ItFailedForNow", job.Result{Verdict: job.Retry, Class: job.ClassNotSent}, job.Scheduled},
		{"ItFailedForGood", job.Result{Verdict: job.Fail, Class: job.ClassWindowClosed}, job.Dead},
		{"ItDoubtsToo", job.Result{Verdict: job.Doubt, Class: job.ClassAmbiguous}, job.Uncertain},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.add(t, job.New{SubjectID: 4})[0]
			claimed := b.take(t, 1)[0]
			_, dead, err := b.DeclareDead(t.Context(), b.w1, 0)
			require.NoError(t, err)
			require.True(t, dead)
			_, err = b.Orphans(t.Context())
			require.NoError(t, err)
			require.Equal(t, job.Uncertain, b.state(t, id))
			_, err = b.committer(t, b.w1).Finish(t.Context(), claimed, c.result)
			require.NoError(t, err)
			require.Equal(t, c.want, b.state(t, id))
		})
	}
}

// T13: the provider's word, sent or failed, ends the job in history; what it
// means for the message is the store's business.
func TestT13EndsTheJobWhateverTheWord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, job.New{SubjectID: 4})[0]
	claimed := b.take(t, 1)[0]
	_, err := b.committer(t, b.w1).Finish(t.Context(), claimed, job.Result{Verdict: job.Doubt, Class: job.ClassAmbiguous})
	require.NoError(t, err)
	require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		settled, err := b.Settle(t.Context(), tx, []job.Settlement{{ID: id, Epoch: claimed.Epoch}})
		require.Equal(t, []job.Settled{{ID: id, Attempt: 1}}, settled)
		return err
	}))
	require.Equal(t, inHistory, b.state(t, id))
}

// Percentiles and traces are computed from history and events alone: together
// they must hold every attempt, with its own beginning and lane.
func TestHistoryAndEventsHoldEveryAttempt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, job.New{SubjectID: 4})[0]
	com := b.committer(t, b.w1)
	verdicts := []job.Verdict{job.Retry, job.Throttle, job.Retry, job.Succeed}
	for _, v := range verdicts {
		b.exec(t, `UPDATE jobs SET state = 1, ready_at = clock_timestamp() WHERE id = $1 AND state = 0`, id)
		claimed := b.take(t, 1)
		require.Len(t, claimed, 1)
		ok, err := com.Finish(t.Context(), claimed[0], job.Result{Verdict: v, Class: job.ClassTransient})
		require.NoError(t, err)
		require.True(t, ok)
	}
	require.Equal(t, len(verdicts), b.count(t, `
SELECT count(DISTINCT (epoch, started_at)) FROM (
  SELECT epoch, started_at FROM job_events WHERE job_id = $1 AND lane = 2 AND ready_at <= started_at AND started_at <= at
  UNION ALL SELECT run_epoch, started_at FROM job_history WHERE id = $1 AND lane = 2 AND ready_at <= started_at) x`, id))
	require.Equal(t, 3, b.count(t, `SELECT attempt FROM job_history WHERE id = $1`, id), "the throttled one was given back")
}

// A server that answers and takes no writes is not healthy: a readiness check
// that only asks would keep traffic on a demoted primary.
func TestReadOnlyIsNotHealthy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.Healthy(t.Context()))
	b.exec(t, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`)
	b.pool.Reset()
	require.ErrorContains(t, b.Healthy(t.Context()), "read-only")
}

// A crash of the database may undo a hand-out to Redis, whose commit is relaxed,
// and the next one has its epoch again. Where that is the postgres lane's, the old
// copy comes to a job that runs already: started again, it would be sent twice.
func TestCopyOfAnUndoneHandOutStartsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, job.New{SubjectID: 1})
	copied := b.dispatch(t, 1)[0]
	b.exec(t, `UPDATE jobs SET state = 1, epoch = epoch - 1, lane = 0, worker_id = NULL, dispatched_at = NULL WHERE id = $1`, copied.ID)
	taken := b.take(t, 1)[0]
	require.Equal(t, job.Ticket{ID: taken.ID, Epoch: taken.Epoch}, copied, "the same hand-out again")

	com := b.committer(t, b.w1)
	_, ok, err := com.Start(t.Context(), copied)
	require.NoError(t, err)
	require.False(t, ok)
	ok, err = com.Finish(t.Context(), taken, job.Result{Verdict: job.Succeed})
	require.NoError(t, err)
	require.True(t, ok)
}
