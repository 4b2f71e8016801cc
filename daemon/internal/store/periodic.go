package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

const (
	spendPeriod   = time.Hour
	refreshPeriod = 6 * time.Hour
	periodicChunk = 200 // jobs per transaction
)

// dueSpendSQL finds the ad accounts whose present period has no run yet. Each
// account's hour begins at its own minute, so that they are spread over it; of
// several missed hours only the last one is caught up.
const dueSpendSQL = `
SELECT c.id, c.org_id, p.start
FROM channels c CROSS JOIN LATERAL (
  SELECT to_timestamp((floor((extract(epoch FROM $1::timestamptz) - o.shift) / $2::int) * $2::int + o.shift)::float8) AS start
  FROM (SELECT (hashint8(c.id) & 2147483647) % $2::int AS shift) o) p
WHERE c.kind = 'ad_account' AND c.state = 'active' AND c.token_sealed <> '' AND NOT c.token_refused` + notYet

// dueRefreshSQL finds the tokens whose time has come, and those whose renewal
// has failed for good some hours ago.
const dueRefreshSQL = `
SELECT c.id, c.org_id, p.start
FROM channels c CROSS JOIN LATERAL (
  SELECT c.token_refresh_at + (floor(extract(epoch FROM $1::timestamptz - c.token_refresh_at) / $2::int) * $2::int)::float8 * interval '1 second' AS start) p
WHERE c.token_refresh_at <= $1 AND NOT c.token_refused AND c.token_sealed <> ''
  AND ($6::boolean OR c.token_kind = 'instagram_long')` + notYet

// notYet leaves out what has its run of this period and what still has an
// unfinished job: it would only queue behind that. The rows come locked, those
// that another process holds are left to it.
const notYet = `
  AND NOT EXISTS (SELECT 1 FROM periodic_runs r WHERE r.name = $3 AND r.scope_id = c.id AND r.period_start = p.start)
  AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.queue = $4 AND j.serial_key = c.id AND j.state IN (0, 1, 2, 3, 5))
ORDER BY c.id LIMIT $5 FOR NO KEY UPDATE OF c SKIP LOCKED`

// EnqueueSpend adds the sync of every ad account whose hour has begun and
// returns how many there were. Any process may do it at any time: who inserts
// the row of a period has its job.
func (s *Store) EnqueueSpend(ctx context.Context) (int, error) {
	return s.enqueuePeriodic(ctx, job.SyncSpend, dueSpendSQL,
		s.now(), int(spendPeriod.Seconds()), job.SyncSpend.String(), int16(job.MetaSpend), periodicChunk)
}

// EnqueueRefreshes adds the renewal of every token whose time has come. Without
// facebook only Instagram tokens can be renewed: we have no app to renew the
// others for.
func (s *Store) EnqueueRefreshes(ctx context.Context, facebook bool) (int, error) {
	return s.enqueuePeriodic(ctx, job.RefreshToken, dueRefreshSQL,
		s.now(), int(refreshPeriod.Seconds()), job.RefreshToken.String(), int16(job.TokenRefresh), periodicChunk, facebook)
}

type duePeriod struct {
	ChannelID, OrgID int64
	Start            time.Time
}

// enqueuePeriodic works in chunks until nothing is due. Lock order: channels by
// id, then jobs.
func (s *Store) enqueuePeriodic(ctx context.Context, t job.Type, sql string, args ...any) (total int, err error) {
	ctx = Named(ctx, QueryPeriodic)
	queue := t.Queues()[0]
	for {
		var due []duePeriod
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, sql, args...)
			if err != nil {
				return err
			}
			if due, err = pgx.CollectRows(rows, pgx.RowToStructByPos[duePeriod]); err != nil || len(due) == 0 {
				return err
			}
			return s.startPeriods(ctx, tx, t, queue, due)
		})
		if err != nil {
			return total, fmt.Errorf("enqueue %s: %w", t, err)
		}
		if total += len(due); len(due) > 0 {
			s.jobs.Wake(queue)
		}
		if len(due) < periodicChunk {
			return total, nil
		}
	}
}

// startPeriods inserts the jobs and the rows of their periods. A row that is
// there already, seen too late because the look was older than its commit,
// keeps its job: ours is not inserted.
func (s *Store) startPeriods(ctx context.Context, tx pgx.Tx, t job.Type, queue job.Queue, due []duePeriod) error {
	var ids []int64
	var starts []time.Time
	for _, d := range due {
		ids, starts = append(ids, d.ChannelID), append(starts, d.Start)
	}
	rows, err := tx.Query(ctx, `
INSERT INTO periodic_runs (name, scope_id, period_start, job_id)
SELECT $1, u.id, u.start, 0 FROM unnest($2::bigint[], $3::timestamptz[]) u(id, start)
ON CONFLICT DO NOTHING RETURNING scope_id`, t.String(), ids, starts)
	if err != nil {
		return err
	}
	ours, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	won := make(map[int64]bool, len(ours))
	for _, id := range ours {
		won[id] = true
	}
	var jobs []job.New
	ids, starts = ids[:0], starts[:0]
	for _, d := range due {
		if !won[d.ChannelID] {
			continue
		}
		ids, starts = append(ids, d.ChannelID), append(starts, d.Start)
		jobs = append(jobs, job.New{
			OrgID: d.OrgID, Queue: queue, Type: t, Priority: job.Normal,
			SerialKey: d.ChannelID, SubjectID: d.ChannelID, ChannelID: d.ChannelID,
		})
	}
	if len(jobs) == 0 {
		return nil
	}
	inserted, err := s.jobs.Insert(ctx, tx, jobs...)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
UPDATE periodic_runs r SET job_id = u.job FROM unnest($2::bigint[], $3::timestamptz[], $4::bigint[]) u(id, start, job)
WHERE r.name = $1 AND r.scope_id = u.id AND r.period_start = u.start`, t.String(), ids, starts, inserted)
	return err
}
