package faultstest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// recoveryLimit is when we stop waiting for the effects of a fault to be over:
// that is a finding.
const recoveryLimit = 90 * time.Second

// copyOf is a job at the moment of a fault. It is under way again when a run of
// epoch From or later has begun, or when its run of epoch From-1, if it had
// one, has become an event: uncertain, failed or dead.
type copyOf struct {
	ID   int64
	From int32
	Ran  bool
}

// roomy leaves out the org whose jobs wait for tokens.
const roomy = `org_id <> (SELECT id FROM orgs WHERE name = '` + tight + `')`

// heldBySQL: what a process was running, and every copy on its way through
// Redis, for it may have had any of them.
const heldBySQL = `
SELECT id, CASE state WHEN 3 THEN epoch + 1 ELSE epoch END, state = 3 FROM jobs
WHERE (state = 3 AND worker_id IN (SELECT id FROM workers WHERE pid = $1) OR state = 2 AND lane = 1) AND ` + roomy

// waitingSQL: all that is due, of conversations where nothing backs off.
const waitingSQL = `
SELECT id, CASE state WHEN 1 THEN epoch + 1 ELSE epoch END, false FROM jobs j
WHERE state IN (1, 2) AND ` + roomy + ` AND NOT EXISTS (
  SELECT 1 FROM jobs b WHERE b.queue = j.queue AND b.serial_key = j.serial_key AND b.state = 0 AND b.id < j.id)`

// snapshot notes which jobs a fault has hit.
func (r *rig) snapshot(ctx context.Context, sql string, args ...any) (hit []copyOf, err error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	err = untilDone(ctx, func(ctx context.Context) error {
		rows, err := r.pool.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		hit, err = pgx.CollectRows(rows, pgx.RowToStructByPos[copyOf])
		return err
	})
	return hit, err
}

const underWaySQL = `
SELECT count(*) FILTER (WHERE at IS NULL), max(at), coalesce(min(id) FILTER (WHERE at IS NULL), 0) FROM (
  SELECT t.id, least(
    (SELECT min(started_at) FROM job_events WHERE job_id = t.id AND epoch >= t.e),
    (SELECT min(at) FROM job_events WHERE job_id = t.id AND epoch = t.e - 1 AND t.ran),
    (SELECT min(started_at) FROM job_history WHERE id = t.id AND run_epoch >= t.e),
    (SELECT min(finished_at) FROM job_history WHERE id = t.id),
    (SELECT started_at FROM jobs WHERE id = t.id AND run_epoch >= t.e)) AS at
  FROM unnest($1::bigint[], $2::int[], $3::boolean[]) t(id, e, ran)) x`

// underWay is the recovery of the jobs a fault has hit, by the ledger's own
// times.
func (r *rig) underWay(from time.Time, hit []copyOf) recovery {
	ids, epochs, ran := make([]int64, len(hit)), make([]int32, len(hit)), make([]bool, len(hit))
	for i, c := range hit {
		ids[i], epochs[i], ran[i] = c.ID, c.From, c.Ran
	}
	return func(ctx context.Context) (time.Time, time.Time, error) {
		if len(hit) == 0 {
			return from, time.Time{}, nil
		}
		var last *time.Time
		err := untilDone(ctx, func(ctx context.Context) error {
			var left int
			var example int64
			if err := r.pool.QueryRow(ctx, underWaySQL, ids, epochs, ran).Scan(&left, &last, &example); err != nil {
				return err
			}
			if left > 0 {
				return fmt.Errorf("%d of %d jobs are not under way again, job %d for one", left, len(hit), example)
			}
			return nil
		})
		if err != nil {
			return from, time.Time{}, err
		}
		return from, *last, nil
	}
}

// writtenSQL asks for the first thing written after $1.
const writtenSQL = `
SELECT min(at) FROM (
  SELECT min(created_at) AS at FROM messages WHERE created_at > $1
  UNION ALL SELECT min(finished_at) FROM job_history WHERE finished_at > $1
  UNION ALL SELECT min(at) FROM job_events WHERE at > $1
  UNION ALL SELECT min(started_at) FROM jobs WHERE started_at > $1
  UNION ALL SELECT min(beat_at) FROM workers WHERE beat_at > $1) x`

// written is the recovery that ends with the first successful write.
func (r *rig) written(from time.Time) recovery {
	return func(ctx context.Context) (time.Time, time.Time, error) {
		var first *time.Time
		err := untilDone(ctx, func(ctx context.Context) error {
			if err := r.pool.QueryRow(ctx, writtenSQL, from).Scan(&first); err != nil {
				return err
			}
			if first == nil {
				return fmt.Errorf("nothing has been written since %s", from)
			}
			return nil
		})
		if err != nil {
			return from, time.Time{}, err
		}
		return from, *first, nil
	}
}
