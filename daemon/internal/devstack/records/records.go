// Package records reads from PostgreSQL what a development run has stored, for
// its report. It owns the queries; it refuses to write.
package records

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bandeja/inboxd/daemon/internal/dev"
)

// Records implements dev.Records.
type Records struct{ pool *pgxpool.Pool }

const queryTimeout = time.Minute

// Open connects; call the returned function when done.
func Open(ctx context.Context, dsn string) (dev.Records, func(), error) {
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return nil, nil, fmt.Errorf("open the records: %w", err)
	}
	return &Records{pool}, pool.Close, nil
}

// one runs a query with a single row.
func (r *Records) one(ctx context.Context, into []any, sql string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	return r.pool.QueryRow(ctx, sql, args...).Scan(into...)
}

// Mark returns the highest ids so far.
func (r *Records) Mark(ctx context.Context) (m dev.Mark, err error) {
	err = r.one(ctx, []any{&m.Job, &m.Message, &m.Episode}, `
SELECT greatest((SELECT coalesce(max(id), 0) FROM jobs), (SELECT coalesce(max(id), 0) FROM job_history)),
       (SELECT coalesce(max(id), 0) FROM messages), (SELECT coalesce(max(id), 0) FROM episodes)`)
	return m, err
}

// UnknownJobs returns those of ids that neither live nor are in history.
func (r *Records) UnknownJobs(ctx context.Context, ids []int64) ([]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	rows, err := r.pool.Query(ctx, `
SELECT u.id FROM unnest($1::bigint[]) u(id)
WHERE NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = u.id) AND NOT EXISTS (SELECT 1 FROM job_history h WHERE h.id = u.id)`, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// UnknownInbound returns those of keys for which no message is stored.
func (r *Records) UnknownInbound(ctx context.Context, keys []dev.InboundKey) ([]dev.InboundKey, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	kinds, accounts, ids := make([]string, len(keys)), make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		kinds[i], accounts[i], ids[i] = k.Kind, k.Account, k.ProviderID
	}
	rows, err := r.pool.Query(ctx, `
SELECT u.kind, u.account, u.id FROM unnest($1::text[], $2::text[], $3::text[]) u(kind, account, id)
WHERE NOT EXISTS (
  SELECT 1 FROM channels c JOIN messages m ON m.channel_id = c.id AND m.provider_id = u.id
  WHERE c.kind = u.kind AND c.external_id = u.account)`, kinds, accounts, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[dev.InboundKey])
}

// Unfinished counts the jobs after since that are scheduled, ready, dispatched
// or running.
func (r *Records) Unfinished(ctx context.Context, since dev.Mark) (n int64, err error) {
	err = r.one(ctx, []any{&n}, `SELECT count(*) FROM jobs WHERE id > $1 AND state IN (0, 1, 2, 3)`, since.Job)
	return n, err
}

// attemptsSQL lists every attempt once: history has the last of a done job,
// events have the failed ones, and the doubtful ones of jobs still in doubt.
const attemptsSQL = `
WITH attempts AS (
  SELECT lane, ready_at, started_at, finished_at AS ended_at FROM job_history
  WHERE id > $1 AND outcome = 1 AND started_at IS NOT NULL
  UNION ALL
  SELECT e.lane, e.ready_at, e.started_at, e.at FROM job_events e
  WHERE e.job_id > $1 AND (e.kind IN (1, 2) OR EXISTS (SELECT 1 FROM jobs j WHERE j.id = e.job_id AND j.state = 4)))
`

// JobFigures returns what became of the jobs after since.
func (r *Records) JobFigures(ctx context.Context, since dev.Mark) (f dev.JobFigures, err error) {
	j := &f.Jobs
	err = r.one(ctx, []any{&j.Dead, &j.Uncertain, &j.Unfinished, &j.Created}, `
SELECT count(*) FILTER (WHERE state = 6), count(*) FILTER (WHERE state = 4), count(*) FILTER (WHERE state IN (0, 1, 2, 3, 5)),
       count(*) FROM jobs WHERE id > $1`, since.Job)
	if err != nil {
		return f, fmt.Errorf("count live jobs: %w", err)
	}
	var ended int64
	err = r.one(ctx, []any{&j.Done, &j.Cancelled, &ended}, `
SELECT count(*) FILTER (WHERE outcome = 1), count(*) FILTER (WHERE outcome = 2), count(*) FROM job_history WHERE id > $1`, since.Job)
	if err != nil {
		return f, fmt.Errorf("count the history: %w", err)
	}
	j.Created += ended
	err = r.one(ctx, []any{&f.Lanes.Redis, &f.Lanes.Postgres}, attemptsSQL+`
SELECT count(*) FILTER (WHERE lane = 1), count(*) FILTER (WHERE lane = 2) FROM attempts`, since.Job)
	if err != nil {
		return f, fmt.Errorf("count attempts: %w", err)
	}
	return f, r.times(ctx, since, &f.Times)
}

func (r *Records) times(ctx context.Context, since dev.Mark, t *dev.Times) error {
	for _, q := range []struct {
		into *dev.Spread
		sql  string
	}{
		{&t.Wait, attemptsSQL + `SELECT started_at - ready_at AS d FROM attempts WHERE ready_at IS NOT NULL`},
		{&t.Run, attemptsSQL + `SELECT ended_at - started_at AS d FROM attempts`},
		{&t.E2E, `SELECT finished_at - created_at AS d FROM job_history WHERE id > $1 AND outcome = 1`},
	} {
		s := q.into
		err := r.one(ctx, []any{&s.N, &s.P50, &s.P95, &s.P99}, `
SELECT count(*), percentile_disc(0.5) WITHIN GROUP (ORDER BY ms), percentile_disc(0.95) WITHIN GROUP (ORDER BY ms),
       percentile_disc(0.99) WITHIN GROUP (ORDER BY ms)
FROM (SELECT greatest(extract(epoch FROM d)::float8 * 1000, 0) AS ms FROM (`+q.sql+`) q) v`, since.Job)
		if err != nil {
			return fmt.Errorf("read the times: %w", err)
		}
	}
	return nil
}

// InboxFigures returns what became of the messages and episodes after since.
func (r *Records) InboxFigures(ctx context.Context, since dev.Mark) (f dev.InboxFigures, err error) {
	err = r.one(ctx, []any{&f.In, &f.Sent, &f.Delivered, &f.Read, &f.Failed, &f.Uncertain}, `
SELECT count(*) FILTER (WHERE inbound), count(*) FILTER (WHERE status IN (2, 3, 4) AND origin <> 'echo'),
       count(*) FILTER (WHERE status IN (3, 4) AND origin <> 'echo'), count(*) FILTER (WHERE status = 4 AND origin <> 'echo'),
       count(*) FILTER (WHERE status = 5), count(*) FILTER (WHERE status = 6)
FROM messages WHERE id > $1`, since.Message)
	if err != nil {
		return f, fmt.Errorf("count messages: %w", err)
	}
	err = r.one(ctx, []any{&f.Answered, &f.WithinTarget, &f.Overdue}, `
SELECT count(*) FILTER (WHERE answered_at IS NOT NULL), count(*) FILTER (WHERE answered_at < due_at),
       count(*) FILTER (WHERE answered_at IS NULL AND due_at <= clock_timestamp())
FROM episodes WHERE id > $1`, since.Episode)
	if err != nil {
		return f, fmt.Errorf("count episodes: %w", err)
	}
	return f, nil
}
