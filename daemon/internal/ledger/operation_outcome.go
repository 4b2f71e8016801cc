package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

const (
	watchTime     = 24 * time.Hour      // how long what becomes of jobs is looked at after an operation has ended
	operationLife = 30 * 24 * time.Hour // how long an ended one is kept
	pruneEvery    = 10 * time.Minute
	pruneRows     = 1000
	tallyRows     = 1000
)

// notSuch: that none of the named jobs is there, or fits, is an answer.
func notSuch(err error) error {
	if k := inbox.KindOf(err); k == inbox.NotFound || k == inbox.Conflict {
		return nil
	}
	return err
}

// tooBad says why the operation must stop by itself; empty: it need not.
func (t *turn) tooBad(most *float64) string {
	bad, all := t.failedAgain, t.succeeded+t.failedAgain
	if !sends(t.kind, t.as) {
		bad, all = t.failed, t.done+t.failed
	}
	if most == nil || all < fewOutcomes || float64(bad) <= *most*float64(all) {
		return ""
	}
	return fmt.Sprintf("%d of %d jobs failed: more than the share of %g", bad, all, *most)
}

func (t *turn) end(ctx context.Context, runner string, state operation.State, why string) error {
	_, err := t.tx.Exec(ctx, endSQL, t.id, runner, string(state), storable(why))
	return err
}

// locked reports whether jobs are left that somebody held each time.
func (t *turn) locked(ctx context.Context) (yes bool, err error) {
	err = t.tx.QueryRow(ctx, `
SELECT EXISTS (SELECT 1 FROM operation_items i WHERE i.operation_id = $1 AND i.result <> 1 AND i.result = 0)`, t.id).Scan(&yes)
	return yes, err
}

// canaryOutcome counts what became of the jobs so far. One that waits after a
// failed attempt has failed: whoever looks at a canary will not wait for the
// last attempt.
func (t *turn) canaryOutcome(ctx context.Context) (waiting, failed, ran int64, err error) {
	err = t.tx.QueryRow(ctx, `
WITH s AS (
       SELECT CASE WHEN j.id IS NULL THEN (SELECT CASE h.outcome WHEN 1 THEN 1 ELSE 2 END FROM job_history h
                                           WHERE h.id = i.job_id AND h.finished_at >= i.at - interval '1 min' LIMIT 1)
                   WHEN (j.state+0) IN (4, 6) OR (j.state+0) = 0 AND j.attempt > 0 THEN 2 ELSE 0 END AS outcome
       FROM operation_items i LEFT JOIN jobs j ON j.id = i.job_id WHERE i.operation_id = $1 AND i.result = 1 AND NOT i.undone)
SELECT count(*) FILTER (WHERE outcome = 0), count(*) FILTER (WHERE outcome = 2), count(*) FILTER (WHERE outcome <> 0) FROM s`, t.id).
		Scan(&waiting, &failed, &ran)
	return waiting, failed, ran, err
}

// keeper keeps the books: plans expire, outcomes are counted, what is old goes.
type keeper struct {
	l      *Ledger
	after  map[int64]int64 // the last job looked at, by operation
	pruned time.Time
}

func (k *keeper) keep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, turnTime)
	defer cancel()
	for what, do := range map[string]func(context.Context) error{"expire": k.expire, "tally": k.tallyAll, "prune": k.prune} {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			k.l.log.WarnContext(ctx, "operations not kept", "task", what, "error", err)
		}
	}
}

func (k *keeper) expire(ctx context.Context) error {
	rows, err := k.l.pool.Query(ctx, `
UPDATE operations SET state = 'expired', finished_at = clock_timestamp() WHERE state = 'planned' AND expires_at <= clock_timestamp() RETURNING id`)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	for _, id := range ids {
		if ctx.Err() != nil {
			break // this turn has had its time
		}
		k.l.dropChunks(ctx, id)
	}
	return err
}

// dropChunks deletes a selection that has served. What it leaves goes with the
// operation.
func (l *Ledger) dropChunks(ctx context.Context, id int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnTime)
	defer cancel()
	if err := l.deleteRows(ctx, `
DELETE FROM operation_chunks WHERE operation_id = $1 AND n IN (SELECT n FROM operation_chunks WHERE operation_id = $1 ORDER BY n LIMIT $2)`, id, pruneRows/10); err != nil {
		l.log.WarnContext(ctx, "selection of an operation not deleted yet", "operation", id, "error", err)
	}
}

func (l *Ledger) deleteRows(ctx context.Context, sql string, id int64, most int) error {
	for {
		tag, err := l.pool.Exec(ctx, sql, id, most)
		if err != nil || tag.RowsAffected() < int64(most) {
			return err
		}
	}
}

func (k *keeper) tallyAll(ctx context.Context) error {
	rows, err := k.l.pool.Query(ctx, `
SELECT id FROM operations WHERE open > 0 AND (finished_at IS NULL OR finished_at > clock_timestamp() - $1::interval) ORDER BY id`, watchTime)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := k.tally(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// tallySQL looks at some jobs whose end is not known yet. Whoever writes items
// holds the row of their operation, so that they stay in their places.
const tallySQL = `
WITH i AS MATERIALIZED (
       SELECT ctid AS place, job_id, at FROM operation_items WHERE operation_id = $1 AND outcome = 0 AND job_id > $2 ORDER BY job_id LIMIT $3),
     s AS MATERIALIZED (
       SELECT i.place,
              CASE WHEN j.id IS NOT NULL THEN CASE WHEN (j.state+0) IN (4, 6) THEN 2 END
                   ELSE (SELECT CASE h.outcome WHEN 1 THEN 1 ELSE 3 END FROM job_history h
                         WHERE h.id = i.job_id AND h.finished_at >= i.at - interval '1 min' LIMIT 1) END AS outcome
       FROM i LEFT JOIN jobs j ON j.id = i.job_id),
     w AS (
       UPDATE operation_items o SET outcome = s.outcome FROM s
       WHERE o.ctid = s.place AND s.outcome IS NOT NULL RETURNING s.outcome),
     n AS (SELECT count(*) AS closed, count(*) FILTER (WHERE outcome = 1) AS succeeded, count(*) FILTER (WHERE outcome = 2) AS failed FROM w),
     u AS (
       UPDATE operations SET open = open - n.closed, succeeded = operations.succeeded + n.succeeded, failed_again = failed_again + n.failed
       FROM n WHERE id = $1 AND n.closed > 0)
SELECT coalesce(max(job_id), 0), count(*) FROM i`

// tally counts what became of some jobs of an operation, a few at a time and in
// turn: its work is bounded however many there are.
func (k *keeper) tally(ctx context.Context, id int64) error {
	return pgx.BeginFunc(ctx, k.l.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `SELECT 1 FROM operations WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED`, id)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		var last, n int64
		if err := tx.QueryRow(ctx, tallySQL, id, k.after[id], tallyRows).Scan(&last, &n); err != nil {
			return err
		}
		if k.after[id] = last; n < tallyRows {
			delete(k.after, id)
		}
		return nil
	})
}

// prune deletes operations that ended long ago, with all that belongs to them.
func (k *keeper) prune(ctx context.Context) error {
	if time.Since(k.pruned) < pruneEvery {
		return nil
	}
	k.pruned = time.Now()
	rows, err := k.l.pool.Query(ctx, `SELECT id FROM operations WHERE finished_at < clock_timestamp() - $1::interval ORDER BY id LIMIT 1000`, operationLife)
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	for _, id := range ids {
		for _, table := range []struct{ name, key string }{{"operation_chunks", "n"}, {"operation_items", "job_id"}, {"operation_messages", "message_id"}} {
			if err := k.l.deleteRows(ctx, `DELETE FROM `+table.name+` WHERE operation_id = $1 AND `+table.key+` IN (
  SELECT `+table.key+` FROM `+table.name+` WHERE operation_id = $1 ORDER BY `+table.key+` LIMIT $2)`, id, pruneRows); err != nil {
				return err
			}
		}
		if _, err := k.l.pool.Exec(ctx, `DELETE FROM operations WHERE id = $1`, id); err != nil {
			return err
		}
	}
	return nil
}
