package ledger_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/latency"
)

// shapes are histories that are hard on histograms: ms of n in 1..count.
func shapes() map[string]string {
	return map[string]string{
		"TwoPeaks":  `CASE n % 2 WHEN 0 THEN 3 + n % 7 ELSE 60000 + n END`,
		"HeavyTail": `5 / power(n / 3001.0, 2.5)`,
		"Constant":  `250`,
		"Tiny":      `n * 0.001`,
	}
}

// insertShape writes jobs that ended minute by minute before now, of five orgs.
func (b *bundle) insertShape(tb testing.TB, ms string, count int, before time.Duration) {
	tb.Helper()
	b.exec(tb, fmt.Sprintf(`
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at, ready_at, started_at, finished_at)
SELECT n, 1 + n %% 5, 1, 1 + n %% 2, 1, 1, 1, 1, 1, at - 3 * span, at - 2 * span, at - span, at
FROM generate_series(1, %d) n CROSS JOIN LATERAL (SELECT (%s) * interval '1 ms' AS span, clock_timestamp() - $1::interval - n * interval '1 second' AS at) x`, count, ms), before)
}

// exact asks history itself.
func (b *bundle) exact(tb testing.TB, metric latency.Metric, q float64, where string, args ...any) (n int64, at time.Duration) {
	tb.Helper()
	span := map[latency.Metric]string{latency.Wait: "started_at - ready_at", latency.Run: "finished_at - started_at", latency.E2E: "finished_at - created_at"}[metric]
	var seconds float64
	err := b.pool.QueryRow(tb.Context(), fmt.Sprintf(`
SELECT count(*), coalesce(percentile_disc(%f) WITHIN GROUP (ORDER BY extract(epoch FROM %s)), 0)::float8 FROM job_history WHERE %s`, q, span, where), args...).Scan(&n, &seconds)
	require.NoError(tb, err)
	return n, time.Duration(seconds * float64(time.Second))
}

// Percentiles of last month must be as right as those of the last minute: the
// roll-ups against what history says, n to the last one.
func TestRollupsAgreeWithHistory(t *testing.T) {
	t.Parallel()
	for name, ms := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupHot(t)
			b.insertShape(t, ms, 3000, time.Hour)
			rolled, err := b.RollUp(t.Context())
			require.NoError(t, err)
			require.Equal(t, 0, rolled.Until.Minute())
			f := latency.RollupFilter{Since: rolled.Until.Add(-24 * time.Hour), Until: rolled.Until}
			var orgs, totals latency.Times
			third := latency.Times{}
			read := func(f latency.RollupFilter, into *latency.Times) {
				require.NoError(t, b.Rollups(t.Context(), f, func(r latency.Rollup) { into.Of(r.Metric).Merge(r.Times) }))
			}
			read(f, &orgs)
			read(latency.RollupFilter{Since: f.Since, Until: f.Until, Totals: true}, &totals)
			read(latency.RollupFilter{Since: f.Since, Until: f.Until, OrgIDs: []int64{3}}, &third)
			require.Equal(t, orgs, totals)
			for _, m := range latency.Metrics() {
				for _, q := range []float64{0.5, 0.95, 0.99} {
					b.near(t, totals.Of(m), m, q, "finished_at < $1", rolled.Until)
					b.near(t, third.Of(m), m, q, "finished_at < $1 AND org_id = 3", rolled.Until)
				}
			}
			busy, err := b.BusyOrgs(t.Context(), f, int16(job.WhatsApp), 0, 2)
			require.NoError(t, err)
			require.Len(t, busy, 2)
		})
	}
}

func (b *bundle) near(tb testing.TB, h *latency.Histogram, m latency.Metric, q float64, where string, args ...any) {
	tb.Helper()
	n, want := b.exact(tb, m, q, where, args...)
	got, _ := h.Quantile(q)
	require.Positive(tb, n)
	require.Equal(tb, n, h.N())
	require.InDelta(tb, want.Seconds(), got.Seconds(), math.Max(0.05*want.Seconds(), 1e-6), "%s P%v", m, q*100)
}

// A job that a transaction of long ago ends belongs to its hour, once, and a
// second call changes nothing.
func TestRollupsTakeLateRows(t *testing.T) {
	t.Parallel()
	b := setupHot(t)
	b.insertShape(t, "250", 3000, time.Hour)
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), `
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at, ready_at, started_at, finished_at)
SELECT 9000, 9, 1, 1, 1, 1, 1, 1, 1, at, at, at, at FROM (SELECT clock_timestamp() - interval '80 minutes' AS at) x`)
	require.NoError(t, err)
	count := func() int { return b.count(t, `SELECT sum(n) FROM latency_rollups WHERE org_id = 0 AND metric = 3`) }
	_, err = b.RollUp(t.Context())
	require.NoError(t, err)
	before := count()
	require.Equal(t, b.count(t, `SELECT count(*) FROM job_history WHERE finished_at < (SELECT rolled_until FROM latency_rolled)`), before)
	require.NoError(t, tx.Commit(t.Context()))
	for range 2 {
		_, err = b.RollUp(t.Context())
		require.NoError(t, err)
		require.Equal(t, before+1, count())
	}
	b.exec(t, `UPDATE latency_rolled SET snapshot = '99999999:99999999:'`) // as in another server
	_, err = b.RollUp(t.Context())
	require.NoError(t, err)
	require.Equal(t, before+1, count())
}

// Two processes must not both write: the second one reads how far the first is.
func TestRollupsHaveOneWriter(t *testing.T) {
	t.Parallel()
	b := setupHot(t)
	b.insertShape(t, "250", 100, time.Hour)
	first, err := b.RollUp(t.Context())
	require.NoError(t, err)
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock($1)`, int64(0x696e626f78720001))
	require.NoError(t, err)
	second, err := b.RollUp(t.Context())
	require.NoError(t, err)
	require.Equal(t, first.Mark, second.Mark)
}

// Hours older than the promise go, and an installation with a long past begins
// with it, six hours per call.
func TestRollupsKeep90Days(t *testing.T) {
	t.Parallel()
	b := setupHot(t)
	b.exec(t, `INSERT INTO latency_rollups SELECT now() - d * interval '1 day', 0, 1, 1, 1, 1, '{5}', '{1}' FROM generate_series(89, 92) d`)
	b.insertShape(t, "250", 1, 50*time.Hour)
	reach := 50
	for range 10 {
		r, err := b.RollUp(t.Context())
		require.NoError(t, err)
		reach = max(reach-6, 0)
		require.InDelta(t, reach, time.Since(r.Until).Hours(), 1.1)
	}
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM latency_rollups WHERE metric = 1 AND buckets = '{5}'`))
}
