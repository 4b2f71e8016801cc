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
WITH g AS (DELETE FROM jobs j USING unnest($1::bigint[]) u(id) WHERE j.id = u.id AND (j.state+0) = 4 AND ($2 = 0 OR j.org_id = $2) RETURNING j.*),
     h AS (INSERT INTO job_history (outcome, ` + historyColumns + `) SELECT 1, ` + historyColumns + ` FROM g),` + resolvedSQL

	resolveNotSentSQL = `
WITH g AS (
       UPDATE jobs j SET state = 6, error_class = 'unknown_outcome', last_error = 'an operator says it was not sent'
       FROM unnest($1::bigint[]) u(id) WHERE j.id = u.id AND (j.state+0) = 4 AND ($2 = 0 OR j.org_id = $2)
       RETURNING j.*),` + resolvedSQL

	resolveResendSQL = `
WITH g AS (
       UPDATE jobs j SET` + reviveSet + `
       FROM unnest($1::bigint[]) u(id), unnest($5::smallint[], $6::interval[]) p(job_type, patience)
       WHERE j.id = u.id AND (j.state+0) = 4 AND ($2 = 0 OR j.org_id = $2) AND p.job_type = j.job_type
       RETURNING j.*),` + resolvedSQL

	resolvedSQL = `
     v AS (
       INSERT INTO job_events (job_id, org_id, queue, job_type, kind, epoch, attempt, lane, error_class, error_text)
       SELECT id, org_id, queue, job_type, 4, run_epoch, attempt, lane, $3, $4 FROM g)
SELECT id, queue, job_type, run_epoch, attempt, coalesce(subject_id, 0), org_id FROM g`
)

// resolved is the job as it was settled.
type resolved struct {
	ID        int64
	Queue     job.Queue
	Type      job.Type
	RunEpoch  int32
	Attempt   int16
	SubjectID int64
	OrgID     int64
}

// Resolve makes T13 or T14 for one uncertain job, by an operator: it was sent
// (done), it was not (dead, so that it can be retried), or it is to be sent
// again, whatever happened (ready). It returns the job's new state. Faults:
// NotFound, and Conflict for a job that is not uncertain. orgID 0 means any org.
func (l *Ledger) Resolve(ctx context.Context, orgID, jobID int64, how inspect.Resolution, by string) (string, error) {
	var all []resolved
	err := pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) (err error) {
		if all, err = l.resolve(ctx, tx, orgID, []int64{jobID}, how, by); err != nil {
			return err
		}
		if len(all) == 0 {
			return l.notUncertain(ctx, orgID, jobID)
		}
		return audit.Write(ctx, tx, audit.Record{
			OrgID: all[0].OrgID, Target: fmt.Sprintf("job %d", jobID), Before: job.Uncertain.String(), After: how.State(),
		})
	})
	if err != nil {
		return "", fmt.Errorf("resolve job %d: %w", jobID, err)
	}
	l.Wake(all[0].Queue)
	return how.State(), nil
}

// resolve settles those of the jobs that are uncertain, with their messages.
func (l *Ledger) resolve(ctx context.Context, tx pgx.Tx, orgID int64, ids []int64, how inspect.Resolution, by string) ([]resolved, error) {
	sql, args, err := resolveSQL(orgID, ids, how, by)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[resolved])
	if err != nil {
		return nil, err
	}
	var effects []job.Effect
	for _, r := range all {
		if e, ok := r.effect(how); ok {
			effects = append(effects, e)
		}
	}
	if len(effects) == 0 {
		return all, nil
	}
	b := &pgx.Batch{}
	l.effects.QueueEffects(b, effects)
	return all, tx.SendBatch(ctx, b).Close()
}

func resolveSQL(orgID int64, ids []int64, how inspect.Resolution, by string) (sql string, args []any, err error) {
	args = []any{ids, orgID, string(how), storable("by " + by)}
	switch how {
	case inspect.ResolvedSent:
		return resolveSentSQL, args, nil
	case inspect.ResolvedNotSent:
		return resolveNotSentSQL, args, nil
	case inspect.ResolvedResend:
		types, lives := patience()
		return resolveResendSQL, append(args, types, lives), nil
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
