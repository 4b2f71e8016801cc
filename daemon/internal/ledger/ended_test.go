package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/latency"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// insertEnded writes one row of history whose run took id microseconds, so that
// each can be told by its time.
const insertEnded = `
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at, ready_at, started_at, finished_at)
SELECT $1::bigint, 1, 1, 1, 1, 1, 1, 1, 1, now, now, now, now + $1::bigint * interval '1 microsecond' FROM clock_timestamp() now`

// hot opens the pool the daemon reads with: one generic plan for all time.
func hot(tb testing.TB, dsn string) *pgxpool.Pool {
	tb.Helper()
	pool, err := store.Open(tb.Context(), store.PoolOptions{DSN: dsn, Hot: true})
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	return pool
}

func setupHot(tb testing.TB) *bundle {
	tb.Helper()
	b := &bundle{ctx: tb.Context(), pool: hot(tb, stacktest.Database(tb, store.Migrate)), effects: &recordedEffects{}}
	var err error
	b.Ledger, err = ledger.New(ledger.Options{Pool: b.pool, Effects: b.effects, Logger: discard()})
	require.NoError(tb, err)
	b.w1 = b.register(tb)
	return b
}

// follow reads everything between two marks.
func (b *bundle) follow(tb testing.TB, from, to latency.Mark) (all []latency.Ended) {
	tb.Helper()
	var c latency.Cursor
	for more := true; more; {
		rows, next, left, err := b.EndedBetween(tb.Context(), from, to, c)
		require.NoError(tb, err)
		all, c, more = append(all, rows...), next, left
	}
	return all
}

// A transaction that is open for long and commits late must be neither missed
// nor counted twice: else n lies, and nobody can trust a percentile.
func TestTailReadsEveryRowOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var id atomic.Int64
	var wg sync.WaitGroup
	mark, err := b.Mark(t.Context())
	require.NoError(t, err)
	for w := range 8 {
		wg.Go(func() {
			for range 15 {
				err := pgx.BeginFunc(b.ctx, b.pool, func(tx pgx.Tx) error {
					for range 1 + rand.IntN(5) {
						if _, err := tx.Exec(b.ctx, insertEnded, id.Add(1)); err != nil {
							return err
						}
						if _, err := tx.Exec(b.ctx, `SELECT pg_sleep($1)`, rand.Float64()*0.01*float64(w)); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	seen := map[time.Duration]int{}
	turns := 0
	for last := false; !last; turns++ {
		select {
		case <-ended:
			last = true
		default:
		}
		to, err := b.Mark(t.Context())
		require.NoError(t, err)
		for _, e := range b.follow(t, mark, to) {
			seen[e.Run]++
		}
		mark = to
	}
	require.Len(t, seen, int(id.Load()), "after %d turns", turns)
	for run, n := range seen {
		require.Equal(t, 1, n, "row %d", run.Microseconds())
	}
}

// A page must not split a transaction, and the next page must not repeat one.
func TestTailPagesBetweenTransactions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	from, err := b.Mark(t.Context())
	require.NoError(t, err)
	for i := range 7 { // 7 × 2,000 rows: three pages
		b.exec(t, `
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at)
SELECT $1::bigint * 10000 + n, 1, 1, 1, 1, 1, 1, 1, 1, clock_timestamp() FROM generate_series(1, 2000) n`, i)
	}
	to, err := b.Mark(t.Context())
	require.NoError(t, err)
	b.exec(t, insertEnded, 1) // after the mark
	rows, next, more, err := b.EndedBetween(t.Context(), from, to, latency.Cursor{})
	require.NoError(t, err)
	require.Len(t, rows, 6000)
	require.True(t, more)
	again, _, _, err := b.EndedBetween(t.Context(), from, to, latency.Cursor{})
	require.NoError(t, err)
	require.Equal(t, rows, again, "asked again after a failure the answer is the same")
	rest, _, _, err := b.EndedBetween(t.Context(), from, to, next)
	require.NoError(t, err)
	require.Len(t, rest, 6000)
	require.Len(t, b.follow(t, from, to), 14000)
	require.Empty(t, b.follow(t, from, from))
}

// Each attempt counts once, in the event or in history, and each job once.
func TestEndedTellsAttemptsFromJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	from, err := b.Mark(t.Context())
	require.NoError(t, err)
	commit := b.committer(t, b.w1)
	end := func(results ...job.Result) (id int64) {
		id = b.add(t, job.New{})[0]
		for i, r := range results {
			if i > 0 {
				b.exec(t, `UPDATE jobs SET state = 1, ready_at = clock_timestamp() WHERE id = $1`, id)
			}
			_, err := commit.Finish(t.Context(), b.take(t, 1)[0], r)
			require.NoError(t, err)
		}
		return id
	}
	end(job.Result{Verdict: job.Succeed})
	end(job.Result{Verdict: job.Retry, Class: job.ClassTransient}, job.Result{Verdict: job.Succeed})
	b.exec(t, `DELETE FROM jobs`)
	end(job.Result{Verdict: job.Fail, Class: job.ClassMedia}) // dead: an attempt, not the end
	doubt := end(job.Result{Verdict: job.Doubt, Class: job.ClassUnknownOutcome})
	_, err = b.Resolve(t.Context(), 0, doubt, "sent", "test") // the end, no attempt
	require.NoError(t, err)
	b.add(t, job.New{})
	b.exec(t, `
WITH d AS (DELETE FROM jobs WHERE state = 1 RETURNING *)
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, error_class, created_at, ready_at)
SELECT id, org_id, queue, job_type, priority, 2, 0, 0, 0, 'cancelled', created_at, ready_at FROM d`) // cancelled before it began

	to, err := b.Mark(t.Context())
	require.NoError(t, err)
	var got []string
	rows := b.follow(t, from, to)
	for _, e := range rows {
		got = append(got, fmt.Sprint(e.Status, " attempt ", e.Attempt, " wait ", e.Wait >= 0, " run ", e.Run >= 0, " e2e ", e.E2E >= 0))
	}
	slices.Sort(got)
	require.Equal(t, []string{
		"1 attempt 0 wait false run false e2e true", // the uncertain one, settled
		"1 attempt 1 wait true run true e2e true",
		"1 attempt 2 wait true run true e2e true",
		"2 attempt 0 wait false run false e2e true",
		"4 attempt 1 wait true run true e2e false",
		"5 attempt 1 wait true run true e2e false",
		"6 attempt 1 wait true run true e2e false",
	}, got)

	var within []latency.Ended
	require.NoError(t, b.EndedWithin(t.Context(), latency.Mark{}, from.At, time.Time{}, 1, func(e latency.Ended) { within = append(within, e) }))
	require.ElementsMatch(t, rows, within, "history tells the same as the tail")
	within = nil
	require.NoError(t, b.EndedWithin(t.Context(), from, from.At, time.Time{}, 0, func(e latency.Ended) { within = append(within, e) }))
	require.Empty(t, within, "nothing was committed by then")
}

// The tail asks once a second for all time: it must never read more than what is
// new, whatever lies in history and whatever the statistics say.
func TestTailReadsByIndex(t *testing.T) {
	t.Parallel()
	b := setupHot(t)
	now := time.Now()
	require.NoError(t, b.Partitions(t.Context(), now))
	b.exec(t, `
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at, started_at, ready_at, finished_at)
SELECT n, n % 500, 1, 1, 1, 1, 1, 1, 1, now(), now(), now(), now() + n * interval '1 second' FROM generate_series(1, 50000) n`)
	mark := b.markPastAll(t)
	for name, sql := range ledger.LatencyStatements() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := b.explain(t, sql, mark, now)
			require.NotContains(t, plan, "Seq Scan on job_", plan)
			for _, index := range map[string][]string{
				"history": {"_tx_idx"}, "events": {"_tx_idx"}, "within": {"_finished_at_idx"}, "org": {"_org_id_queue_finished_at_idx"},
			}[name] {
				require.Contains(t, plan, index, plan)
			}
			if name == "history" || name == "events" {
				require.Contains(t, plan, "Merge Append", plan)
				require.NotContains(t, plan, "_at_idx", plan)
			}
		})
	}
	before := b.historyRead(t)
	b.exec(t, insertEnded, 1)
	to, err := b.Mark(t.Context())
	require.NoError(t, err)
	require.Len(t, b.follow(t, mark, to), 1)
	require.Less(t, b.historyRead(t)-before, 10, "rows read for one that is new")
}

// markPastAll returns a mark behind which everything there is lies: transactions of
// other tests on this server, begun before, make a mark look back at it.
func (b *bundle) markPastAll(tb testing.TB) (mark latency.Mark) {
	tb.Helper()
	require.Eventually(tb, func() bool {
		var err error
		mark, err = b.Mark(tb.Context())
		require.NoError(tb, err)
		return b.count(tb, `SELECT count(*) FROM (SELECT tx FROM job_history ORDER BY tx DESC LIMIT 1) h WHERE h.tx >= pg_snapshot_xmin('`+mark.Snapshot+`'::pg_snapshot)`) == 0
	}, 30*time.Second, 50*time.Millisecond)
	return mark
}

// explain returns the generic plan of a statement as the reads pool has it.
func (b *bundle) explain(tb testing.TB, sql string, mark latency.Mark, now time.Time) string {
	tb.Helper()
	text := func(t time.Time) string { return "'" + t.Format(time.RFC3339) + "'" }
	setting := ledger.PlanInOrder
	args := []string{"'" + mark.Snapshot + "'", "'" + mark.Snapshot + "'", "'0'", text(now.Add(-time.Hour)), text(now.Add(48 * time.Hour))}
	switch {
	case strings.Contains(sql, "$1::timestamptz") && strings.Contains(sql, "org_id"+" = "):
		setting, args = ledger.PlanAnew, []string{text(now), "1", "'{1,2}'"}
	case strings.Contains(sql, "$1::timestamptz"):
		setting, args = ledger.PlanAnew, []string{text(now), text(now.Add(time.Hour)), "'" + mark.Snapshot + "'"}
	}
	var lines []string
	require.NoError(tb, pgx.BeginFunc(tb.Context(), b.pool, func(tx pgx.Tx) error {
		for _, q := range []string{setting, `PREPARE p AS ` + sql} {
			if _, err := tx.Exec(tb.Context(), q); err != nil {
				return err
			}
		}
		rows, err := tx.Query(tb.Context(), `EXPLAIN EXECUTE p (`+strings.Join(args, ", ")+`)`, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			return err
		}
		if lines, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return err
		}
		_, err = tx.Exec(tb.Context(), `DEALLOCATE p`)
		return err
	}))
	return strings.Join(lines, "\n")
}

func (b *bundle) historyRead(tb testing.TB) int {
	tb.Helper()
	require.NoError(tb, b.pool.AcquireFunc(tb.Context(), func(c *pgxpool.Conn) error {
		_, err := c.Exec(tb.Context(), `SELECT pg_stat_force_next_flush()`)
		return err
	}))
	return b.count(tb, `SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint FROM pg_stat_user_tables WHERE relname LIKE 'job\_%'`)
}
