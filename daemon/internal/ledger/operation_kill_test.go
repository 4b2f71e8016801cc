package ledger_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
)

// elsewhere runs operations in another process on the same database, one that
// can be killed: its connections break in the middle of whatever it does.
func (b *bundle) elsewhere(tb testing.TB, name string) {
	tb.Helper()
	config := b.pool.Config()
	config.ConnConfig.RuntimeParams["application_name"] = name
	pool, err := pgxpool.NewWithConfig(tb.Context(), config)
	require.NoError(tb, err)
	l, err := ledger.New(ledger.Options{Pool: pool, Effects: b.effects, Logger: discard()})
	require.NoError(tb, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan struct{})
	go func() { l.RunOperations(ctx, func() {}); close(done) }()
	tb.Cleanup(func() { cancel(); <-done; pool.Close() })
}

// Runners are killed in the middle of chunks, their leases run out while they
// still live, others take over, workers claim and finish jobs, other operators
// change some: in the end every job that was chosen and stayed as it was has been
// changed exactly once, and no other.
func TestOperationSurvivesItsRunners(t *testing.T) {
	t.Parallel()
	for _, kind := range []operation.Kind{operation.Retry, operation.Cancel, operation.Hold, operation.Discard} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			r := rand.New(rand.NewPCG(seed, 2))
			b := setup(t)
			b.watchChanges(t)
			b.anyJobs(t, r, 4000)
			b.exec(t, `UPDATE jobs SET subject_id = id, job_type = 1, queue = 1, serial_key = NULL, cancel_requested = false`)
			b.exec(t, `DELETE FROM changes`)
			takes := stateNumbers(kind.Takes())
			chosen := b.count(t, `SELECT count(*) FROM jobs WHERE org_id = 1 AND state = ANY($1)`, takes)
			o := b.plan(t, operation.Request{Kind: kind, Filter: inspect.Filter{OrgIDs: []int64{1}}})
			require.Equal(t, int64(chosen), o.Matched)
			b.exec(t, `UPDATE jobs SET last_error = 'changed' WHERE org_id = 1 AND id % 10 = 0`) // by somebody else
			b.exec(t, `DELETE FROM changes`)
			changed := b.count(t, `SELECT count(*) FROM jobs WHERE org_id = 1 AND id % 10 = 0 AND state = ANY($1)`, takes)
			for _, name := range []string{"runner one", "runner two"} {
				b.elsewhere(t, name)
			}
			b.commit(t, o.ID, operation.Terms{})
			b.tormentUntilEnded(t, r, o.ID)

			o, err := b.Operation(t.Context(), 0, o.ID)
			require.NoError(t, err)
			require.Equal(t, operation.Done, o.State, o.Error)
			require.Equal(t, o.Matched, o.Visited)
			require.GreaterOrEqual(t, o.Skipped[0].N, int64(changed))
			require.Equal(t, chosen, b.count(t, `SELECT count(*) FROM operation_items WHERE operation_id = $1`, o.ID), "each has one item")
			require.Equal(t, int(o.Done), b.count(t, `SELECT count(*) FROM operation_items WHERE operation_id = $1 AND result = 1`, o.ID))
			require.Zero(t, b.count(t, `SELECT count(*) FROM operation_items WHERE operation_id = $1 AND org_id <> 1`, o.ID))
			require.Zero(t, b.count(t, `
SELECT count(*) FROM (SELECT job_id FROM operation_items WHERE result = 1) i
WHERE (SELECT count(*) FROM changes c WHERE c.id = i.job_id AND c.by_operation) <> 1`), "each was changed exactly once")
			require.Zero(t, b.count(t, `
SELECT count(*) FROM changes c WHERE c.by_operation AND NOT EXISTS (SELECT 1 FROM operation_items i WHERE i.job_id = c.id AND i.result = 1)`), "no other was changed")
		})
	}
}

func stateNumbers(list []job.State) (numbers []int16) {
	for _, s := range list {
		numbers = append(numbers, int16(s))
	}
	return numbers
}

// watchChanges writes down each change of a job that an operation has committed.
func (b *bundle) watchChanges(t *testing.T) {
	t.Helper()
	b.exec(t, `CREATE TABLE changes (id bigint NOT NULL, by_operation boolean NOT NULL)`)
	b.exec(t, `
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO changes VALUES (old.id, current_setting('application_name') LIKE 'runner%' );
  RETURN NULL;
END $$`)
	b.exec(t, `CREATE TRIGGER note AFTER UPDATE OR DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION note()`)
}

// tormentUntilEnded does what can happen to runners, and lets workers work.
func (b *bundle) tormentUntilEnded(t *testing.T, r *rand.Rand, id int64) {
	t.Helper()
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	defer wg.Wait()
	defer stop()
	commit := b.committer(t, b.w1)
	wg.Go(func() { // workers
		for ctx.Err() == nil {
			got, _ := b.Take(ctx, all(5), b.w1)
			for _, c := range got {
				_, _ = commit.Finish(ctx, c, job.Result{Verdict: job.Succeed})
			}
			breathe(ctx)
		}
	})
	require.Eventually(t, func() bool {
		batch := &pgx.Batch{}
		switch r.IntN(3) {
		case 0:
			batch.Queue(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'runner one' AND datname = current_database()`)
		case 1:
			batch.Queue(`UPDATE operations SET lease_until = now() - interval '1 s' WHERE id = $1 AND state = 'running'`, id)
		default:
		}
		_ = b.pool.SendBatch(t.Context(), batch).Close()
		o, err := b.Operation(t.Context(), 0, id)
		return err == nil && o.State.Ended()
	}, 2*slow, 20*time.Millisecond)
}
