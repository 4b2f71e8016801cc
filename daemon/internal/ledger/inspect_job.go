package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

const defaultPage = 50

// JobList returns the jobs a filter chooses, newest id first. It looks across
// tenants unless the filter names orgs: the operator may.
func (l *Ledger) JobList(ctx context.Context, f inspect.Filter) ([]inspect.Job, error) {
	if f.Limit <= 0 {
		f.Limit = defaultPage
	}
	sql, args := listSQL(f)
	rows, err := l.reads.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	jobs, err := pgx.CollectRows(rows, scanJob)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return jobs, nil
}

func scanJob(row pgx.CollectableRow) (j inspect.Job, err error) {
	var user, worker, serial, subject *int64
	var class *job.Class
	var text, sig *string
	err = row.Scan(&j.ID, &j.OrgID, &user, &j.Queue, &j.Type, &j.Priority, &j.State, &j.Outcome,
		&j.Attempt, &j.MaxAttempts, &j.Lane, &j.RunEpoch, &worker, &class, &j.ErrorCode, &text,
		&sig, &serial, &subject, &j.CreatedAt, &j.RunAt, &j.ReadyAt, &j.StartedAt, &j.FinishedAt, &j.DeadlineAt,
		&j.Org, &j.User)
	j.WorkerID, j.SerialKey, j.SubjectID = known(worker), known(serial), known(subject)
	j.Class, j.Error, j.Sig = known(class), known(text), known(sig)
	return j, err
}

func known[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// Job returns a job, live or finished, with all that is on record of its life, or
// a NotFound fault. orgID 0 means any org.
func (l *Ledger) Job(ctx context.Context, orgID, id int64) (inspect.Detail, error) {
	j, err := l.oneJob(ctx, orgID, id)
	if err != nil {
		return inspect.Detail{}, err
	}
	d := inspect.Detail{Job: j}
	if d.Attempts, err = l.attempts(ctx, d.Job); err != nil {
		return d, fmt.Errorf("load attempts of job %d: %w", id, err)
	}
	if d.Holds, err = l.pastHolds(ctx, d.Job); err != nil {
		return d, fmt.Errorf("load the holds over job %d: %w", id, err)
	}
	if d.Message, err = l.messageOf(ctx, d.Job); err != nil {
		return d, err
	}
	if d.Operations, err = l.operationsOn(ctx, d.Job); err != nil {
		return d, fmt.Errorf("load the operations on job %d: %w", id, err)
	}
	return d, nil
}

// pastHolds returns every hold that covered the job while it lived, oldest
// first, over or not.
func (l *Ledger) pastHolds(ctx context.Context, j inspect.Job) ([]inspect.Hold, error) {
	rows, err := l.reads.Query(ctx, `
SELECT h.id, coalesce(o.name, ''), coalesce(h.queue, 0), coalesce(h.job_type, 0), h.owner, h.reason, h.created_at, h.expires_at, h.released_at,
       coalesce(h.released_by, '')
FROM holds h LEFT JOIN orgs o ON o.id = h.org_id
WHERE (h.released_at IS NULL OR h.released_at > $4) AND (h.expires_at IS NULL OR h.expires_at > $4)
  AND h.created_at < coalesce($5::timestamptz, clock_timestamp())
  AND (h.org_id IS NULL OR h.org_id = $1) AND (h.queue IS NULL OR h.queue = $2) AND (h.job_type IS NULL OR h.job_type = $3)
  AND (h.org_id IS NULL OR h.queue IS NOT NULL OR h.job_type IS NOT NULL OR $2::smallint <> 5)
ORDER BY h.created_at, h.id LIMIT 100`, j.OrgID, j.Queue, j.Type, j.CreatedAt, j.FinishedAt)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanPastHold)
}

// operationsOn returns the bulk changes that touched a job.
func (l *Ledger) operationsOn(context.Context, inspect.Job) ([]inspect.Operation, error) {
	return nil, nil
}

const attemptsSQL = `
SELECT e.attempt::int, e.epoch, e.kind, e.lane, coalesce(e.worker_id, 0), coalesce(w.host, ''), coalesce(w.pid, 0),
       coalesce(e.error_class, ''), e.error_code, coalesce(e.error_text, ''), e.ready_at, e.started_at, e.at
FROM (SELECT attempt, epoch, kind, lane, worker_id, error_class, error_code, error_text, ready_at, started_at, at
      FROM job_events WHERE job_id = $1 AND kind < 4
      UNION ALL
      SELECT $2::smallint, $3::integer, 0::smallint, $4::smallint, $5::bigint, NULL, NULL, NULL, $6::timestamptz, $7::timestamptz, $8::timestamptz
      WHERE $9) e
LEFT JOIN workers w ON w.id = e.worker_id
ORDER BY e.epoch, coalesce(e.at, 'infinity')`

// attempts are the events of a job and, unless an event tells of it already,
// the execution that is under way or ended it.
func (l *Ledger) attempts(ctx context.Context, j inspect.Job) ([]inspect.Attempt, error) {
	last := j.StartedAt != nil && (j.Outcome != 0 || j.State == job.Running)
	rows, err := l.reads.Query(ctx, attemptsSQL, j.ID, j.Attempt, j.RunEpoch, j.Lane, j.WorkerID,
		j.ReadyAt, j.StartedAt, j.FinishedAt, last)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a inspect.Attempt, err error) {
		var kind int16
		err = row.Scan(&a.Attempt, &a.Epoch, &kind, &a.Lane, &a.WorkerID, &a.Host, &a.PID,
			&a.Class, &a.ErrorCode, &a.Error, &a.ReadyAt, &a.StartedAt, &a.EndedAt)
		a.Outcome = attemptWord(kind, j)
		return a, err
	})
	if err != nil {
		return nil, err
	}
	if n := len(all); last && n > 1 && all[n-2].Epoch == all[n-1].Epoch {
		all = all[:n-1] // An event tells of it: uncertain and settled since, or dead and discarded.
	}
	return all, nil
}

func attemptWord(kind int16, j inspect.Job) string {
	switch kind {
	case eventFailed:
		return "failed"
	case eventDead:
		return "dead"
	case eventUncertain:
		return "uncertain"
	default:
		return j.Word()
	}
}
