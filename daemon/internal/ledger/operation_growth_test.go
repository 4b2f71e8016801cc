package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// An operation on a few jobs of one org must not pay for what others have in the
// tables, in any state and in any plan, also one made while they were empty.
func TestOperationsDoNotGrowWithTheTables(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dsn := stacktest.Database(t, store.Migrate)
	open := func(lookups bool) *bundle {
		pool, err := store.Open(ctx, store.PoolOptions{DSN: dsn, MaxConns: 1, Hot: true, Lookups: lookups}) // one connection keeps its plans
		require.NoError(t, err)
		t.Cleanup(pool.Close)
		return &bundle{pool: pool, effects: &recordedEffects{}}
	}
	b, reads := open(true), open(false)
	var err error
	b.Ledger, err = ledger.New(ledger.Options{Pool: b.pool, Reads: reads.pool, Effects: b.effects, Logger: discard()})
	require.NoError(t, err)
	tables := []string{"jobs", "job_history_default", "operations", "operation_items", "operation_chunks"}
	for _, table := range tables {
		b.exec(t, `ALTER TABLE `+table+` SET (autovacuum_enabled = false)`)
	}
	small := b.bulkWork(t, reads)
	b.exec(t, `
INSERT INTO jobs (id, org_id, queue, job_type, priority, state, max_attempts, deadline_at, run_at)
SELECT -n, 2 + n % 50, 1, 1, 1, n % 7, 5, now(), now() + interval '1 day' FROM generate_series(1, 20000) n`)
	b.exec(t, `
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at)
SELECT -n, 2, 1, 1, 1, 1, 1, 1, 1, now() FROM generate_series(1, 20000) n`)
	b.exec(t, `INSERT INTO operation_items (operation_id, job_id, org_id, result) SELECT -(n % 10), n, 2, n % 3 FROM generate_series(1, 20000) n`)
	b.exec(t, `INSERT INTO operations (id, kind, state, actor, plan, matched, expires_at, finished_at)
SELECT -n, 'retry', 'done', 'x', '{}', 0, now(), now() FROM generate_series(1, 20000) n`)
	large := b.bulkWork(t, reads)
	t.Logf("rows read: %d with small tables, %d with large ones", small, large)
	require.Less(t, large, 2*small, "a statement reads whole tables")
}

// bulkWork does each kind of operation on 20 jobs of org 1, undoes it, and
// returns how many rows all that has read.
func (b *bundle) bulkWork(t *testing.T, reads *bundle) int {
	t.Helper()
	before := b.rowsReadBy(t, reads)
	for _, c := range []struct {
		kind operation.Kind
		as   inspect.Resolution
		from job.State
	}{
		{operation.Retry, "", job.Dead},
		{operation.Cancel, "", job.Ready},
		{operation.Cancel, "", job.Scheduled},
		{operation.Discard, "", job.Dead},
		{operation.Hold, "", job.Ready},
		{operation.Release, "", job.Held},
		{operation.Resolve, inspect.ResolvedNotSent, job.Uncertain},
	} {
		b.inState(t, c.from, several(20)...)
		o, err := b.Operate(t.Context(), operation.Request{Kind: c.kind, As: c.as, Actor: "ana", Filter: inspect.Filter{OrgIDs: []int64{1}}})
		require.NoError(t, err)
		require.Equal(t, int64(20), o.Done)
		if c.kind.Undoable() {
			u, err := b.Operate(t.Context(), operation.Request{Kind: operation.Undo, Undo: o.ID, Actor: "ana"})
			require.NoError(t, err)
			require.Equal(t, int64(20), u.Done, u.Skipped)
		}
		b.exec(t, `DELETE FROM jobs WHERE org_id = 1 AND id > 0`)
	}
	return b.rowsReadBy(t, reads) - before
}

func (b *bundle) rowsReadBy(t *testing.T, reads *bundle) int {
	t.Helper()
	for _, x := range []*bundle{b, reads} {
		x.exec(t, `SELECT pg_stat_force_next_flush()`)
	}
	return b.count(t, `SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables
WHERE relname IN ('jobs', 'job_history_default', 'operations', 'operation_items', 'operation_chunks')`)
}
