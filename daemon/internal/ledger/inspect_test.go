package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// withOrgs adds acme (1) with dana (1) and globex (2).
func (b *bundle) withOrgs(tb testing.TB) {
	tb.Helper()
	b.exec(tb, `INSERT INTO orgs (id, name) VALUES (1, 'acme'), (2, 'globex')`)
	b.exec(tb, `INSERT INTO users (id, org_id, name) VALUES (1, 1, 'dana')`)
}

// kill makes jobs dead, as a permanent failure of their first attempt would.
func (b *bundle) kill(tb testing.TB, class job.Class, ids ...int64) {
	tb.Helper()
	b.exec(tb, `
UPDATE jobs SET state = 6, epoch = 1, run_epoch = 1, attempt = 1, lane = 2, worker_id = $3, error_class = $2, error_code = 131026,
       last_error = 'not on WhatsApp', started_at = clock_timestamp() WHERE id = ANY($1)`, ids, string(class), b.w1)
	b.exec(tb, `
INSERT INTO job_events (job_id, org_id, queue, job_type, kind, epoch, attempt, lane, worker_id, error_class, error_code, error_text, ready_at, started_at)
SELECT id, org_id, queue, job_type, 2, run_epoch, attempt, lane, worker_id, error_class, error_code, last_error, ready_at, started_at
FROM jobs WHERE id = ANY($1)`, ids)
}

// finish moves jobs to history, as if their only attempt had waited 10 ms and
// run for 20 ms.
func (b *bundle) finish(tb testing.TB, outcome job.Outcome, ids ...int64) {
	tb.Helper()
	b.exec(tb, `
WITH d AS (DELETE FROM jobs WHERE id = ANY($1) RETURNING *)
INSERT INTO job_history (id, org_id, user_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, serial_key, subject_id,
                         worker_id, created_at, ready_at, started_at, finished_at)
SELECT id, org_id, user_id, queue, job_type, priority, $2, 1, 1, 1, serial_key, subject_id, $3,
       clock_timestamp() - interval '30 ms', clock_timestamp() - interval '30 ms', clock_timestamp() - interval '20 ms', clock_timestamp()
FROM d`, ids, int16(outcome), b.w1)
}

func jobIDs(jobs []inspect.Job) (ids []int64) {
	for _, j := range jobs {
		ids = append(ids, j.ID)
	}
	return ids
}

// The operator must be able to find a job by anything known about it.
func TestJobListSelects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.withOrgs(t)
	n := b.add(t,
		job.New{UserID: 1, SerialKey: 7, SubjectID: 70},                                        // 0: ready
		job.New{OrgID: 2, Queue: job.Instagram, RunAt: time.Now().Add(time.Hour)},              // 1: scheduled
		job.New{OrgID: 2, Queue: job.TokenRefresh, Type: job.RefreshToken, Priority: job.Bulk}, // 2: ready
		job.New{}, // 3: dead
		job.New{}, // 4: done
		job.New{}, // 5: cancelled
		job.New{}, // 6: retrying
	)
	b.kill(t, job.ClassRecipientUnreachable, n[3])
	b.finish(t, job.Done, n[4])
	b.finish(t, job.Cancelled, n[5])
	b.exec(t, `UPDATE jobs SET state = 0, attempt = 1 WHERE id = $1`, n[6])
	b.exec(t, `UPDATE jobs SET created_at = clock_timestamp() - interval '2 hours' WHERE id = $1`, n[0])

	hourAgo := time.Now().Add(-time.Hour)
	for name, c := range map[string]struct {
		filter inspect.Filter
		want   []int64
	}{
		"Everything":   {inspect.Filter{}, []int64{n[6], n[3], n[2], n[1], n[0]}},
		"Org":          {inspect.Filter{OrgIDs: []int64{2}}, []int64{n[2], n[1]}},
		"User":         {inspect.Filter{UserIDs: []int64{1}}, []int64{n[0]}},
		"Queue":        {inspect.Filter{Queues: []job.Queue{job.Instagram, job.TokenRefresh}}, []int64{n[2], n[1]}},
		"Type":         {inspect.Filter{Types: []job.Type{job.RefreshToken}}, []int64{n[2]}},
		"State":        {inspect.Filter{States: []job.State{job.Scheduled}}, []int64{n[6], n[1]}},
		"Retrying":     {inspect.Filter{Retrying: true}, []int64{n[6]}},
		"RetryingDead": {inspect.Filter{Retrying: true, States: []job.State{job.Dead}}, []int64{n[6], n[3]}},
		"Class":        {inspect.Filter{Classes: []job.Class{job.ClassRecipientUnreachable}}, []int64{n[3]}},
		"Done":         {inspect.Filter{Outcomes: []job.Outcome{job.Done}}, []int64{n[4]}},
		"DoneAndDead":  {inspect.Filter{Outcomes: []job.Outcome{job.Done}, States: []job.State{job.Dead}}, []int64{n[4], n[3]}},
		"Since":        {inspect.Filter{Since: hourAgo, OrgIDs: []int64{1}}, []int64{n[6], n[3]}},
		"Until":        {inspect.Filter{Until: hourAgo}, []int64{n[0]}},
		"OlderThan":    {inspect.Filter{OlderThan: time.Hour}, []int64{n[0]}},
		"IDsAnywhere":  {inspect.Filter{IDs: []int64{n[5], n[0], 999}}, []int64{n[5], n[0]}},
		"Page":         {inspect.Filter{Before: n[3], Limit: 2}, []int64{n[2], n[1]}},
		"Nothing":      {inspect.Filter{OrgIDs: []int64{99}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := b.JobList(t.Context(), c.filter)
			require.NoError(t, err)
			require.Equal(t, c.want, jobIDs(got))
			if c.filter.Limit > 0 {
				return
			}
			back := slices.Clone(c.want)
			slices.Reverse(back)
			c.filter.Oldest = true
			got, err = b.JobList(t.Context(), c.filter)
			require.NoError(t, err)
			require.Equal(t, back, jobIDs(got), "oldest first")
			for c.filter.Limit = 1; len(back) > 0; back = back[1:] {
				got, err = b.JobList(t.Context(), c.filter)
				require.NoError(t, err)
				require.Equal(t, back[:1], jobIDs(got), "page by page")
				c.filter.After = back[0]
			}
		})
	}

	all, err := b.JobList(t.Context(), inspect.Filter{IDs: n[:1]})
	require.NoError(t, err)
	j := all[0]
	require.Equal(t, []any{"acme", "dana", "ready", int64(7), int64(70), 5}, []any{j.Org, j.User, j.Word(), j.SerialKey, j.SubjectID, *j.MaxAttempts})
}

// A list of orgs tells who is in trouble by this alone: each job counts once, for
// its own org, and the age is that of the oldest.
func TestOrgLoads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.withOrgs(t)
	n := b.add(t,
		job.New{}, job.New{}, job.New{Queue: job.Instagram}, job.New{}, job.New{}, job.New{}, job.New{RunAt: time.Now().Add(time.Hour)},
		job.New{OrgID: 2}, job.New{OrgID: 2},
	)
	b.exec(t, `UPDATE jobs SET ready_at = clock_timestamp() - interval '2 hours' WHERE id = $1`, n[0])
	b.kill(t, job.ClassMedia, n[3], n[7])
	b.exec(t, `UPDATE jobs SET state = 4, epoch = 1, run_epoch = 1 WHERE id = $1`, n[4])
	b.exec(t, `UPDATE jobs SET state = 3, epoch = 1, run_epoch = 1, worker_id = $2, started_at = clock_timestamp() WHERE id = $1`, n[5], b.w1)

	type load struct {
		org   int64
		queue job.Queue
		state job.State
		n     int64
	}
	want := []load{
		{1, job.WhatsApp, job.Ready, 2},
		{1, job.Instagram, job.Ready, 1},
		{1, 0, job.Running, 1},
		{1, 0, job.Uncertain, 1},
		{1, 0, job.Dead, 1},
		{2, job.WhatsApp, job.Ready, 1},
		{2, 0, job.Dead, 1},
	}
	for orgID, want := range map[int64][]load{0: want, 1: want[:5], 2: want[5:], 3: nil} {
		loads, err := b.OrgLoads(t.Context(), orgID)
		require.NoError(t, err)
		var got []load
		for _, x := range loads {
			got = append(got, load{x.OrgID, x.Queue, x.State, x.N})
			require.Equal(t, x.State == job.Ready, x.Oldest != nil)
			if x.OrgID == 1 && x.Queue == job.WhatsApp {
				require.InDelta(t, 2*time.Hour, *x.Oldest, float64(10*time.Minute))
			}
		}
		require.ElementsMatch(t, want, got)
	}
}

// Whoever looks at one job sees every attempt once, whatever became of it.
func TestJobShowsAttempts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.withOrgs(t)
	n := b.add(t, job.New{}, job.New{}, job.New{}, job.New{})
	b.kill(t, job.ClassMedia, n[0])
	b.finish(t, job.Done, n[1])
	b.kill(t, job.ClassMedia, n[2])
	b.finish(t, job.Discarded, n[2])
	b.exec(t, `UPDATE jobs SET state = 3, epoch = 1, run_epoch = 1, attempt = 1, lane = 1, worker_id = $2, started_at = clock_timestamp() WHERE id = $1`, n[3], b.w2)

	for i, want := range [][]string{{"dead"}, {"done"}, {"dead"}, {"running"}} {
		d, err := b.Job(t.Context(), 0, n[i])
		require.NoError(t, err)
		var got []string
		for _, a := range d.Attempts {
			got = append(got, a.Outcome)
			require.Equal(t, "h", a.Host)
			require.NotNil(t, a.StartedAt)
		}
		require.Equal(t, want, got, "job %d", i)
	}
	d, err := b.Job(t.Context(), 1, n[0])
	require.NoError(t, err)
	require.Equal(t, job.ClassMedia, d.Attempts[0].Class)
	require.Equal(t, 131026, *d.Attempts[0].ErrorCode)

	_, err = b.Job(t.Context(), 2, n[0])
	require.Equal(t, inbox.NotFound, inbox.KindOf(err), "another org's job does not exist")
	_, err = b.Job(t.Context(), 0, 999)
	require.Equal(t, inbox.NotFound, inbox.KindOf(err))
}

// The figures an operator decides by must be the ledger's own.
func TestQueueSummary(t *testing.T) {
	t.Parallel()
	b := setup(t)
	empty, err := b.QueueSummary(t.Context(), 0)
	require.NoError(t, err)
	require.Len(t, empty, 5)
	require.Nil(t, empty[0].OldestReady)

	n := b.add(t, job.New{}, job.New{}, job.New{}, job.New{OrgID: 2}, job.New{RunAt: time.Now().Add(time.Hour)}, job.New{}, job.New{})
	b.kill(t, job.ClassMedia, n[1])
	b.finish(t, job.Done, n[2])
	b.exec(t, `UPDATE jobs SET ready_at = clock_timestamp() - interval '90 s' WHERE id = $1`, n[0])
	b.exec(t, `UPDATE jobs SET state = 0, attempt = 2 WHERE id = $1`, n[5])
	b.exec(t, `UPDATE jobs SET state = 4 WHERE id = $1`, n[6])

	all, err := b.QueueSummary(t.Context(), 0)
	require.NoError(t, err)
	q := all[0]
	require.Equal(t, job.WhatsApp, q.Queue)
	want := map[job.State]int64{job.Ready: 2, job.Dead: 1, job.Scheduled: 2, job.Uncertain: 1}
	require.Empty(t, cmp.Diff(want, q.Counts))
	require.Equal(t, int64(1), q.Retrying)
	require.InDelta(t, 90, q.OldestReady.Seconds(), 5)
	require.InDelta(t, 7.0/60, *q.InPerS, 0.001)
	require.InDelta(t, 1.0/60, *q.DonePerS, 0.001)

	foreign, err := b.QueueSummary(t.Context(), 2)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(map[job.State]int64{job.Ready: 1}, foreign[0].Counts))
}

// A process that was declared dead is gone from the list at once.
func TestProcesses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(t, `UPDATE workers SET dead_at = now() WHERE id = $1`, b.w1)
	all, err := b.Processes(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, []any{b.w2, "h", 1, "worker", "test", 8}, []any{all[0].ID, all[0].Host, all[0].PID, all[0].Mode, all[0].Version, all[0].Slots})
	require.Less(t, all[0].BeatAge, time.Minute)
}

// A retry revives exactly the dead jobs that were chosen, once each, and tells
// the store; an uncertain job is never touched.
func TestRetryDead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.withOrgs(t)
	const many = 620 // more than one chunk
	jobs := make([]job.New, many)
	for i := range jobs {
		jobs[i] = job.New{SubjectID: int64(i + 1)}
	}
	n := b.add(t, jobs...)
	others := b.add(t, job.New{OrgID: 2}, job.New{}, job.New{})
	b.kill(t, job.ClassTransient, n...)
	b.kill(t, job.ClassTransient, others[0])
	b.kill(t, job.ClassMedia, others[1])
	b.exec(t, `UPDATE jobs SET state = 4, error_class = 'transient' WHERE id = $1`, others[2])
	b.exec(t, `UPDATE jobs SET deadline_at = clock_timestamp() - interval '1 h' WHERE id = $1`, n[0])
	f := inspect.Filter{OrgIDs: []int64{1}, Classes: []job.Class{job.ClassTransient}}

	counts, err := b.DeadByOrg(t.Context(), f)
	require.NoError(t, err)
	require.Equal(t, []inspect.OrgCount{{Org: "acme", N: many}}, counts)

	got, err := b.RetryDead(t.Context(), f, "ana")
	require.NoError(t, err)
	require.Equal(t, many, got)
	require.Equal(t, many, b.count(t, `
SELECT count(*) FROM jobs WHERE id = ANY($1) AND state = 1 AND priority = 3 AND attempt = 0 AND epoch = 1 AND run_epoch = 1 AND error_class IS NULL
   AND last_error IS NULL AND worker_id IS NULL AND ready_at > clock_timestamp() - interval '1 min' AND deadline_at > clock_timestamp()`, n))
	require.Equal(t, []job.State{job.Dead, job.Dead, job.Uncertain}, []job.State{b.state(t, others[0]), b.state(t, others[1]), b.state(t, others[2])})
	require.Equal(t, []job.Effect{{JobID: n[0], Epoch: 1, MessageID: 1, Status: inbox.Queued}}, b.effects.of(n[0]))

	again, err := b.RetryDead(t.Context(), f, "ana")
	require.NoError(t, err)
	require.Zero(t, again)

	one, err := b.RetryDead(t.Context(), inspect.Filter{IDs: others[1:2]}, "ana")
	require.NoError(t, err)
	require.Equal(t, 1, one)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM jobs WHERE id = $1 AND priority = 1`, others[1]), "named by id it keeps its place")

	uncertain, err := b.RetryDead(t.Context(), inspect.Filter{IDs: others[2:]}, "ana")
	require.NoError(t, err)
	require.Zero(t, uncertain)
}

// Somebody's open transaction must not hold up an operator's retry.
func TestRetryDeadSkipsLockedRows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.add(t, job.New{}, job.New{}, job.New{})
	b.kill(t, job.ClassTransient, n...)
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT id FROM jobs WHERE id = $1 FOR UPDATE`, n[1])
	require.NoError(t, err)

	got, err := b.RetryDead(t.Context(), inspect.Filter{}, "ana")
	require.NoError(t, err)
	require.NoError(t, tx.Rollback(t.Context()))
	require.Equal(t, 2, got)
	require.Equal(t, "[ready dead ready]", fmt.Sprint([]job.State{b.state(t, n[0]), b.state(t, n[1]), b.state(t, n[2])}))
}
