package store

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/trace"
)

// target is a status with the message it is about; messageID 0: not known yet.
type target struct {
	from                      *delivery
	status                    inbox.StatusUpdate
	at                        time.Time
	channelID                 int64
	messageID, conversationID int64
	jobID                     int64
	found                     inbox.MessageStatus // when it was looked up
	trace                     string              // of the message; empty: it is not traced
}

// queueTargets finds the message of each status: by the provider's id, else by
// our own callback if the message has no provider id yet.
func (in *ingestion) queueTargets(b *pgx.Batch) {
	n := len(in.batch.Statuses)
	if n == 0 {
		return
	}
	kinds, accounts, ids, jobs := make([]string, n), make([]string, n), make([]string, n), make([]int64, n)
	for i, x := range in.batch.Statuses {
		at := addressOf(x.Account)
		kinds[i], accounts[i], ids[i], jobs[i] = string(at.kind), at.externalID, x.ProviderID, x.JobID
	}
	b.Queue(`
WITH u AS MATERIALIZED (
  SELECT u.place, u.provider_id, u.job_id, h.id AS channel_id
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY AS u(kind, external_id, provider_id, job_id, place)
  JOIN channels h ON h.kind = u.kind AND h.external_id = u.external_id)
SELECT u.place, u.channel_id, coalesce(m.id, 0), coalesce(m.conversation_id, 0), coalesce(m.job_id, 0), coalesce(m.status, 0), coalesce(m.trace, '')
FROM u LEFT JOIN LATERAL (
  SELECT * FROM (
    (SELECT p.id, p.conversation_id, p.job_id, p.status, p.trace, 1 AS rank FROM messages p
     WHERE p.channel_id = u.channel_id AND p.provider_id = u.provider_id AND NOT p.inbound)
    UNION ALL
    (SELECT j.id, j.conversation_id, j.job_id, j.status, j.trace, 2 FROM messages j
     WHERE u.job_id > 0 AND j.job_id = u.job_id AND j.channel_id = u.channel_id AND j.provider_id IS NULL)) c
  ORDER BY c.rank LIMIT 1) m ON true`, kinds, accounts, ids, jobs).Query(func(rows pgx.Rows) error {
		var place int64
		var t target
		fields := []any{&place, &t.channelID, &t.messageID, &t.conversationID, &t.jobID, &t.found, &t.trace}
		_, err := pgx.ForEachRow(rows, fields, func() error {
			t.status = in.batch.Statuses[place-1]
			t.at = in.sane(t.status.At)
			t.from = in.whose(int(place-1), func(b inbox.Batch) int { return len(b.Statuses) })
			if _, fault := in.channel(t.status.Account); fault == nil {
				in.targets = append(in.targets, t)
			}
			return nil
		})
		sortStatuses(in.targets)
		return err
	})
}

// traceStatuses adds what the provider has told to the traces of the messages it
// is about.
func traceStatuses(ctx context.Context, told []target) {
	for _, t := range told {
		_, span := trace.Join(ctx, t.trace, "message "+t.status.Status.String())
		span.Number("message_id", t.messageID)
		span.Number("job_id", t.jobID)
		span.End()
	}
}

// settlements are the jobs whose end the provider now tells: those of messages
// we did not know to have gone out. That a message went out ends its job,
// whichever attempt did it; a failure ends the attempt it speaks of.
func (in *ingestion) settlements() []job.Settlement {
	var all []job.Settlement
	for _, t := range in.targets {
		if t.jobID == 0 || !unsettled(t.found) || !providers(t.status.Status) {
			continue
		}
		s := job.Settlement{ID: t.jobID}
		if t.status.Status == inbox.Failed && t.status.JobID == t.jobID {
			s.Epoch = t.status.Epoch
		}
		all = append(all, s)
	}
	return all
}

// heldSQL locks messages and reads them. Jobs are locked before messages, so
// what it finds of a job that settlements named is how that job is.
const heldSQL = `
SELECT m.id, m.org_id, m.conversation_id, m.channel_id, coalesce(m.author_id, 0), h.kind, m.kind, m.origin,
       coalesce(m.job_id, 0), CASE WHEN m.provider_id IS NULL THEN coalesce(
         (SELECT d.run_epoch FROM job_history d WHERE d.id = m.job_id LIMIT 1),
         (SELECT j.run_epoch FROM jobs j WHERE j.id = m.job_id AND ` + jobDead + `), 0) ELSE 0 END,
       m.status, m.attempts, coalesce(m.provider_id, ''), coalesce(m.error_class, ''), coalesce(m.error_text, ''), coalesce(m.error_code, 0),
       m.clock_at IS NOT NULL, m.created_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at
FROM messages m JOIN channels h ON h.id = m.channel_id
WHERE m.id = ANY($1::bigint[]) ORDER BY m.id FOR NO KEY UPDATE OF m`

// queueHold locks the messages of the statuses, in id order, and reads them.
func (in *ingestion) queueHold(b *pgx.Batch) {
	var ids []int64
	for _, t := range in.targets {
		if t.messageID != 0 {
			ids = append(ids, t.messageID)
		}
	}
	if len(ids) == 0 {
		return
	}
	b.Queue(heldSQL, unique(ids)).Query(func(rows pgx.Rows) error {
		var m sentMessage
		_, err := pgx.ForEachRow(rows, []any{
			&m.id, &m.orgID, &m.conversationID, &m.channelID, &m.authorID, &m.channel, &m.kind, &m.origin,
			&m.jobID, &m.ended, &m.status, &m.attempts, &m.providerID, &m.errorClass, &m.errorText, &m.errorCode,
			&m.human, &m.createdAt, orZero(&m.sentAt), orZero(&m.deliveredAt), orZero(&m.readAt), orZero(&m.failedAt),
		}, func() error {
			held := m
			held.was = held.status
			in.held[m.id] = &held
			return nil
		})
		return err
	})
}

// judge settles jobs, then decides with the messages' rows in hand what the
// statuses mean: jobs come before messages in the lock order.
func (in *ingestion) judge(ctx context.Context, u *unit) error {
	if len(in.targets) == 0 {
		return nil
	}
	settlements := in.settlements()
	var settled []job.Settled
	if len(settlements) > 0 {
		var err error
		if settled, err = in.store.jobs.Settle(ctx, u.tx, settlements); err != nil {
			return err
		}
	}
	if len(settlements) > 0 || in.adopted {
		b := u.batch()
		in.queueHold(b)
		if err := u.send(ctx, b); err != nil {
			return fmt.Errorf("lock messages: %w", err)
		}
	}
	in.noteAttempts(settled)
	if err := in.apply(settlements); err != nil {
		return err
	}
	return in.tryAgain(ctx, u)
}

// apply moves the messages. They were found before they were locked: one that
// has meanwhile been given another send is not the status's any more, which is
// then as good as one of a message nobody knows.
func (in *ingestion) apply(settlements []job.Settlement) error {
	for i := range in.targets {
		t := &in.targets[i]
		m := in.held[t.messageID]
		switch {
		case m == nil || !providers(t.status.Status):
		case !m.concerns(t.status):
			t.messageID = 0
		case m.jobID != 0 && unsettled(m.was) && !slices.ContainsFunc(settlements, func(s job.Settlement) bool { return s.ID == m.jobID }):
			return errLost // its job was not asked to end
		case m.apply(t.status, t.at):
			m.said = t.from
			t.from.applied.Statuses++
		}
	}
	return nil
}

func (in *ingestion) noteAttempts(settled []job.Settled) {
	attempts := make(map[int64]int, len(settled))
	for _, s := range settled {
		attempts[s.ID] = s.Attempt
		first := slices.IndexFunc(in.targets, func(t target) bool { return t.jobID == s.ID })
		in.targets[first].from.applied.Settled++
	}
	for _, m := range in.held {
		if n := attempts[m.jobID]; n > m.attempts {
			m.attempts, m.changed = n, true
		}
	}
}

// tryAgain makes new jobs for messages that failed late for a reason that
// passes, and notes whose clock may have changed.
func (in *ingestion) tryAgain(ctx context.Context, u *unit) error {
	var jobs []job.New
	var whose []*sentMessage
	for _, m := range in.inOrder() {
		if m.human && (counts(m.status) != counts(m.was) || m.failsLate()) {
			in.clocks = append(in.clocks, m.conversationID)
			in.counted = append(in.counted, m.id)
		}
		if !m.failsLate() {
			continue
		}
		in.voided = append(in.voided, m.id)
		if next, ok := m.anotherTry(in.now, rand.Float64()); ok { //nolint:gosec // jitter needs no secrecy
			next.Trace = m.said.parent()
			jobs, whose = append(jobs, next), append(whose, m)
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	ids, err := in.store.jobs.Insert(ctx, u.tx, jobs...)
	if err != nil {
		return err
	}
	for i, m := range whose {
		m.changed = false // all that is known of this send is forgotten
		in.again = append(in.again, requeue{m.id, ids[i], jobs[i].Attempt})
	}
	return nil
}

func (in *ingestion) inOrder() []*sentMessage {
	all := make([]*sentMessage, 0, len(in.held))
	for _, m := range in.held {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *sentMessage) int { return cmp.Compare(a.id, b.id) })
	return all
}

// queueHeld writes the messages that changed.
func (in *ingestion) queueHeld(b *pgx.Batch) {
	var ids, jobs []int64
	var status, attempts []int16
	var codes []int32
	var providers, classes, texts []string
	var sent, delivered, read, failed []*time.Time
	for _, m := range in.inOrder() {
		if !m.changed {
			continue
		}
		ids, jobs, providers = append(ids, m.id), append(jobs, m.jobID), append(providers, m.providerID)
		status, attempts = append(status, int16(m.status)), append(attempts, int16(min(m.attempts, 1000))) //nolint:gosec // bounded
		classes, codes, texts = append(classes, m.errorClass), append(codes, m.errorCode), append(texts, m.errorText)
		sent, delivered = append(sent, optional(m.sentAt)), append(delivered, optional(m.deliveredAt))
		read, failed = append(read, optional(m.readAt)), append(failed, optional(m.failedAt))
	}
	if len(ids) == 0 {
		return
	}
	b.Queue(`
UPDATE messages m SET status = u.status, attempts = u.attempts, job_id = nullif(u.job_id, 0), provider_id = nullif(u.provider_id, ''),
       error_class = nullif(u.class, ''), error_code = nullif(u.code, 0), error_text = nullif(u.text, ''),
       sent_at = u.sent_at, delivered_at = u.delivered_at, read_at = u.read_at, failed_at = u.failed_at
FROM unnest($1::bigint[], $2::smallint[], $3::smallint[], $4::bigint[], $5::text[], $6::text[], $7::int[], $8::text[],
            $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[])
     AS u(id, status, attempts, job_id, provider_id, class, code, text, sent_at, delivered_at, read_at, failed_at)
WHERE m.id = u.id AND m.id = ANY($1::bigint[])`, ids, status, attempts, jobs, providers, classes, codes, texts, sent, delivered, read, failed)
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
