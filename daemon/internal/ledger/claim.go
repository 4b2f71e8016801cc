package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// pickSQL is the choice both lanes share. A row is eligible when no other row
// of its (queue, serial_key) is handed out and no older row of equal or better
// priority still waits; scheduled rows never handed out (epoch 0), uncertain
// and dead rows are not waited for. A younger row of better priority goes
// first if it is eligible itself, so that a claim never picks two rows of one
// conversation. A stale snapshot errs to waiting; two claims that pick two rows
// of one conversation at once meet in the unique index jobs_serial_flying.
// Without a sort the scan of an org stops at its k-th eligible row.
const pickSQL = `
WITH pick AS (
  SELECT c.id
  FROM unnest($1::bigint[], $2::int[]) o(org_id, k)
  CROSS JOIN LATERAL (
    SELECT r.id
    FROM (SELECT id, priority, serial_key FROM jobs
          WHERE state = 1 AND queue = $3 AND job_type = $4 AND org_id = o.org_id
          ORDER BY priority, id LIMIT $7) r
    WHERE (hashint8(coalesce(r.serial_key, r.id)) & 2147483647) % 100 BETWEEN $5::int AND $6::int - 1
      AND (r.serial_key IS NULL OR NOT EXISTS (
            SELECT 1 FROM jobs b
            WHERE b.queue = $3 AND b.serial_key = r.serial_key AND b.state IN (0, 1, 2, 3, 5)
              AND (b.state IN (2, 3)
                   OR (b.id < r.id AND b.priority <= r.priority AND (b.state <> 0 OR b.epoch > 0))
                   OR (b.state = 1 AND b.priority < r.priority AND b.id > r.id AND NOT EXISTS (
                         SELECT 1 FROM jobs c
                         WHERE c.queue = $3 AND c.serial_key = b.serial_key AND c.state IN (0, 1, 5) AND c.id < b.id
                           AND c.priority <= b.priority AND (c.state <> 0 OR c.epoch > 0))))))
    ORDER BY r.priority, r.id LIMIT o.k
  ) f
  JOIN LATERAL (SELECT id FROM jobs x WHERE x.id = f.id AND (x.state+0) = 1 FOR UPDATE SKIP LOCKED) c ON true
)`

const dispatchSQL = pickSQL + `
UPDATE jobs j SET state = 2, epoch = j.epoch + 1, lane = 1, dispatched_at = clock_timestamp()
FROM pick WHERE j.id = pick.id
RETURNING j.id, j.epoch, j.org_id, j.priority`

const takeSQL = pickSQL + `
UPDATE jobs j SET state = 3, epoch = j.epoch + 1, run_epoch = j.epoch + 1, lane = 2, worker_id = $8,
       attempt = j.attempt + 1, dispatched_at = clock_timestamp(), started_at = clock_timestamp()
FROM pick WHERE j.id = pick.id AND EXISTS (SELECT 1 FROM workers w WHERE w.id = $8 AND w.dead_at IS NULL)
RETURNING ` + claimedColumns

const claimedColumns = `j.id, j.epoch, j.org_id, coalesce(j.user_id, 0), j.queue, j.job_type, j.priority, j.lane, j.attempt::int,
       j.max_attempts::int, j.throttled::int, coalesce(j.serial_key, 0), coalesce(j.subject_id, 0), coalesce(j.channel_id, 0), j.created_at,
       coalesce(j.ready_at, j.created_at), j.started_at, j.deadline_at, j.args`

// Dispatch makes T3: ready jobs become dispatched with a new epoch and are the
// caller's to hand to the redis lane (or to Recall).
func (l *Ledger) Dispatch(ctx context.Context, p job.Pick) ([]job.Ticket, error) {
	return claim(ctx, l, p, func(p job.Pick) ([]job.Ticket, error) {
		rows, err := l.pool.Query(ctx, dispatchSQL, pickArgs(p)...)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t job.Ticket, err error) {
			var org int64
			var priority int16
			err = row.Scan(&t.ID, &t.Epoch, &org, &priority)
			return t, err
		})
	})
}

// Take makes T5: ready jobs become running here, in one step (the postgres
// lane). Nothing is taken by a worker that has been declared dead.
func (l *Ledger) Take(ctx context.Context, p job.Pick, workerID int64) ([]job.Claimed, error) {
	return claim(ctx, l, p, func(p job.Pick) ([]job.Claimed, error) {
		rows, err := l.pool.Query(ctx, takeSQL, append(pickArgs(p), workerID)...)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, scanClaimed)
	})
}

// claim runs one claim statement. On a clash in a conversation it tries again
// with half the share of every org, down to one row: the winner of the clash
// is then visible and excludes its conversation.
func claim[T any](ctx context.Context, l *Ledger, p job.Pick, run func(job.Pick) ([]T, error)) ([]T, error) {
	if len(p.Shares) == 0 || p.DialTo <= p.DialFrom {
		return nil, nil
	}
	for try := 0; ; try++ {
		got, err := run(p)
		if err == nil {
			return got, nil
		}
		if !isClash(err) || try == maxClashes {
			return nil, fmt.Errorf("claim %s: %w", p.Queue, err)
		}
		l.log.DebugContext(ctx, "claim clashed in a conversation", "queue", p.Queue.String(), "try", try)
		halved := make([]job.Share, len(p.Shares))
		for i, s := range p.Shares {
			halved[i] = job.Share{OrgID: s.OrgID, Limit: max(1, s.Limit/2)}
		}
		p.Shares = halved
	}
}

const maxClashes = 8

func isClash(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "23505" && strings.HasPrefix(pg.ConstraintName, "jobs_serial_flying")
}

func pickArgs(p job.Pick) []any {
	orgs, limits := make([]int64, len(p.Shares)), make([]int32, len(p.Shares))
	for i, s := range p.Shares {
		orgs[i], limits[i] = s.OrgID, int32(min(s.Limit, maxLimit)) //nolint:gosec // bounded
	}
	scan := p.Scan
	if scan == 0 {
		scan = defaultScan
	}
	return []any{orgs, limits, int16(p.Queue), int16(p.Type), p.DialFrom, p.DialTo, scan}
}

const (
	defaultScan = 200
	maxLimit    = 10_000
)

func scanClaimed(row pgx.CollectableRow) (c job.Claimed, err error) {
	err = row.Scan(&c.ID, &c.Epoch, &c.OrgID, &c.UserID, &c.Queue, &c.Type, &c.Priority, &c.Lane, &c.Attempt,
		&c.MaxAttempts, &c.Throttled, &c.SerialKey, &c.SubjectID, &c.ChannelID, &c.CreatedAt, &c.ReadyAt, &c.StartedAt, &c.Deadline, &c.Args)
	return c, err
}
