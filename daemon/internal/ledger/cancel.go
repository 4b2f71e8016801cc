package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

// A cancel ends (T15) scheduled, ready, dispatched and held jobs; a running one is
// only asked to stop (T16), uncertain and dead ones are never touched.

// CountCancellable counts, per org, the jobs a filter chooses that a cancel
// would end or ask to stop. The filter's states narrow further.
func (l *Ledger) CountCancellable(ctx context.Context, f inspect.Filter) ([]inspect.OrgCount, error) {
	var c conditions
	c.common(f)
	c.live(f)
	rows, err := l.pool.Query(ctx, `
SELECT coalesce(o.name, ''), d.n FROM (
  SELECT j.org_id, count(*) AS n FROM jobs j WHERE j.state IN (0, 1, 2, 3, 5) AND `+c.where()+` GROUP BY j.org_id) d
LEFT JOIN orgs o ON o.id = d.org_id ORDER BY d.n DESC, o.name`, c.args...)
	if err != nil {
		return nil, fmt.Errorf("count jobs to cancel: %w", err)
	}
	counts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[inspect.OrgCount])
	if err != nil {
		return nil, fmt.Errorf("count jobs to cancel: %w", err)
	}
	return counts, nil
}

// Cancel makes T15 for the jobs a filter chooses that have not begun: they are
// cancelled, and acknowledged means they will not run. Running ones are asked
// to stop (T16): what becomes of them is whatever is true. It is an operation
// that is waited for; a row that somebody holds is left to the next call. It
// returns how many it ended and asked, also with an error.
func (l *Ledger) Cancel(ctx context.Context, f inspect.Filter, by string) (cancelled, asked int, err error) {
	o, err := l.operate(ctx, operation.Request{Kind: operation.Cancel, Filter: f, Actor: by})
	if o.Done == 0 {
		return 0, 0, err
	}
	asked, uncounted := l.countAsked(ctx, o.ID)
	return int(o.Done) - asked, asked, errors.Join(err, uncounted)
}

// cut is a job that a cancel or a discard has touched.
type cut struct {
	ID        int64
	RunEpoch  int32
	Type      job.Type
	SubjectID int64
	State     job.State // before
}

// cutSQL ends the jobs of choose, or asks those that run to stop. $2 says why.
// What is discarded keeps in history why it was dead.
func cutSQL(choose string, o job.Outcome) string {
	outcome, class, detail := `2`, `'cancelled'`, `$2::text`
	if o == job.Discarded {
		outcome, class, detail = `3`, `error_class`, `coalesce(last_error, $2::text)`
	}
	return `
WITH c AS MATERIALIZED (` + choose + `),
     asked AS (
       UPDATE jobs j SET cancel_requested = true FROM c WHERE j.id = c.id AND c.st = 3
       RETURNING j.id, j.run_epoch, j.job_type, j.subject_id, c.st),
     d AS (DELETE FROM jobs j USING c WHERE j.id = c.id AND c.st <> 3 RETURNING j.*, c.st),
     h AS (
       INSERT INTO job_history (outcome, ` + historyColumns + `)
       SELECT ` + outcome + `, id, org_id, user_id, queue, job_type, priority, run_epoch, attempt, lane,
              serial_key, subject_id, worker_id, ` + class + `, ` + detail + `, created_at, ready_at, started_at FROM d)
SELECT id, run_epoch, job_type, coalesce(subject_id, 0), st FROM d
UNION ALL
SELECT id, run_epoch, job_type, coalesce(subject_id, 0), st FROM asked`
}

// SweepCancelled ends jobs that were asked to stop while they ran and have come
// back without a result: nobody hands them out any more.
func (l *Ledger) SweepCancelled(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, cutSQL(`
SELECT j.id, (j.state+0) AS st FROM jobs j
WHERE j.cancel_requested AND (j.state+0) IN (0, 1, 2, 5) ORDER BY j.id LIMIT $1::bigint FOR UPDATE SKIP LOCKED`, job.Cancelled), chunkSize, "asked to stop while it ran")
		if err != nil {
			return err
		}
		chunk, err := pgx.CollectRows(rows, pgx.RowToStructByPos[cut])
		if err != nil || len(chunk) == 0 {
			return err
		}
		effects := failedMessages(chunk, "cancelled by an operator")
		if len(effects) == 0 {
			return nil
		}
		b := &pgx.Batch{}
		l.effects.QueueEffects(b, effects)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return fmt.Errorf("end jobs that were asked to stop: %w", err)
	}
	return nil
}

// failedMessages tells the store which messages will not be sent.
func failedMessages(chunk []cut, detail string) (effects []job.Effect) {
	for _, c := range chunk {
		if c.State == job.Running || c.State == job.Dead || c.SubjectID == 0 || !job.PolicyOf(c.Type).AtMostOnce {
			continue
		}
		effects = append(effects, job.Effect{
			JobID: c.ID, Epoch: c.RunEpoch, MessageID: c.SubjectID, Status: inbox.Failed,
			Class: job.ClassCancelled, Detail: detail,
		})
	}
	slices.SortFunc(effects, func(a, b job.Effect) int { return int(a.MessageID - b.MessageID) })
	return effects
}

// CancelRequests returns the jobs running in this worker that somebody wants
// stopped.
func (l *Ledger) CancelRequests(ctx context.Context, workerID int64) ([]job.Ticket, error) {
	rows, err := l.pool.Query(ctx, `
SELECT id, run_epoch FROM jobs WHERE cancel_requested AND (state+0) = 3 AND worker_id = $1`, workerID)
	if err != nil {
		return nil, fmt.Errorf("ask who shall stop: %w", err)
	}
	tickets, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t job.Ticket, err error) {
		err = row.Scan(&t.ID, &t.Epoch)
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("ask who shall stop: %w", err)
	}
	return tickets, nil
}
