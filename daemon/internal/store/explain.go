package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/sla"
)

const (
	explainChunk = 200
	explainAfter = 5 * time.Second // what was pressed in time has committed by then

	// unexplainedSQL reads misses nobody has explained yet, with the first press of
	// send in time. What the agent pressed later did not keep anything from being
	// answered.
	unexplainedSQL = `
SELECT e.id, e.org_id, e.started_at, e.received_at, e.due_at, e.answered_at, e.target_ms, e.judged_at,
       sla_elapsed(e.received_at, coalesce(e.answered_at, e.received_at), p.time_zone, p.business_hours),
       floor(extract(epoch FROM greatest(x.until, e.received_at) - e.received_at) * 1000)::bigint
         - sla_elapsed(e.received_at, x.until, p.time_zone, p.business_hours),
       coalesce(m.id, 0), coalesce(m.job_id, 0), m.created_at, m.failed_at, coalesce(h.kind, ''), coalesce(m.kind = 'template', false)
FROM episodes e LEFT JOIN sla_policies p ON p.id = e.policy_id
LEFT JOIN LATERAL (
  SELECT m.id, m.job_id, m.created_at, CASE m.status WHEN 5 THEN m.failed_at END AS failed_at, m.kind, m.channel_id FROM messages m
  WHERE m.conversation_id = e.conversation_id AND NOT m.inbound AND m.origin = 'user' AND m.clock_at >= e.started_at
    AND m.created_at >= e.started_at AND m.created_at < e.due_at
  ORDER BY m.created_at, m.id LIMIT 1) m ON true
LEFT JOIN channels h ON h.id = m.channel_id
CROSS JOIN LATERAL (SELECT coalesce(m.created_at, e.answered_at, e.due_at) AS until) x
WHERE e.outcome = 2 AND e.cause IS NULL AND e.judged_at IS NOT NULL AND e.judged_at <= $2
ORDER BY e.id LIMIT $1`

	// attemptsSQL is the story of message $1 of org $2 from $4 to $5, whose latest
	// job is $3: attempts that failed, jobs that ended, and the one there is. What
	// the provider accepted and failed later, at $6, was under way until then.
	attemptsSQL = `
WITH j AS MATERIALIZED (
  SELECT $3::bigint AS id
  UNION
  SELECT h.id FROM job_history h
  WHERE h.org_id = $2 AND h.queue IN (1, 2) AND h.finished_at >= $4 AND h.finished_at < $5::timestamptz + interval '1 hour' AND h.subject_id = $1)
SELECT v.ready_at, v.started_at, v.at, coalesce(v.error_class, ''), v.kind = 2
FROM j JOIN job_events v ON v.job_id = j.id WHERE v.kind IN (1, 2)
UNION ALL
SELECT coalesce(h.ready_at, h.started_at, h.finished_at), h.started_at, CASE h.id WHEN $3 THEN greatest(h.finished_at, $6) ELSE h.finished_at END, '', true
FROM j JOIN job_history h ON h.id = j.id
UNION ALL
SELECT q.ready_at, CASE WHEN (q.state+0) IN (3, 4) THEN q.started_at END, NULL, '', false
FROM j JOIN jobs q ON q.id = j.id WHERE (q.state+0) NOT IN (0, 6)`

	// coveringHoldsSQL are the holds of org $1, queue $2 and type $3 between $4 and $5.
	coveringHoldsSQL = `
SELECT h.created_at, least(coalesce(h.released_at, $5), coalesce(h.expires_at, $5), $5) FROM holds h
WHERE (h.org_id IS NULL OR h.org_id = $1) AND (h.queue IS NULL OR h.queue = $2) AND (h.job_type IS NULL OR h.job_type = $3)
  AND h.created_at < $5 AND coalesce(h.released_at, $5) > $4 AND coalesce(h.expires_at, $5) > $4`

	// startsWithinSQL are the starts of org $1 and type $2 between $3 and $4.
	startsWithinSQL = `
SELECT x.started_at FROM (
  SELECT h.started_at FROM job_history h
  WHERE h.org_id = $1 AND h.queue IN (1, 2) AND h.finished_at >= $3 AND h.finished_at < $4::timestamptz + interval '10 minutes' AND h.job_type = $2
  UNION ALL
  SELECT v.started_at FROM job_events v
  WHERE v.org_id = $1 AND v.queue IN (1, 2) AND v.at >= $3 AND v.at < $4::timestamptz + interval '10 minutes' AND v.job_type = $2 AND v.kind IN (1, 2, 3)
  UNION ALL
  SELECT j.started_at FROM jobs j WHERE j.org_id = $1 AND j.queue IN (1, 2) AND j.state IN (2, 3) AND j.job_type = $2) x
WHERE x.started_at >= $3 AND x.started_at < $4 LIMIT 20000`

	limitOfSQL = `
SELECT l.value, l.window_ms FROM org_limits l
WHERE l.org_id = $1 AND l.name = $2 AND (NOT l.temporary OR l.expires_at > clock_timestamp()) ORDER BY l.temporary DESC LIMIT 1`
)

// miss is one that is to be explained.
type miss struct {
	sla.Evidence

	id, orgID      int64
	judgedAt       time.Time
	messageID      int64 // of the first press; 0: none in time
	jobID          int64
	failedAt       time.Time // zero: it has not
	channel        string
	template       bool
	targetMS       int64
	lateMS, closed int64
}

// ExplainMisses says of stamped misses what they were due to, from what ledger
// and holds remember, and returns how many. A verdict does not wait for it.
func (s *Store) ExplainMisses(ctx context.Context) (int, error) {
	ctx = Named(ctx, QuerySLA)
	rows, err := s.pool.Query(ctx, unexplainedSQL, explainChunk, s.now().Add(-explainAfter))
	if err != nil {
		return 0, fmt.Errorf("read misses: %w", err)
	}
	misses, err := pgx.CollectRows(rows, scanMiss)
	if err != nil {
		return 0, fmt.Errorf("read misses: %w", err)
	}
	b := &pgx.Batch{}
	for i := range misses {
		if err := s.gather(ctx, &misses[i]); err != nil {
			return 0, fmt.Errorf("explain the miss %d: %w", misses[i].id, err)
		}
		cause, spent := sla.Explain(misses[i].Evidence)
		raw, err := json.Marshal(storedSpent(spent))
		if err != nil {
			return 0, fmt.Errorf("explain the miss %d: %w", misses[i].id, err)
		}
		// A verdict that has changed since is explained anew.
		b.Queue(`UPDATE episodes SET cause = $2, spent = $3::text::jsonb WHERE id = $1 AND outcome = 2 AND judged_at = $4`,
			misses[i].id, slices.Index(sla.Causes(), cause)+1, string(raw), misses[i].judgedAt)
	}
	if b.Len() == 0 {
		return 0, nil
	}
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return 0, fmt.Errorf("explain misses: %w", err)
	}
	return len(misses), nil
}

func scanMiss(row pgx.CollectableRow) (m miss, err error) {
	err = row.Scan(&m.id, &m.orgID, &m.StartedAt, &m.ReceivedAt, &m.DueAt, orZero(&m.AnsweredAt), &m.targetMS, &m.judgedAt, &m.lateMS, &m.closed,
		&m.messageID, &m.jobID, orZero(&m.PressedAt), orZero(&m.failedAt), &m.channel, &m.template)
	m.Target, m.Late = time.Duration(m.targetMS)*time.Millisecond, time.Duration(m.lateMS)*time.Millisecond
	m.Closed = time.Duration(m.closed) * time.Millisecond
	return m, err
}

// gather looks up what became of the answer. Without a press there is nothing to
// look up.
func (s *Store) gather(ctx context.Context, m *miss) error {
	if m.messageID == 0 {
		return nil
	}
	queue, kind := job.WhatsApp, job.SendMessage
	if m.channel == "instagram" {
		queue = job.Instagram
	}
	if m.template {
		kind = job.SendTemplate
	}
	end := m.DueAt
	if !m.AnsweredAt.IsZero() {
		end = m.AnsweredAt
	}
	action, _ := kind.Action()
	rate := job.DefaultRate(action)
	b := &pgx.Batch{}
	b.Queue(attemptsSQL, m.messageID, m.orgID, m.jobID, m.PressedAt, end, orNull(m.failedAt)).Query(m.readAttempts)
	b.Queue(coveringHoldsSQL, m.orgID, int16(queue), int16(kind), m.PressedAt, end).Query(func(rows pgx.Rows) (err error) {
		m.Holds, err = pgx.CollectRows(rows, pgx.RowToStructByPos[sla.Span])
		return err
	})
	b.Queue(limitOfSQL, m.orgID, string(action)).Query(func(rows pgx.Rows) error {
		var window int64
		_, err := pgx.ForEachRow(rows, []any{&rate.N, &window}, func() error {
			rate.Window = time.Duration(window) * time.Millisecond
			return nil
		})
		return err
	})
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	rows, err := s.pool.Query(ctx, startsWithinSQL, m.orgID, int16(kind), m.PressedAt.Add(-rate.Window), end)
	if err != nil {
		return err
	}
	starts, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	m.Limits = sla.Saturated(starts, rate.N, rate.Window, sla.Span{From: m.PressedAt, To: end})
	return err
}

func (m *miss) readAttempts(rows pgx.Rows) error {
	var a sla.Attempt
	var class string
	_, err := pgx.ForEachRow(rows, []any{orZero(&a.ReadyAt), orZero(&a.StartedAt), orZero(&a.EndedAt), &class, &a.Final}, func() error {
		a.Throttled = throttles(job.Class(class))
		if !a.ReadyAt.IsZero() {
			m.Attempts = append(m.Attempts, a)
		}
		return nil
	})
	return err
}

// throttles reports whether the provider asked for less.
func throttles(c job.Class) bool {
	return strings.HasPrefix(string(c), "throttle_") || c == job.ClassIntegrityThrottle
}

// spentWords is sla.Spent as it is stored: milliseconds.
type spentWords struct {
	Human     int64 `json:"human_ms"`
	Closed    int64 `json:"closed_ms"`
	QueueWait int64 `json:"queue_wait_ms"`
	Hold      int64 `json:"hold_ms"`
	Limit     int64 `json:"limit_ms"`
	Retries   int64 `json:"retries_ms"`
	Provider  int64 `json:"provider_ms"`
}

func storedSpent(s sla.Spent) spentWords {
	return spentWords{
		s.Human.Milliseconds(), s.Closed.Milliseconds(), s.QueueWait.Milliseconds(), s.Hold.Milliseconds(), s.Limit.Milliseconds(),
		s.Retries.Milliseconds(), s.Provider.Milliseconds(),
	}
}

func (w spentWords) spent() sla.Spent {
	ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	return sla.Spent{
		Human: ms(w.Human), Closed: ms(w.Closed), QueueWait: ms(w.QueueWait), Hold: ms(w.Hold), Limit: ms(w.Limit),
		Retries: ms(w.Retries), Provider: ms(w.Provider),
	}
}
