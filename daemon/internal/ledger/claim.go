package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
// Holds and the worker's death are read here, in the statement that hands out:
// whatever the dispatcher believed, a hold that was committed before holds.
// Without a sort the scan of an org stops at its k-th eligible row.
const pickSQL = `
WITH pick AS (
  SELECT c.id
  FROM unnest($1::bigint[], $2::int[], $9::smallint[], $10::smallint[]) o(org_id, k, best, worst)
  CROSS JOIN LATERAL (
    SELECT r.id
    FROM (SELECT id, priority, serial_key, channel_id, cancel_requested FROM jobs
          WHERE state = 1 AND queue = $3 AND job_type = $4 AND org_id = o.org_id AND priority BETWEEN o.best AND o.worst
          ORDER BY priority, id LIMIT $7) r
    WHERE (` + dialHash + `) BETWEEN $5::int AND $6::int - 1
      AND NOT r.cancel_requested AND (r.channel_id IS NULL OR r.channel_id <> ALL($11::bigint[]))
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
  WHERE NOT EXISTS (
      SELECT 1 FROM (SELECT o.org_id AS org_id, $3::smallint AS queue, $4::smallint AS job_type) j JOIN holds h ON ` + holdCovers + `)
    AND EXISTS (SELECT 1 FROM workers w WHERE w.id = $8 AND w.dead_at IS NULL)
)`

// dialHash is where on the scale of the dial, 0 to 99, row r's conversation is.
const dialHash = `(hashint8(coalesce(r.serial_key, r.id)) & 2147483647) % 100`

const dispatchSQL = pickSQL + `
UPDATE jobs j SET state = 2, epoch = j.epoch + 1, lane = 1, worker_id = $8, dispatched_at = clock_timestamp()
FROM pick WHERE j.id = pick.id AND ` + relaxedCommit + `
RETURNING j.id, j.epoch, j.org_id, coalesce(j.channel_id, 0), coalesce(j.serial_key, 0)`

const takeSQL = pickSQL + `
UPDATE jobs j SET state = 3, epoch = j.epoch + 1, run_epoch = j.epoch + 1, lane = 2, worker_id = $8,
       attempt = j.attempt + 1, dispatched_at = clock_timestamp(), started_at = clock_timestamp()
FROM pick WHERE j.id = pick.id
RETURNING ` + claimedColumns

const claimedColumns = `j.id, j.epoch, j.org_id, coalesce(j.user_id, 0), j.queue, j.job_type, j.priority, j.lane, j.attempt::int,
       j.max_attempts::int, j.throttled::int, coalesce(j.serial_key, 0), coalesce(j.subject_id, 0), coalesce(j.channel_id, 0), j.created_at,
       coalesce(j.ready_at, j.created_at), coalesce(j.dispatched_at, j.started_at), j.started_at, j.deadline_at, j.args`

// Dispatch makes T3: ready jobs become dispatched with a new epoch and are the
// caller's to hand to the redis lane (or to Recall). When the answer is an
// error nobody knows which jobs left: RecallOwn takes them back. Its commit is
// relaxed: where a crash undoes it the job is ready, and the next hand-out has the
// epoch of the copy that is in Redis. Either may start it, once: the start makes it
// durable, and one taken by the postgres lane is running already.
func (l *Ledger) Dispatch(ctx context.Context, p job.Pick, workerID int64) ([]job.HandOut, error) {
	return claim(ctx, l, p, func(p job.Pick) ([]job.HandOut, error) {
		rows, err := l.pool.Query(ctx, dispatchSQL, pickArgs(p, workerID)...)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h job.HandOut, err error) {
			err = row.Scan(&h.ID, &h.Epoch, &h.OrgID, &h.ChannelID, &h.SerialKey)
			return h, err
		})
	})
}

// Take makes T5: ready jobs become running here, in one step (the postgres
// lane). Nothing is taken by a worker that has been declared dead.
func (l *Ledger) Take(ctx context.Context, p job.Pick, workerID int64) ([]job.Claimed, error) {
	return claim(ctx, l, p, func(p job.Pick) ([]job.Claimed, error) {
		rows, err := l.pool.Query(ctx, takeSQL, pickArgs(p, workerID)...)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, scanClaimed)
	})
}

// claim runs one claim statement. On a clash in a conversation it tries again
// with a quarter of the share of every org, down to one row: the winner of the
// clash is then visible and excludes its conversation.
func claim[T any](ctx context.Context, l *Ledger, p job.Pick, run func(job.Pick) ([]T, error)) ([]T, error) {
	if len(p.Shares) == 0 || p.DialTo <= p.DialFrom {
		return nil, nil
	}
	defer l.claims.enter()()
	for try := 0; ; try++ {
		got, err := run(p)
		if err == nil {
			return got, nil
		}
		if !isClash(err) || try == maxClashes {
			return nil, fmt.Errorf("claim %s: %w", p.Queue, err)
		}
		l.log.DebugContext(ctx, "claim clashed in a conversation", "queue", p.Queue.String(), "try", try)
		smaller := make([]job.Share, len(p.Shares))
		for i, s := range p.Shares {
			smaller[i] = s
			smaller[i].Limit = max(1, s.Limit/4)
		}
		p.Shares = smaller
	}
}

const maxClashes = 8

func isClash(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "23505" && strings.HasPrefix(pg.ConstraintName, "jobs_serial_flying")
}

func pickArgs(p job.Pick, workerID int64) []any {
	n := len(p.Shares)
	orgs, limits, best, worst := make([]int64, n), make([]int32, n), make([]int16, n), make([]int16, n)
	for i, s := range p.Shares {
		orgs[i], limits[i] = s.OrgID, int32(min(s.Limit, maxLimit)) //nolint:gosec // bounded
		best[i], worst[i] = int16(cmp.Or(s.From, job.Interactive)), int16(cmp.Or(s.To, job.Bulk))
	}
	scan := max(cmp.Or(p.Scan, defaultScan), 2*int(slices.Max(limits)))
	blocked := p.Blocked
	if blocked == nil {
		blocked = []int64{}
	}
	return []any{
		orgs, limits, int16(p.Queue), int16(p.Type), p.DialFrom, p.DialTo, scan, workerID, best, worst, blocked,
	}
}

const (
	defaultScan = 200
	maxLimit    = 10_000
)

func scanClaimed(row pgx.CollectableRow) (c job.Claimed, err error) {
	err = row.Scan(&c.ID, &c.Epoch, &c.OrgID, &c.UserID, &c.Queue, &c.Type, &c.Priority, &c.Lane, &c.Attempt,
		&c.MaxAttempts, &c.Throttled, &c.SerialKey, &c.SubjectID, &c.ChannelID, &c.CreatedAt, &c.ReadyAt, &c.DispatchedAt, &c.StartedAt, &c.Deadline, &c.Args)
	untrace(&c)
	return c, err
}
