package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// The three ways an operator settles doubt. Each keeps the guard "uncertain" in
// the statement that writes, and tells in job_events who did it.
const (
	resolveSentSQL = `
WITH d AS (DELETE FROM jobs j WHERE j.id = $1 AND (j.state+0) = 4 AND ($2 = 0 OR j.org_id = $2) RETURNING j.*),
     h AS (INSERT INTO job_history (outcome, ` + historyColumns + `) SELECT 1, ` + historyColumns + ` FROM d)
SELECT id, org_id, queue, job_type, run_epoch, attempt, lane, coalesce(subject_id, 0) FROM d`

	resolveNotSentSQL = `
UPDATE jobs j SET state = 6, error_class = 'unknown_outcome', last_error = 'an operator says it was not sent'
WHERE j.id = $1 AND (j.state+0) = 4 AND ($2 = 0 OR j.org_id = $2)
RETURNING j.id, j.org_id, j.queue, j.job_type, j.run_epoch, j.attempt, j.lane, coalesce(j.subject_id, 0)`

	resolveResendSQL = `
UPDATE jobs j SET` + reviveSet + `
FROM unnest($3::smallint[], $4::interval[]) p(job_type, patience)
WHERE j.id = $1 AND (j.state+0) = 4 AND ($2 = 0 OR j.org_id = $2) AND p.job_type = j.job_type
RETURNING j.id, j.org_id, j.queue, j.job_type, j.run_epoch, j.attempt, j.lane, coalesce(j.subject_id, 0)`

	resolvedSQL = `
INSERT INTO job_events (job_id, org_id, queue, job_type, kind, epoch, attempt, lane, error_class, error_text)
VALUES ($1, $2, $3, $4, 4, $5, $6, $7, $8, $9)`
)

// resolved is the job as it was settled.
type resolved struct {
	ID, OrgID int64
	Queue     job.Queue
	Type      job.Type
	RunEpoch  int32
	Attempt   int16
	Lane      job.Lane
	SubjectID int64
}

// Resolve makes T13 or T14 for one uncertain job, by an operator: it was sent
// (done), it was not (dead, so that it can be retried), or it is to be sent
// again, whatever happened (ready). It returns the job's new state. Faults:
// NotFound, and Conflict for a job that is not uncertain. orgID 0 means any org.
func (l *Ledger) Resolve(ctx context.Context, orgID, jobID int64, how inspect.Resolution, by string) (string, error) {
	var r resolved
	err := pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		sql, args, err := resolveSQL(orgID, jobID, how)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[resolved])
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return l.notUncertain(ctx, orgID, jobID)
		}
		r = all[0]
		b := &pgx.Batch{}
		b.Queue(resolvedSQL, r.ID, r.OrgID, r.Queue, r.Type, r.RunEpoch, r.Attempt, r.Lane, string(how), storable("by "+by))
		if e, ok := r.effect(how); ok {
			l.effects.QueueEffects(b, []job.Effect{e})
		}
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Record{
			OrgID: r.OrgID, Target: fmt.Sprintf("job %d", r.ID), Before: job.Uncertain.String(), After: how.State(),
		})
	})
	if err != nil {
		return "", fmt.Errorf("resolve job %d: %w", jobID, err)
	}
	l.Wake(r.Queue)
	return how.State(), nil
}

func resolveSQL(orgID, jobID int64, how inspect.Resolution) (sql string, args []any, err error) {
	switch how {
	case inspect.ResolvedSent:
		return resolveSentSQL, []any{jobID, orgID}, nil
	case inspect.ResolvedNotSent:
		return resolveNotSentSQL, []any{jobID, orgID}, nil
	case inspect.ResolvedResend:
		types, lives := patience()
		return resolveResendSQL, []any{jobID, orgID, types, lives}, nil
	}
	return "", nil, inbox.Faultf(inbox.Invalid, "bad_resolution", "a job is resolved as sent, not_sent or resend, not %q", how)
}

func (l *Ledger) notUncertain(ctx context.Context, orgID, jobID int64) error {
	d, err := l.Job(ctx, orgID, jobID)
	if err != nil {
		return err
	}
	return inbox.Faultf(inbox.Conflict, "job_not_uncertain", "job %d is %s: only an uncertain job can be resolved", jobID, d.Word())
}

// effect is what the word of an operator means for the message.
func (r resolved) effect(how inspect.Resolution) (job.Effect, bool) {
	e := job.Effect{JobID: r.ID, Epoch: r.RunEpoch, MessageID: r.SubjectID}
	if r.SubjectID == 0 || !job.PolicyOf(r.Type).AtMostOnce {
		return e, false
	}
	switch how {
	case inspect.ResolvedSent:
		e.Status, e.Attempt = inbox.Sent, int(r.Attempt)
	case inspect.ResolvedNotSent:
		e.Status, e.Class, e.Attempt = inbox.Failed, job.ClassUnknownOutcome, int(r.Attempt)
	case inspect.ResolvedResend:
		e.Status = inbox.Queued
	}
	return e, true
}
