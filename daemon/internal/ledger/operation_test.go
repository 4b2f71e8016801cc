package ledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

const slow = 30 * time.Second // a busy machine's

// runner carries out operations until the test ends.
func (b *bundle) runner(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan struct{})
	go func() { b.RunOperations(ctx, func() {}); close(done) }()
	tb.Cleanup(func() { cancel(); <-done })
}

func (b *bundle) plan(tb testing.TB, r operation.Request) operation.Operation {
	tb.Helper()
	r.Actor = "ana"
	o, err := b.PlanOperation(tb.Context(), r)
	require.NoError(tb, err)
	require.Equal(tb, operation.Planned, o.State)
	return o
}

func (b *bundle) commit(tb testing.TB, id int64, terms operation.Terms) {
	tb.Helper()
	o, err := b.CommitOperation(tb.Context(), 0, id, terms)
	require.NoError(tb, err)
	require.Equal(tb, operation.Running, o.State)
}

// ended waits for the end of an operation.
func (b *bundle) ended(tb testing.TB, id int64) (o operation.Operation) {
	tb.Helper()
	require.Eventually(tb, func() bool {
		var err error
		o, err = b.Operation(tb.Context(), 0, id)
		return err == nil && o.State.Ended()
	}, slow, 5*time.Millisecond)
	return o
}

// does plans, commits and waits.
func (b *bundle) does(tb testing.TB, r operation.Request) operation.Operation {
	tb.Helper()
	p := b.plan(tb, r)
	b.commit(tb, p.ID, operation.Terms{})
	return b.ended(tb, p.ID)
}

func (b *bundle) inState(tb testing.TB, s job.State, jobs ...job.New) []int64 {
	tb.Helper()
	got := b.add(tb, jobs...)
	b.exec(tb, `UPDATE jobs SET state = $2 WHERE id = ANY($1)`, got, int16(s))
	return got
}

func several(n int) []job.New { return make([]job.New, n) }

// Each kind takes the states it is for and leaves all others alone.
func TestOperationKinds(t *testing.T) {
	t.Parallel()
	cases := []struct {
		kind operation.Kind
		as   inspect.Resolution
		to   map[job.State]job.State // what becomes of each state it takes
	}{
		{operation.Retry, "", map[job.State]job.State{job.Dead: job.Ready}},
		{operation.Cancel, "", map[job.State]job.State{
			job.Scheduled: inHistory, job.Ready: inHistory, job.Dispatched: inHistory, job.Running: job.Running, job.Held: inHistory,
		}},
		{operation.Discard, "", map[job.State]job.State{job.Dead: inHistory, job.Held: inHistory}},
		{operation.Hold, "", map[job.State]job.State{job.Scheduled: job.Held, job.Ready: job.Held, job.Dispatched: job.Held}},
		{operation.Release, "", map[job.State]job.State{job.Held: job.Ready}},
		{operation.Resolve, inspect.ResolvedSent, map[job.State]job.State{job.Uncertain: inHistory}},
		{operation.Resolve, inspect.ResolvedNotSent, map[job.State]job.State{job.Uncertain: job.Dead}},
		{operation.Resolve, inspect.ResolvedResend, map[job.State]job.State{job.Uncertain: job.Ready}},
	}
	for _, c := range cases {
		t.Run(string(c.kind)+string(c.as), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.runner(t)
			ids := map[job.State]int64{}
			for _, s := range job.States() {
				ids[s] = b.inState(t, s, job.New{SubjectID: int64(s) + 1})[0]
			}
			foreign := b.inState(t, c.kind.Takes()[0], job.New{OrgID: 2})[0]
			o := b.does(t, operation.Request{Kind: c.kind, As: c.as, Filter: inspect.Filter{OrgIDs: []int64{1}}})
			require.Equal(t, operation.Done, o.State)
			require.Equal(t, int64(len(c.to)), o.Matched)
			require.Equal(t, int64(len(c.to)), o.Done, o.Skipped)
			for was, id := range ids {
				want, taken := c.to[was]
				if !taken {
					want = was
				}
				require.Equal(t, want, b.state(t, id), "%s", was)
			}
			require.Equal(t, c.kind.Takes()[0], b.state(t, foreign), "another org's")
		})
	}
}

// Held jobs are fenced at once, and come back where they belong.
func TestHoldAndRelease(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.runner(t)
	later := b.add(t, job.New{RunAt: time.Now().Add(time.Hour)})[0]
	ready := b.add(t, job.New{})[0]
	sent := b.dispatch(t, 1)
	require.Equal(t, ready, sent[0].ID)
	held := b.does(t, operation.Request{Kind: operation.Hold, Filter: inspect.Filter{OrgIDs: []int64{1}}})
	require.Equal(t, int64(2), held.Done)
	_, ok, err := b.committer(t, b.w1).Start(t.Context(), sent[0])
	require.NoError(t, err)
	require.False(t, ok, "its copy is fenced")
	require.Empty(t, b.take(t, 5))
	b.does(t, operation.Request{Kind: operation.Release, Filter: inspect.Filter{OrgIDs: []int64{1}}})
	require.Equal(t, job.Ready, b.state(t, ready))
	require.Equal(t, job.Scheduled, b.state(t, later))
	require.Equal(t, sent[0].Epoch+1, b.take(t, 5)[0].Epoch)
}

// A plan counts what will be done and what will not, and changes nothing.
func TestPlan(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.org(t, 1)
	b.org(t, 2)
	b.inState(t, job.Dead, job.New{SerialKey: 1}, job.New{SerialKey: 1}, job.New{SerialKey: 2}, job.New{OrgID: 2, SerialKey: 3})
	b.inState(t, job.Uncertain, several(2)...)
	o := b.plan(t, operation.Request{Kind: operation.Retry})
	require.Equal(t, int64(4), o.Matched)
	require.Equal(t, []inspect.OrgCount{{Org: "org1", N: 3}, {Org: "org2", N: 1}}, o.Plan.ByOrg)
	require.Equal(t, []operation.Skip{{Reason: "uncertain", N: 2}}, o.Plan.Skipped)
	require.Equal(t, int64(3), *o.Plan.Customers)
	require.Equal(t, 6, b.count(t, `SELECT count(*) FROM jobs WHERE state IN (4, 6)`))

	b.hold(t, 2, 0, 0, "")
	o = b.plan(t, operation.Request{Kind: operation.Retry})
	require.Len(t, o.Plan.Warnings, 1)
	require.Contains(t, o.Plan.Warnings[0], "org2 is held by test")
}

// Jobs named by id must all exist and one of them must fit; what does not is
// told.
func TestPlanOfNamedJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dead, ready := b.inState(t, job.Dead, job.New{})[0], b.add(t, job.New{})[0]
	foreign := b.inState(t, job.Dead, job.New{OrgID: 2})[0]
	named := func(ids ...int64) operation.Request {
		return operation.Request{Kind: operation.Retry, Actor: "ana", Filter: inspect.Filter{IDs: ids, OrgIDs: []int64{1}}}
	}
	o := b.plan(t, named(dead, ready))
	require.Equal(t, int64(1), o.Matched)
	require.Equal(t, []operation.Skip{{Reason: "ready", N: 1}}, o.Plan.Skipped)
	_, err := b.PlanOperation(t.Context(), named(dead, foreign))
	require.Equal(t, inbox.NotFound, inbox.KindOf(err))
	_, err = b.PlanOperation(t.Context(), named(ready))
	require.Equal(t, inbox.Conflict, inbox.KindOf(err))
	many := b.inState(t, job.Dead, several(7000)...)
	require.Equal(t, int64(7000), b.plan(t, named(many...)).Matched)
}

// Only what was chosen, and is still as it was then, is ever touched.
func TestSelectionIsFrozen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dead := b.inState(t, job.Dead, several(4)...)
	o := b.plan(t, operation.Request{Kind: operation.Retry})
	b.inState(t, job.Dead, job.New{}) // too late
	b.exec(t, `UPDATE jobs SET state = 1 WHERE id = $1`, dead[0])
	b.exec(t, `UPDATE jobs SET state = 6, last_error = 'died again' WHERE id = $1`, dead[0])
	b.exec(t, `DELETE FROM jobs WHERE id = $1`, dead[1])
	b.exec(t, `VACUUM FREEZE jobs`) // which is no change
	b.commit(t, o.ID, operation.Terms{})
	b.runner(t)
	o = b.ended(t, o.ID)
	require.Equal(t, int64(2), o.Done)
	require.Equal(t, []operation.Skip{{Reason: "changed", N: 2}}, o.Skipped)
	require.Equal(t, 2, b.count(t, `SELECT count(*) FROM jobs WHERE state = 1`))
	items, err := b.OperationItems(t.Context(), 0, o.ID, new(operation.JobSkipped), 0, 10)
	require.NoError(t, err)
	require.Equal(t, []operation.Item{
		{JobID: dead[0], Result: operation.JobSkipped, Reason: "changed"}, {JobID: dead[1], Result: operation.JobSkipped, Reason: "changed"},
	}, items)
}

// A job that somebody holds gets several chances, and waiting for it holds up
// nobody else's.
func TestLockedJobsComeAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dead := b.inState(t, job.Dead, several(3)...)
	o := b.plan(t, operation.Request{Kind: operation.Retry})
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE`, dead[0])
	require.NoError(t, err)
	b.commit(t, o.ID, operation.Terms{})
	b.runner(t)
	require.Eventually(t, func() bool { return b.count(t, `SELECT count(*) FROM operation_items WHERE result = 0`) == 1 }, slow, time.Millisecond)
	require.NoError(t, tx.Rollback(t.Context()))
	o = b.ended(t, o.ID)
	require.Equal(t, int64(3), o.Done, o.Skipped)
}

// Whoever commits twice by accident gets the same answer; whoever means
// something else, or comes too late, is told.
func TestCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.inState(t, job.Dead, several(3)...)
	request := operation.Request{Kind: operation.Retry, OrgID: 1, Filter: inspect.Filter{OrgIDs: []int64{1}}}
	o := b.plan(t, request)
	conflict := func(id int64, terms operation.Terms, code string) {
		_, err := b.CommitOperation(t.Context(), 0, id, terms)
		require.Equal(t, inbox.Conflict, inbox.KindOf(err), "%v", err)
		require.ErrorContains(t, err, code)
	}
	conflict(o.ID, operation.Terms{Max: new(int64(2))}, "more than the 2")
	_, err := b.CommitOperation(t.Context(), 2, o.ID, operation.Terms{})
	require.Equal(t, inbox.NotFound, inbox.KindOf(err), "another org's")
	b.commit(t, o.ID, operation.Terms{Rate: 5})
	b.commit(t, o.ID, operation.Terms{Rate: 5})
	conflict(o.ID, operation.Terms{Rate: 6}, "other values")

	late := b.plan(t, request)
	b.exec(t, `UPDATE operations SET expires_at = now() WHERE id = $1`, late.ID)
	conflict(late.ID, operation.Terms{}, "expired")
	b.runner(t)
	require.Equal(t, operation.Expired, b.ended(t, late.ID).State)
	conflict(late.ID, operation.Terms{}, "expired")
	require.Equal(t, int64(3), b.ended(t, o.ID).Done)
	require.Eventually(t, func() bool { return b.count(t, `SELECT count(*) FROM operation_chunks`) == 0 }, slow, time.Millisecond, "selections that have served go")
}

// An abort leaves the rest as it is; a plan that is aborted cannot be committed.
func TestAbort(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.runner(t)
	b.inState(t, job.Dead, several(50)...)
	o := b.plan(t, operation.Request{Kind: operation.Retry})
	b.commit(t, o.ID, operation.Terms{Rate: 2})
	require.Eventually(t, func() bool { return b.count(t, `SELECT done FROM operations WHERE id = $1`, o.ID) > 0 }, slow, time.Millisecond)
	_, err := b.AbortOperation(t.Context(), 0, o.ID, "ana", "wrong org")
	require.NoError(t, err)
	o = b.ended(t, o.ID)
	require.Equal(t, operation.Aborted, o.State)
	require.Equal(t, "by ana: wrong org", o.Error)
	require.Less(t, o.Done, int64(50))
	require.Equal(t, int(o.Done), b.count(t, `SELECT count(*) FROM jobs WHERE state = 1`))
	_, err = b.AbortOperation(t.Context(), 0, o.ID, "ana", "")
	require.NoError(t, err, "once more is no fault")

	p := b.plan(t, operation.Request{Kind: operation.Retry})
	_, err = b.AbortOperation(t.Context(), 0, p.ID, "ana", "")
	require.NoError(t, err)
	_, err = b.CommitOperation(t.Context(), 0, p.ID, operation.Terms{})
	require.Equal(t, inbox.Conflict, inbox.KindOf(err))
	done := b.does(t, operation.Request{Kind: operation.Retry})
	_, err = b.AbortOperation(t.Context(), 0, done.ID, "ana", "")
	require.Equal(t, inbox.Conflict, inbox.KindOf(err), "it has ended")
}

// The canary goes first; what comes of it decides.
func TestCanary(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		verdict job.Verdict
		state   operation.State
		done    int64
	}{
		"Good": {job.Succeed, operation.Done, 20},
		"Bad":  {job.Fail, operation.Aborted, 3},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.runner(t)
			b.inState(t, job.Dead, several(20)...)
			o := b.plan(t, operation.Request{Kind: operation.Retry})
			b.commit(t, o.ID, operation.Terms{Canary: 3, AbortIf: new(0.5)})
			var canary []job.Claimed
			require.Eventually(t, func() bool {
				canary = append(canary, b.take(t, 10)...)
				return len(canary) == 3
			}, slow, 5*time.Millisecond)
			require.Equal(t, 17, b.count(t, `SELECT count(*) FROM jobs WHERE state = 6`), "the rest waits")
			commit := b.committer(t, b.w1)
			for _, x := range canary {
				_, err := commit.Finish(t.Context(), x, job.Result{Verdict: c.verdict, Class: job.ClassMedia})
				require.NoError(t, err)
			}
			o = b.ended(t, o.ID)
			require.Equal(t, c.state, o.State, o.Error)
			require.Equal(t, c.done, o.Done)
			require.Eventually(t, func() bool {
				o, _ = b.Operation(t.Context(), 0, o.ID)
				return o.Succeeded+o.FailedAgain == 3
			}, slow, 5*time.Millisecond, "the outcomes are counted")
			require.Equal(t, c.verdict == job.Succeed, o.Succeeded == 3)
		})
	}
}

// Even behind the canary the share of failures is watched.
func TestAbortIfGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.runner(t)
	b.inState(t, job.Dead, several(400)...)
	o := b.plan(t, operation.Request{Kind: operation.Retry})
	b.commit(t, o.ID, operation.Terms{Rate: 40, AbortIf: new(0.2)})
	commit := b.committer(t, b.w1)
	require.Eventually(t, func() bool {
		for _, c := range b.take(t, 50) {
			_, err := commit.Finish(t.Context(), c, job.Result{Verdict: job.Fail, Class: job.ClassMedia})
			require.NoError(t, err)
		}
		o, _ = b.Operation(t.Context(), 0, o.ID)
		return o.State.Ended()
	}, slow, 10*time.Millisecond)
	require.Equal(t, operation.Aborted, o.State)
	require.Less(t, o.Done, int64(400))
	require.Contains(t, o.Error, "jobs failed")
}

// What ended long ago goes, with all that belongs to it.
func TestOldOperationsGo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.inState(t, job.Dead, several(3)...)
	n, err := b.RetryDead(t.Context(), inspect.Filter{}, "ana")
	require.NoError(t, err)
	require.Equal(t, 3, n)
	b.exec(t, `UPDATE operations SET finished_at = now() - interval '31 days'`)
	b.runner(t)
	require.Eventually(t, func() bool {
		return b.count(t, `SELECT (SELECT count(*) FROM operations) + (SELECT count(*) FROM operation_items)`) == 0
	}, slow, 5*time.Millisecond)
}
