package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/trace"
)

// failedMessage is what a retry must know of its message.
type failedMessage struct {
	found    bool
	status   inbox.MessageStatus
	kind     inbox.MessageKind
	origin   inbox.Origin
	authorID int64
	jobID    int64
}

// RetryMessage sends a failed message again, with all its attempts. Faults:
// NotFound for the message, Conflict if its outcome is uncertain or it has not
// failed, and as Reply.
// Round trips: BEGIN, key, conversation lock; revive the job; read the message
// under its lock; if the job is gone insert one; message, key and COMMIT.
func (s *Store) RetryMessage(ctx context.Context, r inbox.MessageRetry) (inbox.Receipt, error) {
	ctx = Named(ctx, QuerySend)
	var t thread
	var m failedMessage
	var wake []job.Queue
	receipt, err := write(ctx, s, r.OrgID, r.Once, func(b *pgx.Batch) {
		t.queue(b, `(SELECT m.conversation_id FROM messages m WHERE m.id = $1 AND m.org_id = $2)`, r.MessageID, r.OrgID)
		m.queue(b, r, ``)
	}, func(u *unit) (inbox.Receipt, *pgx.Batch, error) {
		if err := m.check(t, r.MessageID, s.now()); err != nil {
			return inbox.Receipt{}, nil, err
		}
		jobID, err := s.attemptAgain(ctx, u, t, &m, r)
		if err != nil {
			return inbox.Receipt{}, nil, err
		}
		wake = append(wake, queueOf(t.kind))
		b := u.batch()
		queueRequeue(b, s.now(), requeue{r.MessageID, jobID, 0})
		return inbox.Receipt{
			MessageID: r.MessageID, Status: inbox.Queued.String(), JobID: jobID, JobState: job.Ready.String(),
		}, b, nil
	})
	if err != nil {
		return inbox.Receipt{}, fmt.Errorf("retry message %d: %w", r.MessageID, err)
	}
	if len(wake) > 0 {
		s.jobs.Wake(wake...)
	}
	return receipt, nil
}

// attemptAgain gives the message a job. Jobs come before messages in the lock
// order; the message is read again after the job is ours, because an operator's
// bulk retry holds the job but not the conversation.
func (s *Store) attemptAgain(ctx context.Context, u *unit, t thread, m *failedMessage, r inbox.MessageRetry) (int64, error) {
	revived, err := s.jobs.Revive(ctx, u.tx, r.OrgID, m.jobID)
	if err != nil {
		return 0, err
	}
	b := u.batch()
	m.queue(b, r, ` FOR NO KEY UPDATE`)
	if err := u.send(ctx, b); err != nil {
		return 0, err
	}
	if err := m.check(t, r.MessageID, s.now()); err != nil {
		return 0, err
	}
	if revived {
		return m.jobID, nil
	}
	again := sending{
		id: r.MessageID, orgID: r.OrgID, conversationID: t.id, authorID: m.authorID, channelID: t.channelID, channel: t.kind, kind: m.kind, origin: m.origin,
	}.job()
	again.Trace = trace.Parent(ctx)
	ids, err := s.jobs.Insert(ctx, u.tx, again)
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

func (m *failedMessage) queue(b *pgx.Batch, r inbox.MessageRetry, lock string) {
	b.Queue(`
SELECT status, kind, origin, coalesce(author_id, 0), coalesce(job_id, 0) FROM messages
WHERE id = $1 AND org_id = $2`+lock, r.MessageID, r.OrgID).Query(func(rows pgx.Rows) error {
		m.found = false
		_, err := pgx.ForEachRow(rows, []any{&m.status, &m.kind, &m.origin, &m.authorID, &m.jobID}, func() error {
			m.found = true
			return nil
		})
		return err
	})
}

func (m *failedMessage) check(t thread, id int64, now time.Time) error {
	switch {
	case !m.found || !t.found:
		return messageNotFound(id)
	case m.status == inbox.Uncertain:
		return inbox.Faultf(inbox.Conflict, "message_uncertain", "the message may have arrived: it is not sent again before Meta has said what became of it")
	case m.status != inbox.Failed:
		return inbox.Faultf(inbox.Conflict, "message_not_failed", "the message is %s: only a failed message can be sent again", m.status)
	}
	return t.check(m.kind, now)
}

// requeue is a message that waits for another send.
type requeue struct {
	id, jobID int64
	attempts  int // used up by earlier jobs
}

// queueRequeue makes messages queued again, each with the job that sends it.
// Where the agent pressed send again the message stops the clock from then;
// zero: from when it did.
func queueRequeue(b *pgx.Batch, pressed time.Time, all ...requeue) {
	if len(all) == 0 {
		return
	}
	n := len(all)
	ids, jobs, attempts := make([]int64, n), make([]int64, n), make([]int16, n)
	for i, r := range all {
		ids[i], jobs[i], attempts[i] = r.id, r.jobID, int16(min(r.attempts, 1000)) //nolint:gosec // bounded
	}
	b.Queue(`
UPDATE messages m SET job_id = u.job_id,`+requeueSet(`u.attempts`, `CASE WHEN m.clock_at IS NOT NULL THEN coalesce($4::timestamptz, m.clock_at) END`)+`
FROM unnest($1::bigint[], $2::bigint[], $3::smallint[]) AS u(id, job_id, attempts)
WHERE m.id = u.id AND m.id = ANY($1::bigint[])`, ids, jobs, attempts, orNull(pressed))
}
