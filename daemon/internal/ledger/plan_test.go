package ledger_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// What the engine reads may depend on the work at hand, not on what lies in the
// tables: plans made while they were empty, and never analysed, must hold when
// there are 20,000 dead jobs and as much history.
func TestReadsDoNotGrowWithTheTables(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pool, err := store.Open(ctx, store.PoolOptions{DSN: stacktest.Database(t, store.Migrate), MaxConns: 1, Hot: true, Lookups: true}) // as the engine has it; one connection keeps its plans
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	b := &bundle{pool: pool, effects: &recordedEffects{}}
	b.Ledger, err = ledger.New(ledger.Options{Pool: pool, Effects: b.effects, Logger: discard()})
	require.NoError(t, err)
	b.w1 = b.register(t)
	for _, table := range []string{"jobs", "job_history_default", "workers"} {
		b.exec(t, `ALTER TABLE `+table+` SET (autovacuum_enabled = false)`)
	}
	commit := b.committer(t, b.w1)
	small := max(b.workload(t, commit), b.workload(t, commit))
	b.exec(t, `
INSERT INTO jobs (id, org_id, queue, job_type, priority, state, max_attempts, deadline_at, serial_key, run_at)
SELECT -n, 1 + n % 50, 1, 1, 1, CASE n % 2 WHEN 0 THEN 6 ELSE 0 END, 5, now(), -n, now() + interval '1 day' FROM generate_series(1, 20000) n`)
	b.exec(t, `
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at)
SELECT -n, 1, 1, 1, 1, 1, 1, 1, 1, now() FROM generate_series(1, 20000) n`)
	large := b.workload(t, commit)
	t.Logf("rows read: %d with small tables, %d with large ones", small, large)
	require.Less(t, large, 3*small, "a statement reads whole tables")
}

// workload takes and dispatches 20 jobs each through every statement of the hot
// path and of a reconciliation round, and returns how many rows that read.
func (b *bundle) workload(tb testing.TB, commit *ledger.Committer) int {
	tb.Helper()
	before := b.rowsRead(tb)
	jobs := make([]job.New, 40)
	for i := range jobs {
		jobs[i] = job.New{SerialKey: time.Now().UnixNano() + int64(i), SubjectID: 1}
	}
	b.add(tb, jobs...)
	_, err := b.poll(tb.Context())
	require.NoError(tb, err)
	claimed := b.take(tb, 20)
	for _, t := range b.dispatch(tb, 20) {
		c, ok, err := commit.Start(tb.Context(), t)
		require.NoError(tb, err)
		require.True(tb, ok)
		claimed = append(claimed, c)
	}
	results := []job.Result{{Verdict: job.Succeed}, {Verdict: job.Release}, {Verdict: job.Retry, Class: job.ClassTransient}}
	for i, c := range claimed {
		_, err := commit.Finish(tb.Context(), c, results[i%len(results)])
		require.NoError(tb, err)
	}
	for _, c := range b.take(tb, 50) { // leave nothing ready behind
		_, err := commit.Finish(tb.Context(), c, job.Result{Verdict: job.Succeed})
		require.NoError(tb, err)
	}
	_, err = b.Orphans(tb.Context())
	require.NoError(tb, err)
	_, err = b.RecallOlder(tb.Context(), "stale", time.Minute)
	require.NoError(tb, err)
	_, err = b.ReleaseStrays(tb.Context(), b.w1, time.Minute, func(job.Ticket) bool { return true })
	require.NoError(tb, err)
	return b.rowsRead(tb) - before
}

// rowsRead is how many rows all statements have read so far, by index or not.
func (b *bundle) rowsRead(tb testing.TB) int {
	tb.Helper()
	require.NoError(tb, b.pool.AcquireFunc(tb.Context(), func(c *pgxpool.Conn) error {
		_, err := c.Exec(tb.Context(), `SELECT pg_stat_force_next_flush()`)
		return err
	}))
	return b.count(tb, `SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables
WHERE relname IN ('jobs', 'job_history_default', 'workers')`)
}
