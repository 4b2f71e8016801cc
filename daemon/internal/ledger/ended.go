package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/latency"
)

// What has ended, as latency counts it. An attempt ends in an event or, the last
// one, in history. A job that was settled, cancelled or discarded after its last
// attempt is in both: there the event has the attempt, and history only the end
// of the job. Only such jobs are looked up, within the days their attempt can
// have ended on. An attempt whose row has become ready again since (the worker
// was believed dead) does not know any more how long it had waited.
const (
	endedHistory = `
SELECT h.tx, h.org_id, h.queue, h.job_type, h.outcome AS status, h.finished_at AS at,
       CASE WHEN x.own THEN greatest(h.attempt, 1) ELSE 0 END AS attempt,
       CASE WHEN x.own THEN h.ready_at END AS ready_at, CASE WHEN x.own THEN h.started_at END AS started_at, h.created_at
FROM job_history h CROSS JOIN LATERAL (
  SELECT coalesce(h.started_at >= h.ready_at, false) AND CASE WHEN h.outcome = 1 AND h.error_class IS NULL THEN true ELSE NOT EXISTS (
    SELECT 1 FROM job_events e WHERE e.job_id = h.id AND e.epoch = h.run_epoch AND e.kind < 4
      AND e.at >= h.started_at AND e.at <= h.finished_at) END AS own OFFSET 0) x`

	endedEvents = `
SELECT e.tx, e.org_id, e.queue, e.job_type, e.kind + 3 AS status, e.at,
       CASE WHEN e.started_at IS NULL THEN 0 ELSE greatest(e.attempt, 1) END AS attempt,
       CASE WHEN e.ready_at <= e.started_at THEN e.ready_at END AS ready_at, e.started_at, NULL::timestamptz AS created_at
FROM job_events e`

	// tailPage is how many rows are read at once, and whole transactions.
	tailPage = 5000
	// tailDays is how old the newest rows can be: it keeps the search to the
	// partitions of a few days. A transaction that was open for longer is not
	// counted.
	tailDays = 2 * 24 * time.Hour
)

// Each row carries the transaction that wrote it, so "committed after from and
// not after to" is a question about the row alone: whoever asks again, later,
// after a failure, in pages, gets the same rows.
const (
	between = ` >= pg_snapshot_xmin($1::pg_snapshot) AND %[1]s > $3::xid8 AND NOT pg_visible_in_snapshot(%[1]s, $1::pg_snapshot)
  AND pg_visible_in_snapshot(%[1]s, $2::pg_snapshot)`
	inOrder = ` ORDER BY %s FETCH FIRST %d ROWS WITH TIES`
)

// The plans of these statements must not depend on what the tables hold when they
// are made: those that follow the log keep to the order of transactions, those
// that read a stretch of time are planned for it.
const (
	planInOrder = `SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true)`
	planFreely  = `SELECT set_config('enable_sort', 'on', true), set_config('enable_bitmapscan', 'on', true)`
	planAnew    = `SELECT set_config('plan_cache_mode', 'force_custom_plan', true)`
)

func tailHistorySQL() string {
	return endedHistory + ` WHERE h.tx` + fmt.Sprintf(between, "h.tx") + ` AND h.finished_at >= $4 AND h.finished_at < $5` + fmt.Sprintf(inOrder, "h.tx", tailPage)
}

func tailEventsSQL() string {
	return endedEvents + ` WHERE e.tx` + fmt.Sprintf(between, "e.tx") + ` AND e.at >= $4 AND e.at < $5 AND e.kind < 4` + fmt.Sprintf(inOrder, "e.tx", tailPage)
}

// Mark returns the present place in the order of commits.
func (l *Ledger) Mark(ctx context.Context) (m latency.Mark, err error) {
	err = l.reads.QueryRow(ctx, `SELECT pg_current_snapshot()::text, clock_timestamp()`).Scan(&m.Snapshot, &m.At)
	if err != nil {
		return m, fmt.Errorf("read the order of commits: %w", err)
	}
	return m, nil
}

// EndedBetween returns some of what was committed after from and not after to:
// whole transactions, in order, each once, late ones included. It goes on behind
// c; more is false when that was all.
func (l *Ledger) EndedBetween(ctx context.Context, from, to latency.Mark, c latency.Cursor) (rows []latency.Ended, next latency.Cursor, more bool, err error) {
	b := &pgx.Batch{}
	next = c
	read := func(cursor *uint64) func(pgx.Rows) error {
		return func(r pgx.Rows) error {
			n := 0
			err := eachEnded(r, func(tx uint64, e latency.Ended) {
				n++
				*cursor, rows = tx, append(rows, e)
			})
			more = more || n >= tailPage
			return err
		}
	}
	oldest, newest := from.At.Add(-tailDays), to.At.Add(tailDays)
	b.Queue(tailHistorySQL(), from.Snapshot, to.Snapshot, c.History, oldest, newest).Query(read(&next.History))
	b.Queue(tailEventsSQL(), from.Snapshot, to.Snapshot, c.Events, oldest, newest).Query(read(&next.Events))
	if err := l.planned(ctx, planInOrder, b); err != nil {
		return nil, c, false, fmt.Errorf("read what has ended: %w", err)
	}
	return rows, next, more, nil
}

// EndedWithin calls each with what ended from since on and before until (zero:
// no bound) and was committed by the mark (empty: by now). orgID 0 means all
// orgs: the one reader who looks across tenants is the operator.
func (l *Ledger) EndedWithin(ctx context.Context, at latency.Mark, since, until time.Time, orgID int64, each func(latency.Ended)) error {
	read := func(r pgx.Rows) error { return eachEnded(r, func(_ uint64, e latency.Ended) { each(e) }) }
	b := &pgx.Batch{}
	for _, part := range []struct{ sql, time, table string }{{endedHistory, "h.finished_at", "h"}, {endedEvents, "e.at", "e"}} {
		sql, args := withinSQL(part.sql, part.time, part.table, at, since, until, orgID)
		b.Queue(sql, args...).Query(read)
	}
	if err := l.planned(ctx, planAnew, b); err != nil {
		return fmt.Errorf("read what ended since %s: %w", since.UTC().Format(time.RFC3339), err)
	}
	return nil
}

// planned runs statements that only read, with a setting of the planner.
func (l *Ledger) planned(ctx context.Context, setting string, b *pgx.Batch) error {
	return pgx.BeginTxFunc(ctx, l.reads, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, setting); err != nil {
			return err
		}
		return tx.SendBatch(ctx, b).Close()
	})
}

func withinSQL(sql, column, table string, at latency.Mark, since, until time.Time, orgID int64) (string, []any) {
	var c conditions
	c.add(column+" >= $%d::timestamptz", since)
	if !until.IsZero() {
		c.add(column+" < $%d::timestamptz", until)
	}
	if at.Snapshot != "" {
		c.add("pg_visible_in_snapshot("+table+".tx, $%d::pg_snapshot)", at.Snapshot)
	}
	if orgID != 0 {
		c.add(table+".org_id = $%d::bigint", orgID)
		c.add(table+".queue = ANY($%d::smallint[])", queueNumbers(job.Queues())) // the index begins with both
	}
	if table == "e" {
		c.parts = append(c.parts, "e.kind < 4")
	}
	return sql + " WHERE " + c.where(), c.args
}

func eachEnded(rows pgx.Rows, each func(tx uint64, e latency.Ended)) error {
	var tx uint64
	var e latency.Ended
	var status, attempt int32
	var ready, started, created *time.Time
	_, err := pgx.ForEachRow(rows, []any{&tx, &e.OrgID, &e.Queue, &e.Type, &status, &e.At, &attempt, &ready, &started, &created}, func() error {
		e.Status, e.Attempt = latency.Status(status), int(attempt) //nolint:gosec // the statement has six
		e.Wait, e.Run, e.E2E = lasted(ready, started), latency.None, lasted(created, &e.At)
		if attempt > 0 {
			e.Run = lasted(started, &e.At)
		}
		each(tx, e)
		return nil
	})
	return err
}

// lasted is None if one end is not known, and never negative.
func lasted(from, to *time.Time) time.Duration {
	if from == nil || to == nil {
		return latency.None
	}
	return max(to.Sub(*from), 0)
}

// OrgNames returns the names of these orgs.
func (l *Ledger) OrgNames(ctx context.Context, ids []int64) (map[int64]string, error) {
	rows, err := l.reads.Query(ctx, `SELECT id, name FROM orgs WHERE id = ANY($1::bigint[])`, ids)
	if err != nil {
		return nil, fmt.Errorf("name %d orgs: %w", len(ids), err)
	}
	type org struct {
		ID   int64
		Name string
	}
	orgs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[org])
	if err != nil {
		return nil, fmt.Errorf("name %d orgs: %w", len(ids), err)
	}
	names := make(map[int64]string, len(orgs))
	for _, o := range orgs {
		names[o.ID] = o.Name
	}
	return names, nil
}
