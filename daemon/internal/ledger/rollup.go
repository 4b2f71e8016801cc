package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/latency"
)

const (
	rollupLock = 0x696e626f78720001 // any constant of ours: "inboxr"
	rollupDays = 90
	// rollupSteps bounds how many hours one call adds, so that a backlog (the
	// first call ever) is caught up with in parts.
	rollupSteps = 6
	// rollupAfter is how long an hour must be over: most of what was under way is
	// committed by then, and the rest makes the hour again.
	rollupAfter = time.Minute
)

// rollHourSQL counts one hour as of a snapshot, single orgs and all together.
// The arithmetic is that of latency: microseconds, and the floors of its buckets.
const rollHourSQL = `
WITH ended AS (
       SELECT * FROM (` + endedHistory + ` WHERE h.finished_at >= $1 AND h.finished_at < $2) h
       UNION ALL
       SELECT * FROM (` + endedEvents + ` WHERE e.at >= $1 AND e.at < $2 AND e.kind < 4) e),
     times AS (
       SELECT org_id, queue, job_type, m.metric, (extract(epoch FROM m.span) * 1000000)::bigint AS us
       FROM ended CROSS JOIN LATERAL (VALUES (1, started_at - ready_at), (2, CASE WHEN attempt > 0 THEN at - started_at END), (3, at - created_at)) m(metric, span)
       WHERE m.span IS NOT NULL AND pg_visible_in_snapshot(tx, $3::pg_snapshot)),
     counted AS MATERIALIZED (
       SELECT org_id, queue, job_type, metric, (width_bucket(greatest(us, 0), $4::bigint[]) - 1)::smallint AS bucket, count(*)::int AS n
       FROM times GROUP BY 1, 2, 3, 4, 5),
     together AS (
       SELECT * FROM counted
       UNION ALL
       SELECT 0, queue, job_type, metric, bucket, sum(n)::int FROM counted GROUP BY queue, job_type, metric, bucket)
INSERT INTO latency_rollups (hour, org_id, queue, job_type, metric, n, buckets, counts)
SELECT $1, org_id, queue, job_type, metric, sum(n), array_agg(bucket ORDER BY bucket), array_agg(n ORDER BY bucket)
FROM together GROUP BY org_id, queue, job_type, metric`

// lateHoursSQL finds the hours before $3 in which something has ended that was
// committed after $1 and not after $2.
const lateHoursSQL = `
SELECT date_trunc('hour', finished_at, 'UTC') FROM job_history
WHERE tx >= pg_snapshot_xmin($1::pg_snapshot) AND NOT pg_visible_in_snapshot(tx, $1::pg_snapshot)
  AND pg_visible_in_snapshot(tx, $2::pg_snapshot) AND finished_at < $3
UNION
SELECT date_trunc('hour', at, 'UTC') FROM job_events
WHERE tx >= pg_snapshot_xmin($1::pg_snapshot) AND NOT pg_visible_in_snapshot(tx, $1::pg_snapshot)
  AND pg_visible_in_snapshot(tx, $2::pg_snapshot) AND at < $3`

// Rolled says how far the roll-ups reach; zero before the first.
func (l *Ledger) Rolled(ctx context.Context) (latency.Rolled, error) { return rolled(ctx, l.reads) }

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func rolled(ctx context.Context, q querier) (r latency.Rolled, err error) {
	err = q.QueryRow(ctx, `SELECT rolled_until, snapshot::text, snapshot_at FROM latency_rolled`).Scan(&r.Until, &r.Mark.Snapshot, &r.Mark.At)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return r, fmt.Errorf("read how far latency is rolled up: %w", err)
	}
	return r, nil
}

// RollUp adds the full hours since the last call, makes those again in which
// something has ended late, and forgets those older than 90 days. One caller at
// a time works, the others are told how far it is.
func (l *Ledger) RollUp(ctx context.Context) (latency.Rolled, error) {
	var r latency.Rolled
	err := pgx.BeginFunc(ctx, l.reads, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(rollupLock)).Scan(&mine); err != nil || !mine {
			return err
		}
		if _, err := tx.Exec(ctx, planAnew+`, set_config('statement_timeout', '280s', true)`); err != nil {
			return err
		}
		before, err := rolled(ctx, tx)
		if err != nil {
			return err
		}
		r, err = l.rollOn(ctx, tx, before)
		return err
	})
	if err != nil {
		return r, fmt.Errorf("roll up latency: %w", err)
	}
	if r.Until.IsZero() { // somebody else is at it
		return l.Rolled(ctx)
	}
	return r, nil
}

// rollOn moves from one reach to the next, in the caller's transaction.
func (l *Ledger) rollOn(ctx context.Context, tx pgx.Tx, before latency.Rolled) (after latency.Rolled, err error) {
	var sane bool
	err = tx.QueryRow(ctx, `
SELECT pg_current_snapshot()::text, clock_timestamp(), $1 = '' OR pg_snapshot_xmax(nullif($1, '')::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot())`,
		before.Mark.Snapshot).Scan(&after.Mark.Snapshot, &after.Mark.At, &sane)
	if err != nil {
		return after, err
	}
	var hours []time.Time
	switch {
	case before.Until.IsZero():
		before.Until, err = oldestHour(ctx, tx, after.Mark.At)
	case !sane: // another server's transactions: this one was restored from a dump
	default:
		hours, err = lateHours(ctx, tx, before, after)
	}
	if err != nil {
		return after, err
	}
	after.Until = before.Until
	full := after.Mark.At.Add(-rollupAfter).UTC().Truncate(time.Hour)
	for range rollupSteps {
		if !after.Until.Before(full) {
			break
		}
		hours = append(hours, after.Until)
		after.Until = after.Until.Add(time.Hour)
	}
	return after, l.writeHours(ctx, tx, after, hours)
}

func (l *Ledger) writeHours(ctx context.Context, tx pgx.Tx, after latency.Rolled, hours []time.Time) error {
	forget := after.Mark.At.AddDate(0, 0, -rollupDays)
	b := &pgx.Batch{}
	for _, hour := range hours {
		if hour.Before(forget) {
			continue
		}
		b.Queue(`DELETE FROM latency_rollups WHERE hour = $1`, hour)
		b.Queue(rollHourSQL, hour, hour.Add(time.Hour), after.Mark.Snapshot, latency.Floors())
	}
	b.Queue(`DELETE FROM latency_rollups WHERE hour < $1`, forget)
	b.Queue(`
INSERT INTO latency_rolled (rolled_until, snapshot, snapshot_at) VALUES ($1, $2::pg_snapshot, $3)
ON CONFLICT (one) DO UPDATE SET rolled_until = excluded.rolled_until, snapshot = excluded.snapshot, snapshot_at = excluded.snapshot_at`,
		after.Until, after.Mark.Snapshot, after.Mark.At)
	return tx.SendBatch(ctx, b).Close()
}

func lateHours(ctx context.Context, tx pgx.Tx, before, after latency.Rolled) ([]time.Time, error) {
	if _, err := tx.Exec(ctx, planInOrder); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, lateHoursSQL, before.Mark.Snapshot, after.Mark.Snapshot, before.Until)
	if err != nil {
		return nil, err
	}
	hours, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, planFreely)
	return hours, err
}

// oldestHour is where the first roll-up begins: with the first transactions of
// history, or now.
func oldestHour(ctx context.Context, tx pgx.Tx, now time.Time) (time.Time, error) {
	var first *time.Time
	err := tx.QueryRow(ctx, `
SELECT least((SELECT min(finished_at) FROM (SELECT finished_at FROM job_history ORDER BY tx FETCH FIRST 1000 ROWS WITH TIES) h),
             (SELECT min(at) FROM (SELECT at FROM job_events ORDER BY tx FETCH FIRST 1000 ROWS WITH TIES) e))`).Scan(&first)
	if err != nil || first == nil {
		return now.UTC().Truncate(time.Hour), err
	}
	oldest := now.AddDate(0, 0, -rollupDays)
	if first.After(oldest) {
		oldest = *first
	}
	return oldest.UTC().Truncate(time.Hour), nil
}

// Rollups calls each with the histograms that f chooses.
func (l *Ledger) Rollups(ctx context.Context, f latency.RollupFilter, each func(latency.Rollup)) error {
	c := rollupConditions(f)
	rows, err := l.reads.Query(ctx, `SELECT hour, org_id, queue, job_type, metric, buckets, counts FROM latency_rollups WHERE `+c.where(), c.args...)
	if err != nil {
		return fmt.Errorf("read roll-ups: %w", err)
	}
	if err := eachRollup(rows, each); err != nil {
		return fmt.Errorf("read roll-ups: %w", err)
	}
	return nil
}

func eachRollup(rows pgx.Rows, each func(latency.Rollup)) error {
	var r latency.Rollup
	var buckets []int16
	var counts []int32
	_, err := pgx.ForEachRow(rows, []any{&r.Hour, &r.OrgID, &r.Queue, &r.Type, &r.Metric, &buckets, &counts}, func() error {
		r.Times = make(latency.Histogram, len(buckets))
		for i := range buckets {
			r.Times[i] = latency.Count{Bucket: uint16(buckets[i]), N: uint32(counts[i])} //nolint:gosec // as they were written
		}
		each(r)
		return nil
	})
	return err
}

func rollupConditions(f latency.RollupFilter) (c conditions) {
	c.add("hour >= $%d::timestamptz", f.Since)
	c.add("hour < $%d::timestamptz", f.Until)
	switch {
	case f.Totals:
		c.parts = append(c.parts, "org_id = 0")
	case len(f.OrgIDs) > 0:
		c.add("org_id = ANY($%d::bigint[])", f.OrgIDs)
	default:
		c.parts = append(c.parts, "org_id > 0")
	}
	return c
}

// BusyOrgs returns how many attempts single orgs made, the busiest only.
// Queue and type 0 mean all.
func (l *Ledger) BusyOrgs(ctx context.Context, f latency.RollupFilter, queue, typ int16, limit int) (map[int64]int64, error) {
	rows, err := l.reads.Query(ctx, `
SELECT org_id, sum(n)::bigint FROM latency_rollups
WHERE hour >= $1 AND hour < $2 AND org_id > 0 AND metric = 2 AND ($3::smallint = 0 OR queue = $3) AND ($4::smallint = 0 OR job_type = $4)
GROUP BY org_id ORDER BY 2 DESC, 1 LIMIT $5`, f.Since, f.Until, queue, typ, limit)
	if err != nil {
		return nil, fmt.Errorf("find the busiest orgs: %w", err)
	}
	type count struct{ Org, N int64 }
	counts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[count])
	if err != nil {
		return nil, fmt.Errorf("find the busiest orgs: %w", err)
	}
	busy := make(map[int64]int64, len(counts))
	for _, c := range counts {
		busy[c.Org] = c.N
	}
	return busy, nil
}
