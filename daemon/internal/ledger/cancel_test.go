package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// takeQuietly is take for goroutines.
func (b *bundle) takeQuietly(n int) []job.Claimed {
	got, err := b.Take(b.ctx, all(n), b.w1)
	if err != nil {
		return nil
	}
	return got
}

// doubt makes a job uncertain, as an answer that got lost does.
func (b *bundle) doubt(tb testing.TB, n job.New) job.Claimed {
	tb.Helper()
	id := b.add(tb, n)[0]
	var claimed job.Claimed
	for _, c := range b.take(tb, 10) {
		if c.ID == id {
			claimed = c
		}
	}
	ok, err := b.committer(tb, b.w1).Finish(tb.Context(), claimed, job.Result{Verdict: job.Doubt, Class: job.ClassAmbiguous})
	require.NoError(tb, err)
	require.True(tb, ok)
	require.Equal(tb, job.Uncertain, b.state(tb, id))
	return claimed
}

// Acknowledged means it will not run: whatever has not begun is final at once,
// its copy in Redis is fenced, its message has failed. Uncertain and dead jobs
// are never touched.
func TestDesign3CancelLeavesDoubtAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	uncertain := b.doubt(t, job.New{SubjectID: 1})
	dispatched := b.add(t, job.New{SubjectID: 2})[0]
	copies := b.dispatch(t, 1)
	ready, later := b.add(t, job.New{SubjectID: 3})[0], b.add(t, job.New{SubjectID: 4, RunAt: time.Now().Add(time.Hour)})[0]
	dead := b.add(t, job.New{SubjectID: 5})[0]
	b.exec(t, `UPDATE jobs SET state = 6 WHERE id = $1`, dead)
	counts, err := b.CountCancellable(t.Context(), inspect.Filter{OrgIDs: []int64{1}})
	require.NoError(t, err)
	require.Equal(t, int64(3), counts[0].N)

	cancelled, asked, err := b.Cancel(t.Context(), inspect.Filter{OrgIDs: []int64{1}}, "ana")
	require.NoError(t, err)
	require.Equal(t, [2]int{3, 0}, [2]int{cancelled, asked})
	for _, id := range []int64{dispatched, ready, later} {
		require.Equal(t, inHistory, b.state(t, id))
		require.Equal(t, 1, b.count(t, `SELECT count(*) FROM job_history WHERE id = $1 AND outcome = 2 AND last_error = 'by ana'`, id))
		require.Equal(t, inbox.Failed, b.effects.of(id)[0].Status)
	}
	require.Equal(t, job.Uncertain, b.state(t, uncertain.ID))
	require.Equal(t, job.Dead, b.state(t, dead))
	_, ok, err := b.committer(t, b.w1).Start(t.Context(), copies[0])
	require.NoError(t, err)
	require.False(t, ok)
}

// A running job is asked to stop; what comes of it is what is true. If it would
// only be tried again it ends instead, and is handed to nobody meanwhile.
func TestCancelOfRunningJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, job.New{}, job.New{}, job.New{})
	running := b.take(t, 3)
	require.Len(t, running, 3)
	cancelled, asked, err := b.Cancel(t.Context(), inspect.Filter{IDs: ids(running)}, "ana")
	require.NoError(t, err)
	require.Equal(t, [2]int{0, 3}, [2]int{cancelled, asked})
	wanted, err := b.CancelRequests(t.Context(), b.w1)
	require.NoError(t, err)
	require.Len(t, wanted, 3)
	c := b.committer(t, b.w1)
	for i, v := range []job.Verdict{job.Succeed, job.Retry, job.Release} {
		ok, err := c.Finish(t.Context(), running[i], job.Result{Verdict: v, Class: job.ClassTransient})
		require.NoError(t, err)
		require.True(t, ok)
	}
	require.Empty(t, b.take(t, 3), "asked to stop: nobody gets it")
	require.NoError(t, b.SweepCancelled(t.Context()))
	for i, outcome := range []job.Outcome{job.Done, job.Cancelled, job.Cancelled} {
		require.Equal(t, 1, b.count(t, `SELECT count(*) FROM job_history WHERE id = $1 AND outcome = $2`, running[i].ID, int(outcome)))
	}
}

// An operator settles doubt, and only doubt, in three ways; each says in the
// events who did it.
func TestResolve(t *testing.T) {
	t.Parallel()
	cases := map[inspect.Resolution]struct {
		state  job.State
		status inbox.MessageStatus
	}{
		inspect.ResolvedSent:    {inHistory, inbox.Sent},
		inspect.ResolvedNotSent: {job.Dead, inbox.Failed},
		inspect.ResolvedResend:  {job.Ready, inbox.Queued},
	}
	for how, want := range cases {
		t.Run(string(how), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			c := b.doubt(t, job.New{SubjectID: 9})
			_, err := b.Resolve(t.Context(), 2, c.ID, how, "ana")
			require.Equal(t, inbox.NotFound, inbox.KindOf(err), "another org's")
			state, err := b.Resolve(t.Context(), 1, c.ID, how, "ana")
			require.NoError(t, err)
			require.Equal(t, how.State(), state)
			require.Equal(t, want.state, b.state(t, c.ID))
			effects := b.effects.of(c.ID)
			require.Equal(t, want.status, effects[len(effects)-1].Status)
			require.Equal(t, 1, b.count(t, `SELECT count(*) FROM job_events WHERE job_id = $1 AND kind = 4 AND error_text = 'by ana'`, c.ID))
			_, err = b.Resolve(t.Context(), 1, c.ID, how, "ana")
			require.Equal(t, inbox.Conflict, inbox.KindOf(err))
			d, err := b.Job(t.Context(), 1, c.ID)
			require.NoError(t, err)
			require.Len(t, d.Attempts, 1, "a word of an operator is no attempt")
		})
	}
}

// Resend hands out a new epoch; the old attempt's word comes too late then.
func TestResendIsANewAttempt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.doubt(t, job.New{SubjectID: 9})
	_, err := b.Resolve(t.Context(), 0, c.ID, inspect.ResolvedResend, "ana")
	require.NoError(t, err)
	again := b.take(t, 1)[0]
	require.Equal(t, c.Epoch+1, again.Epoch)
	ok, err := b.committer(t, b.w2).Finish(t.Context(), c, job.Result{Verdict: job.Succeed})
	require.NoError(t, err)
	require.False(t, ok)
}

// What pacing does not let go yet is put back before it began: ready for a
// number, scheduled for a pair, no attempt counted, and nobody else's.
func TestDefer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, job.New{SerialKey: 1}, job.New{SerialKey: 2}, job.New{SerialKey: 3}, job.New{SerialKey: 2})
	sent := b.dispatch(t, 1)
	taken := b.take(t, 2)
	require.Len(t, taken, 2)
	require.NoError(t, b.Defer(t.Context(), []job.Deferral{
		{Ticket: sent[0]},
		{Ticket: job.Ticket{ID: taken[0].ID, Epoch: taken[0].Epoch}, After: time.Minute},
		{Ticket: job.Ticket{ID: taken[1].ID, Epoch: taken[1].Epoch + 1}},
	}, b.w1))
	require.Equal(t, job.Ready, b.state(t, sent[0].ID))
	require.Equal(t, job.Scheduled, b.state(t, taken[0].ID))
	require.Equal(t, job.Running, b.state(t, taken[1].ID), "another epoch's")
	require.NoError(t, b.Defer(t.Context(), []job.Deferral{{Ticket: job.Ticket{ID: taken[1].ID, Epoch: taken[1].Epoch}}}, b.w2))
	require.Equal(t, job.Running, b.state(t, taken[1].ID), "another worker's")
	require.Equal(t, 1, b.count(t, `SELECT sum(attempt) FROM jobs`))
	require.Equal(t, []int64{sent[0].ID}, ids(b.take(t, 5)), "what follows the paced message in its conversation waits")
}
