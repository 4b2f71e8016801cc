package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// promoteSQL asks for now(), not clock_timestamp(): an index cannot be searched
// for a value that may change under way.
const promoteSQL = `
WITH due AS (SELECT id FROM jobs WHERE state = 0 AND run_at <= now()
             ORDER BY run_at LIMIT 500 FOR UPDATE SKIP LOCKED)
UPDATE jobs j SET state = 1, ready_at = clock_timestamp() FROM due WHERE j.id = due.id`

// backlogSQL walks the ready index from one (queue, type, org) to the next, so
// its cost grows with the orgs that have work and not with the jobs they have.
const backlogSQL = `
WITH RECURSIVE o AS (
  (SELECT queue, job_type, org_id FROM jobs WHERE state = 1 ORDER BY queue, job_type, org_id LIMIT 1)
  UNION ALL
  SELECT n.queue, n.job_type, n.org_id FROM o CROSS JOIN LATERAL (
    SELECT j.queue, j.job_type, j.org_id FROM jobs j
    WHERE j.state = 1 AND (j.queue, j.job_type, j.org_id) > (o.queue, o.job_type, o.org_id)
    ORDER BY j.queue, j.job_type, j.org_id LIMIT 1) n
)
SELECT queue, job_type, org_id FROM o LIMIT 2000`

const inFlightSQL = `
SELECT queue, count(*)::int FROM jobs WHERE state IN (2, 3) AND lane = 1 GROUP BY queue`

const slotsSQL = `
SELECT coalesce(sum(slots), 0)::int FROM workers WHERE dead_at IS NULL AND NOT draining`

// Poll makes T2 (what is due becomes ready) and returns the outlook, all in
// one round trip.
func (l *Ledger) Poll(ctx context.Context) (job.Outlook, error) {
	out := job.Outlook{InFlight: map[job.Queue]int{}}
	b := &pgx.Batch{}
	b.Queue(promoteSQL)
	b.Queue(backlogSQL).Query(func(rows pgx.Rows) error {
		var err error
		out.Backlog, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (k job.Backlog, err error) {
			err = row.Scan(&k.Queue, &k.Type, &k.OrgID)
			return k, err
		})
		return err
	})
	b.Queue(inFlightSQL).Query(func(rows pgx.Rows) error {
		var q job.Queue
		var n int
		_, err := pgx.ForEachRow(rows, []any{&q, &n}, func() error { out.InFlight[q] = n; return nil })
		return err
	})
	b.Queue(slotsSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&out.Slots) })
	if err := l.pool.SendBatch(ctx, b).Close(); err != nil {
		return job.Outlook{}, fmt.Errorf("poll the ledger: %w", err)
	}
	return out, nil
}
