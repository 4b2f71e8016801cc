package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

const situationSQL = `
SELECT clock_timestamp(), r.epoch, r.cancel_requested, r.throttled::int, r.dispatched_at, coalesce(r.channel_id, 0), ` + dialHash + `,
       (SELECT count(*) FROM workers w WHERE w.dead_at IS NULL AND NOT w.draining AND w.mode <> 'api' AND w.beat_at > clock_timestamp() - interval '20 s')
FROM jobs r WHERE r.id = $1`

// aheadSQL finds what pickSQL waits for: what is handed out, else the first of
// those that go first. The two must say the same.
const aheadSQL = `
SELECT b.id, b.state, coalesce(CASE b.state WHEN 3 THEN b.started_at WHEN 2 THEN b.dispatched_at END, b.ready_at, b.created_at), b.run_at, b.id > r.id
FROM jobs r JOIN jobs b ON b.queue = r.queue AND b.serial_key = r.serial_key AND b.state IN (0, 1, 2, 3, 5) AND b.id <> r.id
WHERE r.id = $1 AND r.state IN (0, 1, 5)
  AND (b.state IN (2, 3)
       OR (b.id < r.id AND b.priority <= r.priority AND (b.state <> 0 OR b.epoch > 0))
       OR (b.state = 1 AND b.priority < r.priority AND b.id > r.id AND NOT EXISTS (
             SELECT 1 FROM jobs c
             WHERE c.queue = r.queue AND c.serial_key = b.serial_key AND c.state IN (0, 1, 5) AND c.id < b.id
               AND c.priority <= b.priority AND (c.state <> 0 OR c.epoch > 0))))
ORDER BY b.state IN (2, 3) DESC, b.id > r.id, b.id LIMIT 1`

const situationHoldsSQL = `
SELECT h.id, coalesce(o.name, ''), coalesce(h.queue, 0), coalesce(h.job_type, 0), h.owner, h.reason, h.created_at, h.expires_at, h.released_at,
       coalesce(h.released_by, '')
FROM jobs j JOIN holds h ON ` + holdCovers + ` LEFT JOIN orgs o ON o.id = h.org_id
WHERE j.id = $1 ORDER BY h.id LIMIT 100`

const situationChannelSQL = `
SELECT h.id, h.kind, h.external_id, h.state, h.state_reason, coalesce(x.covers, ''), coalesce(x.name, ''), coalesce(x.language, ''),
       coalesce(x.state, ''), coalesce(x.reason, ''), x.until
FROM channels h LEFT JOIN messages m ON m.id = $2 AND m.org_id = h.org_id LEFT JOIN LATERAL (
  SELECT x.covers, x.name, x.language, x.state, x.reason, x.until FROM restrictions x
  WHERE x.channel_id = h.id AND x.state <> 'lifted' AND (x.until IS NULL OR x.until > clock_timestamp())
    AND (x.covers = 'sends' OR (m.kind = 'template' AND (x.covers = 'templates'
         OR (x.name = m.payload->>'name' AND x.language = replace(lower(m.payload->>'language'), '-', '_')))))
  ORDER BY x.state = 'disabled' DESC, x.covers = 'sends' DESC, x.until DESC NULLS FIRST LIMIT 1) x ON true
WHERE h.id = $1`

const situationRestsSQL = `
SELECT c.scope, c.target, c.until, c.error_class, c.error_code FROM cooldowns c
WHERE c.until > clock_timestamp() AND (c.scope IN ('app', 'provider')
  OR (c.scope = 'channel' AND c.target = $1::bigint::text)
  OR (c.scope = 'waba' AND c.target = (SELECT nullif(business_id, '') FROM channels WHERE id = $1::bigint)))
ORDER BY c.until DESC`

const messageSQL = `
SELECT m.id, m.kind, m.status, coalesce(m.job_id, 0), coalesce(v.last_inbound_at, '-infinity') = '-infinity', coalesce(v.last_inbound_at, now()),
       m.sent_at, m.delivered_at, m.read_at, m.failed_at, coalesce(m.error_class, ''), coalesce(m.error_text, '')
FROM messages m JOIN conversations v ON v.id = m.conversation_id
WHERE m.id = $1 AND m.org_id = $2 AND NOT m.inbound`

const waitingSQL = `
SELECT count(*) FROM (SELECT 1 FROM jobs j
  WHERE j.state = 1 AND j.queue = $1 AND j.job_type = $2 AND j.org_id = $3 AND (j.priority, j.id) < ($4::smallint, $5::bigint) LIMIT 10000) x`

// crowdSQL walks the ready index from org to org.
const crowdSQL = `
WITH RECURSIVE o AS (
  (SELECT org_id FROM jobs WHERE state = 1 AND queue = $1 AND job_type = $2 ORDER BY org_id LIMIT 1)
  UNION ALL
  SELECT n.org_id FROM o CROSS JOIN LATERAL (
    SELECT j.org_id FROM jobs j WHERE j.state = 1 AND j.queue = $1 AND j.job_type = $2 AND j.org_id > o.org_id ORDER BY j.org_id LIMIT 1) n)
SELECT org_id FROM o LIMIT 100`

const jobProcessSQL = `
SELECT id, host, pid, mode, version, slots, extract(epoch FROM clock_timestamp() - beat_at)::double precision, draining, started_at
FROM workers WHERE id = $1`

// Situation returns everything around a job, live or finished, that may keep it
// from starting, or a NotFound fault. orgID 0 means any org. It is read in one
// round trip and changes nothing.
func (l *Ledger) Situation(ctx context.Context, orgID, id int64) (s inspect.Situation, err error) {
	if s.Job, err = l.oneJob(ctx, orgID, id); err != nil {
		return s, err
	}
	if s.Outcome != 0 {
		s.Now = time.Now()
		s.Message, err = l.messageOf(ctx, s.Job)
		return s, err
	}
	var channel int64
	err = l.reads.QueryRow(ctx, situationSQL, id).Scan(&s.Now, &s.Epoch, &s.CancelRequested, &s.Throttled, &s.DispatchedAt, &channel, &s.Place, &s.Workers)
	if errors.Is(err, pgx.ErrNoRows) { // it has ended since
		return l.Situation(ctx, orgID, id)
	}
	if err == nil {
		err = l.surroundings(ctx, &s, channel)
	}
	if err != nil {
		return s, fmt.Errorf("look around job %d: %w", id, err)
	}
	return s, nil
}

// oneJob returns a job without its attempts.
func (l *Ledger) oneJob(ctx context.Context, orgID, id int64) (inspect.Job, error) {
	f := inspect.Filter{IDs: []int64{id}, Limit: 1}
	if orgID != 0 {
		f.OrgIDs = []int64{orgID}
	}
	jobs, err := l.JobList(ctx, f)
	switch {
	case err != nil:
		return inspect.Job{}, fmt.Errorf("load job %d: %w", id, err)
	case len(jobs) == 0:
		return inspect.Job{}, inbox.Faultf(inbox.NotFound, "job_not_found", "there is no job %d", id)
	}
	return jobs[0], nil
}

func (l *Ledger) surroundings(ctx context.Context, s *inspect.Situation, channel int64) error {
	b := &pgx.Batch{}
	b.Queue(situationHoldsSQL, s.ID).Query(func(rows pgx.Rows) (err error) {
		s.Holds, err = pgx.CollectRows(rows, scanPastHold)
		return err
	})
	b.Queue(aheadSQL, s.ID).Query(func(rows pgx.Rows) error { return readAhead(rows, s) })
	b.Queue(situationChannelSQL, channel, s.SubjectID).Query(func(rows pgx.Rows) error { return readChannel(rows, s) })
	b.Queue(situationRestsSQL, channel).Query(func(rows pgx.Rows) error { return readRests(rows, s) })
	b.Queue(messageSQL, s.SubjectID, s.OrgID).Query(func(rows pgx.Rows) (err error) {
		if s.Type == job.SendMessage || s.Type == job.SendTemplate {
			s.Message, err = readMessage(rows)
		}
		return err
	})
	b.Queue(waitingSQL, s.Queue, s.Type, s.OrgID, s.Priority, s.ID).QueryRow(func(row pgx.Row) error { return row.Scan(&s.Waiting) })
	crowd := map[int64]bool{}
	b.Queue(crowdSQL, s.Queue, s.Type).Query(func(rows pgx.Rows) error {
		var org int64
		_, err := pgx.ForEachRow(rows, []any{&org}, func() error { crowd[org] = true; return nil })
		s.Neighbor = int64(len(crowd))
		return err
	})
	b.Queue(underWaySQL).Query(func(rows pgx.Rows) error { return readUnderWay(rows, s, crowd) })
	b.Queue(slotsSQL).QueryRow(func(row pgx.Row) error {
		var sends, background int
		err := row.Scan(&sends, &background)
		s.Slots = sends
		if s.Queue.Background() {
			s.Slots = background
		}
		return err
	})
	b.Queue(jobProcessSQL, s.WorkerID).Query(func(rows pgx.Rows) error { return readProcess(rows, s) })
	if err := l.reads.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	s.Crowd = len(crowd)
	return nil
}

func scanPastHold(row pgx.CollectableRow) (h inspect.Hold, err error) {
	err = row.Scan(&h.ID, &h.Org, &h.Queue, &h.Type, &h.Owner, &h.Reason, &h.CreatedAt, &h.ExpiresAt, &h.ReleasedAt, &h.ReleasedBy)
	return h, err
}

func readAhead(rows pgx.Rows, s *inspect.Situation) error {
	var a inspect.Blocker
	_, err := pgx.ForEachRow(rows, []any{&a.ID, &a.State, &a.Since, &a.RunAt, &a.Younger}, func() error { s.Ahead = &a; return nil })
	return err
}

func readChannel(rows pgx.Rows, s *inspect.Situation) error {
	var c inspect.Channel
	r := &c.Restriction
	var until *time.Time
	_, err := pgx.ForEachRow(rows, []any{
		&c.ID, &c.Kind, &c.ExternalID, &c.State, &c.Reason, &r.Covers, &r.Name, &r.Language, &r.State, &r.Reason, &until,
	}, func() error {
		r.Until = known(until)
		s.Channel = &c
		return nil
	})
	return err
}

// readRests keeps those of the app and the provider that stop this job's queue.
func readRests(rows pgx.Rows, s *inspect.Situation) error {
	var scope, target string
	var r inspect.Rest
	_, err := pgx.ForEachRow(rows, []any{&scope, &target, &r.Until, &r.Class, &r.Code}, func() error {
		r.Scope = job.Scope(scope)
		if scope == "app" || scope == "provider" {
			for _, q := range cooling(scope + " " + target) {
				if q == s.Queue {
					s.Resting = append(s.Resting, r)
				}
			}
			return nil
		}
		s.Resting = append(s.Resting, r)
		return nil
	})
	return err
}

func readMessage(rows pgx.Rows) (*inspect.Message, error) {
	var found *inspect.Message
	var m inspect.Message
	var silent bool
	_, err := pgx.ForEachRow(rows, []any{
		&m.ID, &m.Kind, &m.Status, &m.JobID, &silent, &m.LastInboundAt, &m.SentAt, &m.DeliveredAt, &m.ReadAt, &m.FailedAt, &m.Class, &m.Error,
	}, func() error {
		if silent {
			m.LastInboundAt = time.Time{}
		}
		found = &m
		return nil
	})
	return found, err
}

// readUnderWay counts what is in the slots that the job's own would be one of.
func readUnderWay(rows pgx.Rows, s *inspect.Situation, crowd map[int64]bool) error {
	var k job.OrgInQueue
	var n, redis int
	_, err := pgx.ForEachRow(rows, []any{&k.Queue, &k.OrgID, &n, &redis}, func() error {
		if k.Queue.Background() != s.Queue.Background() {
			return nil
		}
		s.UnderWay += n
		crowd[k.OrgID] = true
		if k.OrgID == s.OrgID {
			s.OfOrg += n
		}
		return nil
	})
	return err
}

func readProcess(rows pgx.Rows, s *inspect.Situation) error {
	var p inspect.Process
	var age float64
	_, err := pgx.ForEachRow(rows, []any{&p.ID, &p.Host, &p.PID, &p.Mode, &p.Version, &p.Slots, &age, &p.Draining, &p.StartedAt}, func() error {
		p.BeatAge = time.Duration(max(age, 0) * float64(time.Second))
		s.Process = &p
		return nil
	})
	return err
}

// messageOf returns what a job sends, nil if it sends none or it is gone.
func (l *Ledger) messageOf(ctx context.Context, j inspect.Job) (*inspect.Message, error) {
	if j.Type != job.SendMessage && j.Type != job.SendTemplate {
		return nil, nil //nolint:nilnil // Most queues send nothing.
	}
	rows, err := l.reads.Query(ctx, messageSQL, j.SubjectID, j.OrgID)
	if err != nil {
		return nil, fmt.Errorf("load message %d: %w", j.SubjectID, err)
	}
	m, err := readMessage(rows)
	if err != nil {
		return nil, fmt.Errorf("load message %d: %w", j.SubjectID, err)
	}
	return m, nil
}
