package ledger_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

func (b *bundle) undo(tb testing.TB, id int64) operation.Operation {
	tb.Helper()
	return b.does(tb, operation.Request{Kind: operation.Undo, Undo: id})
}

// anyJobs inserts jobs with random columns in random states.
func (b *bundle) anyJobs(tb testing.TB, r *rand.Rand, n int) {
	tb.Helper()
	batch := &pgx.Batch{}
	for i := range n {
		state := r.IntN(7)
		epoch := r.IntN(5) + 1
		batch.Queue(`
INSERT INTO jobs (org_id, user_id, queue, job_type, priority, state, epoch, run_epoch, attempt, max_attempts, throttled, lost, lane, cancel_requested,
                  serial_key, subject_id, channel_id, worker_id, error_class, error_code, last_error, args, created_at, run_at, ready_at,
                  dispatched_at, started_at, deadline_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 5, $10, $11, $12, false, $13, $14, $15, $16, $17, $18, $19, $20,
        now() - $21 * interval '1.0000037 s', now() + $22 * interval '1 h', now() - interval '1 h', now() - interval '7 s', now() - interval '6 s', now() + interval '1 day')`,
			1+r.IntN(3), maybe(r, r.IntN(100)), []int{1, 1, 2, 3, 4}[i%5], []int{1, 2, 1, 3, 4}[i%5], 1+r.IntN(3), state, epoch, epoch-r.IntN(2), r.IntN(5),
			r.IntN(3), r.IntN(3), r.IntN(3), maybe(r, i), maybe(r, i+1000), maybe(r, r.IntN(10)), maybe(r, r.IntN(4)+1), maybe(r, "media"), maybe(r, 131_000+r.IntN(100)),
			maybe(r, `it said "no" ÄÖ`), maybe(r, json.RawMessage(`{"n": 12345678901234567, "x": [null, 1.50]}`)), r.IntN(10_000_000), r.IntN(3)-1)
	}
	require.NoError(tb, b.pool.SendBatch(tb.Context(), batch).Close())
}

func maybe(r *rand.Rand, v any) any {
	if r.IntN(3) == 0 {
		return nil
	}
	return v
}

// rows are the live jobs as they are, but for what an undo may leave: the epoch,
// and that a copy on its way is not brought back.
func (b *bundle) rows(tb testing.TB) map[int64]string {
	tb.Helper()
	rows, err := b.pool.Query(tb.Context(), `
SELECT id, (to_jsonb(j) - 'epoch' || CASE WHEN state = 2 THEN '{"state": 1, "worker_id": null}'::jsonb ELSE '{}' END)::text FROM jobs j`)
	require.NoError(tb, err)
	type row struct {
		ID   int64
		Text string
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	require.NoError(tb, err)
	all := map[int64]string{}
	for _, r := range list {
		all[r.ID] = r.Text
	}
	return all
}

// An undo right after an operation leaves no trace in the jobs, whatever they
// were: every column of every row is as it was, but the epoch.
func TestUndoRestoresEveryColumn(t *testing.T) {
	t.Parallel()
	for _, kind := range []operation.Kind{operation.Retry, operation.Cancel, operation.Discard, operation.Hold, operation.Release} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.runner(t)
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			b.anyJobs(t, rand.New(rand.NewPCG(seed, 1)), 1200)
			before := b.rows(t)
			history := b.count(t, `SELECT count(*) FROM job_history`)
			o := b.does(t, operation.Request{Kind: kind, Filter: inspect.Filter{OrgIDs: []int64{1, 2}}})
			require.Equal(t, o.Matched, o.Done, o.Skipped)
			require.NotEqual(t, before, b.rows(t))
			u := b.undo(t, o.ID)
			require.Equal(t, o.Done, u.Done, u.Skipped)
			require.Equal(t, before, b.rows(t))
			require.Equal(t, history, b.count(t, `SELECT count(*) FROM job_history`))
			again := b.plan(t, operation.Request{Kind: operation.Undo, Undo: o.ID})
			require.Zero(t, again.Matched, "nothing is left to undo")
			o, err := b.Operation(t.Context(), 0, o.ID)
			require.NoError(t, err)
			require.Equal(t, u.ID, o.UndoneBy)
		})
	}
}

// What has run, ended or was changed by somebody else since is not taken back,
// and the plan of the undo says so before.
func TestUndoLeavesAloneWhatWentOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.runner(t)
	b.inState(t, job.Dead, several(5)...)
	o := b.does(t, operation.Request{Kind: operation.Retry})
	ran := b.take(t, 2)
	ok, err := b.committer(t, b.w1).Finish(t.Context(), ran[0], job.Result{Verdict: job.Succeed})
	require.NoError(t, err)
	require.True(t, ok)
	onItsWay := b.dispatch(t, 1)
	p := b.plan(t, operation.Request{Kind: operation.Undo, Undo: o.ID})
	require.Equal(t, int64(3), p.Matched, "a copy on its way has not run")
	require.Equal(t, []operation.Skip{{Reason: "ran", N: 2}}, p.Plan.Skipped)
	late := b.take(t, 1)
	b.commit(t, p.ID, operation.Terms{})
	u := b.ended(t, p.ID)
	require.Equal(t, int64(2), u.Done)
	require.Equal(t, []operation.Skip{{Reason: "ran", N: 1}}, u.Skipped)
	require.Equal(t, job.Running, b.state(t, late[0].ID))
	require.Equal(t, job.Dead, b.state(t, onItsWay[0].ID))
	_, ok, err = b.committer(t, b.w1).Start(t.Context(), onItsWay[0])
	require.NoError(t, err)
	require.False(t, ok, "the copy is fenced")
}

// A message that was sent again by another job must not get its old one back.
func TestUndoOfCancelLeavesMovedMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.runner(t)
	ids := b.add(t, job.New{SubjectID: 1}, job.New{SubjectID: 2})
	o := b.does(t, operation.Request{Kind: operation.Cancel})
	b.effects.mu.Lock()
	b.effects.moved = map[int64]bool{1: true}
	b.effects.mu.Unlock()
	u := b.undo(t, o.ID)
	require.Equal(t, int64(1), u.Done)
	require.Equal(t, inHistory, b.state(t, ids[0]))
	require.Equal(t, job.Ready, b.state(t, ids[1]))
}

// A running job that was asked to stop may go on.
func TestUndoOfCancelOfRunningJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.runner(t)
	b.add(t, several(2)...)
	b.take(t, 1)
	o := b.does(t, operation.Request{Kind: operation.Cancel})
	require.Equal(t, int64(2), o.Done)
	require.Equal(t, int64(2), b.undo(t, o.ID).Done)
	require.Zero(t, b.count(t, `SELECT count(*) FROM jobs WHERE cancel_requested`))
	require.Equal(t, 2, b.count(t, `SELECT count(*) FROM jobs`))
}

// Whoever brings a job back waits for whoever works on its conversation.
func TestUndoHoldsTheConversation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.runner(t)
	b.org(t, 1)
	b.exec(t, `INSERT INTO channels (id, org_id, kind, external_id) VALUES (1, 1, 'whatsapp', '1')`)
	b.exec(t, `INSERT INTO contacts (id, org_id, channel_id, wa_id) VALUES (1, 1, 1, '49')`)
	b.exec(t, `INSERT INTO conversations (id, org_id, channel_id, contact_id, last_message_at) VALUES (7, 1, 1, 1, now())`)
	b.add(t, job.New{SerialKey: 7}, job.New{SerialKey: 8})
	o := b.does(t, operation.Request{Kind: operation.Cancel})
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT 1 FROM conversations WHERE id = 7 FOR UPDATE`)
	require.NoError(t, err)
	p := b.plan(t, operation.Request{Kind: operation.Undo, Undo: o.ID})
	b.commit(t, p.ID, operation.Terms{})
	require.Eventually(t, func() bool { return b.count(t, `SELECT count(*) FROM operation_items WHERE result = 0`) == 1 }, slow, time.Millisecond)
	require.NoError(t, tx.Rollback(t.Context()))
	require.Equal(t, int64(2), b.ended(t, p.ID).Done)
	require.Equal(t, 2, b.count(t, `SELECT count(*) FROM jobs WHERE state = 1`))
}

// What cannot be undone says why.
func TestUndoFaults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fault := func(id int64, kind inbox.Kind) {
		t.Helper()
		_, err := b.PlanOperation(t.Context(), operation.Request{Kind: operation.Undo, Undo: id, OrgID: 1, Actor: "ana"})
		require.Equal(t, kind, inbox.KindOf(err), fmt.Sprint(err))
	}
	fault(99, inbox.NotFound)
	one := inspect.Filter{OrgIDs: []int64{1}}
	b.inState(t, job.Dead, several(2)...)
	p := b.plan(t, operation.Request{Kind: operation.Retry, Filter: one})
	fault(p.ID, inbox.Conflict) // nothing was changed
	b.commit(t, p.ID, operation.Terms{})
	fault(p.ID, inbox.Conflict) // it runs
	foreign := b.plan(t, operation.Request{Kind: operation.Retry, Filter: inspect.Filter{OrgIDs: []int64{2}}})
	fault(foreign.ID, inbox.NotFound)
	b.runner(t)
	b.ended(t, p.ID)
	fault(b.undo(t, p.ID).ID, inbox.Conflict) // an undo
	b.doubt(t, job.New{})
	fault(b.does(t, operation.Request{Kind: operation.Resolve, As: inspect.ResolvedSent, Filter: one}).ID, inbox.Conflict)
}
