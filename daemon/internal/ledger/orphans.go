package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

const orphanBatch = 500

// maxLost is how many workers a job may take with it before it is put aside:
// one that kills its worker must not kill them all. It counts apart from the
// attempts, which a death gives back.
const maxLost = 3

// orphansSQL chooses running jobs whose worker is dead or gone. Types $2 (sends)
// become uncertain, the others run again, or are dead as poison.
const orphansSQL = `
WITH l AS MATERIALIZED (
       SELECT j.id FROM jobs j LEFT JOIN workers w ON w.id = j.worker_id
       WHERE j.state IN (2, 3) AND (j.state+0) = 3 AND (w.id IS NULL OR w.dead_at IS NOT NULL) AND j.id > $6
       ORDER BY j.id LIMIT $1 FOR NO KEY UPDATE OF j SKIP LOCKED),
     g AS (
       UPDATE jobs j SET lost = j.lost + 1,
              state = CASE WHEN j.job_type = ANY($2::smallint[]) THEN 4 WHEN j.lost + 1 >= $5 THEN 6 ELSE 1 END,
              attempt = CASE WHEN j.job_type = ANY($2::smallint[]) OR j.lost + 1 >= $5 THEN j.attempt ELSE j.attempt - 1 END,
              ready_at = CASE WHEN j.job_type = ANY($2::smallint[]) THEN j.ready_at ELSE clock_timestamp() END,
              error_class = CASE WHEN j.job_type = ANY($2::smallint[]) OR j.lost + 1 < $5 THEN $3 ELSE $4 END,
              last_error = 'the worker died while it ran this job'
       FROM l WHERE j.id = l.id
       RETURNING j.*),
     v AS (
       INSERT INTO job_events (job_id, org_id, queue, job_type, kind, epoch, attempt, lane, worker_id,
                               error_class, error_text, ready_at, started_at)
       SELECT id, org_id, queue, job_type, CASE state WHEN 4 THEN 3 WHEN 6 THEN 2 ELSE 1 END, run_epoch,
              CASE state WHEN 1 THEN attempt + 1 ELSE attempt END, lane, worker_id, error_class, last_error, ready_at, started_at FROM g)
SELECT id, run_epoch, coalesce(subject_id, 0), attempt::int, state FROM g`

// Orphans makes T12 for the running jobs of dead or missing workers and
// returns how many it found. Jobs with an outside effect become uncertain:
// nobody knows whether the effect happened.
//
// A message that somebody has locked delays only its own job: when a chunk is
// held up they are taken one by one.
func (l *Ledger) Orphans(ctx context.Context) (int, error) {
	total, size, after := 0, orphanBatch, int64(0)
	for {
		n, last, err := l.orphanChunk(ctx, size, after)
		total += n
		switch {
		case err != nil && isLockTimeout(err) && size > 1:
			size = 1
		case err != nil && (!isLockTimeout(err) || last == after):
			return total, err
		case last == after: // nothing more was found
			return total, nil
		default:
			after = last
		}
	}
}

// orphanChunk takes over up to size jobs with ids above after. last is the
// highest id it found, also if they could not be taken over.
func (l *Ledger) orphanChunk(ctx context.Context, size int, after int64) (n int, last int64, err error) {
	last = after
	err = pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, orphansSQL, size, atMostOnceTypes(),
			string(job.ClassWorkerLost), string(job.ClassPoison), maxLost, after)
		if err != nil {
			return err
		}
		var effects []job.Effect
		taken, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (state job.State, err error) {
			e := job.Effect{Status: inbox.Uncertain, Class: job.ClassWorkerLost}
			if err = row.Scan(&e.JobID, &e.Epoch, &e.MessageID, &e.Attempt, &state); state == job.Uncertain {
				effects = append(effects, e)
			}
			last = max(last, e.JobID)
			return state, err
		})
		n = len(taken)
		if err != nil || len(effects) == 0 {
			return err
		}
		b := &pgx.Batch{}
		l.effects.QueueEffects(b, effects)
		l.metrics.uncertain.Add(float64(len(effects)))
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return 0, last, fmt.Errorf("take over the jobs of dead workers: %w", err)
	}
	if n > 0 {
		l.log.WarnContext(ctx, "jobs of dead workers taken over", "count", n)
		l.wake.ring()
	}
	return n, last, nil
}

func atMostOnceTypes() (types []int16) {
	for _, t := range job.Types() {
		if job.PolicyOf(t).AtMostOnce {
			types = append(types, int16(t))
		}
	}
	return types
}
