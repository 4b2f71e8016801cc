package ledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
)

// The start claim is what keeps a message from being sent twice: whoever asks
// with the right epoch first gets it, the same worker may ask again.
func TestStartClaim(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, job.New{SubjectID: 5, UserID: 9})
	ticket := b.dispatch(t, 1)[0]
	mine, theirs := b.committer(t, b.w1), b.committer(t, b.w2)
	start := func(from *ledger.Committer, tk job.Ticket) (job.Claimed, bool) {
		c, ok, err := from.Start(t.Context(), tk)
		require.NoError(t, err)
		return c, ok
	}

	_, ok := start(mine, job.Ticket{ID: ticket.ID, Epoch: ticket.Epoch + 1})
	require.False(t, ok, "a wrong epoch")
	_, ok = start(mine, job.Ticket{ID: 99999, Epoch: 1})
	require.False(t, ok, "a job that does not exist")
	c, ok := start(mine, ticket)
	require.True(t, ok)
	require.Equal(t, 1, c.Attempt)
	require.Equal(t, int64(5), c.SubjectID)
	require.Equal(t, job.LaneRedis, c.Lane)
	_, ok = start(theirs, ticket)
	require.False(t, ok, "another worker, the same copy")
	again, ok := start(mine, ticket)
	require.True(t, ok, "the same worker after a lost answer")
	require.Equal(t, 1, again.Attempt, "counted once")
}

// A recalled copy is stale the moment the recall commits.
func TestRecallFencesTheCopy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, job.New{})[0]
	old := b.dispatch(t, 1)
	n, err := b.Recall(t.Context(), "test", old)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	fresh := b.dispatch(t, 1)[0]
	require.Equal(t, old[0].Epoch+1, fresh.Epoch)
	c := b.committer(t, b.w1)
	_, ok, err := c.Start(t.Context(), old[0])
	require.NoError(t, err)
	require.False(t, ok)
	_, ok, err = c.Start(t.Context(), fresh)
	require.NoError(t, err)
	require.True(t, ok)
	n, err = b.Recall(t.Context(), "test", []job.Ticket{fresh})
	require.NoError(t, err)
	require.Zero(t, n, "running jobs are not recalled")
	require.Equal(t, job.Running, b.state(t, id))
}

func TestFinish(t *testing.T) {
	t.Parallel()
	sent := &job.MessageEffect{Status: inbox.Accepted, ProviderID: "wamid.x"}
	cases := []struct {
		name    string
		result  job.Result
		given   string // SQL on the job before the finish
		typ     job.Type
		want    job.State
		attempt int
		events  int
		status  []inbox.MessageStatus
	}{
		{"Done", job.Result{Verdict: job.Succeed, Message: sent}, "", 0, inHistory, 1, 0, []inbox.MessageStatus{inbox.Accepted}},
		{"Transient", job.Result{Verdict: job.Retry, Class: job.ClassTransient}, "", 0, job.Scheduled, 1, 1, []inbox.MessageStatus{inbox.Queued}},
		{"Throttled", job.Result{Verdict: job.Throttle, Class: job.ClassThrottlePair}, "", 0, job.Scheduled, 0, 1, []inbox.MessageStatus{inbox.Queued}},
		{"Permanent", job.Result{Verdict: job.Fail, Class: job.ClassWindowClosed}, "", 0, job.Dead, 1, 1, []inbox.MessageStatus{inbox.Failed}},
		{"Doubt", job.Result{Verdict: job.Doubt, Class: job.ClassAmbiguous}, "", 0, job.Uncertain, 1, 1, []inbox.MessageStatus{inbox.Uncertain}},
		{"DoubtWithoutOutsideEffect", job.Result{Verdict: job.Doubt, Class: job.ClassAmbiguous}, "", job.RefreshToken, job.Scheduled, 1, 1, nil},
		{"NotBegun", job.Result{Verdict: job.Release}, "", 0, job.Ready, 0, 0, []inbox.MessageStatus{inbox.Queued}},
		{"LateSuccessBeatsUncertain", job.Result{Verdict: job.Succeed, Message: sent}, "UPDATE jobs SET state = 4 WHERE id = $1", 0, inHistory, 1, 0, []inbox.MessageStatus{inbox.Accepted}},
		{"LateSuccessBeatsReady", job.Result{Verdict: job.Succeed, Message: sent}, "UPDATE jobs SET state = 1 WHERE id = $1", 0, inHistory, 1, 0, []inbox.MessageStatus{inbox.Accepted}},
		{"LateFailureSettlesUncertain", job.Result{Verdict: job.Retry, Class: job.ClassNotSent}, "UPDATE jobs SET state = 4 WHERE id = $1", 0, job.Scheduled, 1, 1, []inbox.MessageStatus{inbox.Queued}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.add(t, job.New{SubjectID: 4, Type: c.typ})[0]
			pick := all(1)
			if c.typ != 0 {
				pick.Type = c.typ
			}
			got, err := b.Take(t.Context(), pick, b.w1)
			require.NoError(t, err)
			if c.given != "" {
				b.exec(t, c.given, id)
			}
			com := b.committer(t, b.w1)
			ok, err := com.Finish(t.Context(), got[0], c.result)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, c.want, b.state(t, id))
			require.Equal(t, c.attempt, b.count(t, `SELECT coalesce((SELECT attempt FROM jobs WHERE id = $1), (SELECT attempt FROM job_history WHERE id = $1))`, id))
			require.Equal(t, c.events, b.count(t, `SELECT count(*) FROM job_events WHERE job_id = $1`, id))
			var statuses []inbox.MessageStatus
			for _, e := range b.effects.of(id) {
				statuses = append(statuses, e.Status)
			}
			require.Equal(t, c.status, statuses)
			ok, err = com.Finish(t.Context(), got[0], c.result)
			require.NoError(t, err)
			if c.want != inHistory && c.want != job.Uncertain {
				require.False(t, ok, "a repeat changes nothing")
			}
			require.Equal(t, c.events, b.count(t, `SELECT count(*) FROM job_events WHERE job_id = $1`, id), "a repeat writes no second event")
		})
	}
}

// The result of an older claim must not land on a newer one.
func TestFinishOfAnOlderClaimIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, job.New{})[0]
	old := b.take(t, 1)[0]
	b.exec(t, "UPDATE jobs SET state = 1 WHERE id = $1", id)
	require.Len(t, b.take(t, 1), 1)
	ok, err := b.committer(t, b.w1).Finish(t.Context(), old, job.Result{Verdict: job.Succeed})
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, job.Running, b.state(t, id))
}

// Attempts end: the last failure is a death, and a death past the deadline
// says so.
func TestAttemptsAndDeadlineEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, job.New{Attempt: 4})[0]
	late := b.add(t, job.New{Deadline: time.Now().Add(50 * time.Millisecond)})[0]
	com := b.committer(t, b.w1)
	for _, c := range b.take(t, 2) {
		_, err := com.Finish(t.Context(), c, job.Result{Verdict: job.Retry, Class: job.ClassTransient})
		require.NoError(t, err)
	}
	require.Equal(t, job.Dead, b.state(t, id))
	require.Equal(t, job.Dead, b.state(t, late))
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM jobs WHERE id = $1 AND error_class = 'deadline'`, late))
}

// Throttles in a row wait longer and longer; being recalled in between (any
// number of harmless suspicions) does not count as one.
func TestThrottlesBackOffByThemselves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, job.New{})[0]
	com := b.committer(t, b.w1)
	for range 6 {
		_, err := b.Recall(t.Context(), "test", b.dispatch(t, 1))
		require.NoError(t, err)
	}
	for i := range 4 {
		c := b.take(t, 1)[0]
		require.Equal(t, i, c.Throttled)
		require.Equal(t, 1, c.Attempt, "a throttle costs no attempt")
		_, err := com.Finish(t.Context(), c, job.Result{Verdict: job.Throttle, Class: job.ClassThrottlePair})
		require.NoError(t, err)
		least := time.Second << (2 * i) // 4^n seconds, n = 0, 1, 2 ...
		var delay time.Duration
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT run_at - clock_timestamp() FROM jobs WHERE id = $1`, id).Scan(&delay))
		require.InDelta(t, (least + time.Second/2).Seconds(), delay.Seconds(), 1)
		b.exec(t, `UPDATE jobs SET state = 1 WHERE id = $1`, id)
	}
	c := b.take(t, 1)[0]
	_, err := com.Finish(t.Context(), c, job.Result{Verdict: job.Retry, Class: job.ClassTransient})
	require.NoError(t, err)
	require.Zero(t, b.count(t, `SELECT throttled FROM jobs WHERE id = $1`, id), "another failure ends the row")
}

// A row that an operator's transaction holds delays only itself.
func TestLockedRowDelaysOnlyItself(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, job.New{}, job.New{}, job.New{})
	got := b.take(t, 3)
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE`, got[0].ID)
	require.NoError(t, err)
	com := b.committer(t, b.w1)
	blocked := make(chan error, 1)
	go func() {
		_, err := com.Finish(context.WithoutCancel(t.Context()), got[0], job.Result{Verdict: job.Succeed})
		blocked <- err
	}()
	for _, c := range got[1:] {
		ok, err := com.Finish(t.Context(), c, job.Result{Verdict: job.Succeed})
		require.NoError(t, err)
		require.True(t, ok)
	}
	select {
	case err := <-blocked:
		t.Fatalf("the locked row was written: %v", err)
	default:
	}
	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, <-blocked)
	require.Equal(t, inHistory, b.state(t, got[0].ID))
}

// One outcome that cannot be stored must not take its neighbours with it, and
// is itself stored without what the provider sent.
func TestPoisonousOutcomeFailsAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, job.New{SubjectID: 1}, job.New{SubjectID: 2}, job.New{SubjectID: 3})
	got := b.take(t, 3)
	b.effects.mu.Lock()
	b.effects.sql, b.effects.only = "SELECT 1/0", got[1].ID
	b.effects.mu.Unlock()
	com := b.NewCommitter(b.w1)
	results := make(chan error, len(got))
	for _, c := range got { // queued before the committer runs: one batch
		go func() {
			_, err := com.Finish(context.WithoutCancel(t.Context()), c, job.Result{
				Verdict: job.Succeed, Message: &job.MessageEffect{Status: inbox.Accepted, ProviderID: "wamid.y"},
			})
			results <- err
		}()
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { com.Run(ctx); close(done) }()
	for range got {
		require.NoError(t, <-results)
	}
	cancel()
	<-done
	for _, c := range got {
		require.Equal(t, inHistory, b.state(t, c.ID))
	}
}

// Text from outside never breaks a commit: NUL and bad UTF-8 are made storable.
func TestHostileErrorText(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, job.New{})[0]
	c := b.take(t, 1)[0]
	_, err := b.committer(t, b.w1).Finish(t.Context(), c, job.Result{Verdict: job.Fail, Class: job.ClassUnknown, Detail: "a\x00b\xff" + string(make([]byte, 4000))})
	require.NoError(t, err)
	var text string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT last_error FROM jobs WHERE id = $1`, id).Scan(&text))
	require.Equal(t, "ab\uFFFD", text)
}
