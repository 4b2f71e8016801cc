package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Recall makes T4 for these hand-outs: what is still dispatched with that
// epoch is ready again, and the copy on its way is fenced. It costs no
// attempt.
func (l *Ledger) Recall(ctx context.Context, reason string, tickets []job.Ticket) (int, error) {
	ids, epochs := make([]int64, len(tickets)), make([]int32, len(tickets))
	for i, t := range tickets {
		ids[i], epochs[i] = t.ID, t.Epoch
	}
	return l.recall(ctx, reason, `
SELECT j.id FROM unnest($1::bigint[], $2::int[]) u(id, e) JOIN jobs j ON j.id = u.id
WHERE (j.state+0) = 2 AND j.epoch = u.e ORDER BY j.id FOR UPDATE OF j SKIP LOCKED`, ids, epochs)
}

// RecallOlder makes T4 for every redis-lane hand-out older than age by the
// database's clock; age 0 recalls them all. Wrong suspicion costs one dropped
// copy.
func (l *Ledger) RecallOlder(ctx context.Context, reason string, age time.Duration) (int, error) {
	return l.recall(ctx, reason, `
SELECT id FROM jobs WHERE state IN (2, 3) AND (state+0) = 2 AND lane = 1 AND dispatched_at <= clock_timestamp() - $1::interval
ORDER BY id FOR UPDATE SKIP LOCKED`, age)
}

// RecallBefore makes T4 for every redis-lane hand-out made before t: what a
// dead worker may have taken from Redis with it.
func (l *Ledger) RecallBefore(ctx context.Context, reason string, t time.Time) (int, error) {
	return l.recall(ctx, reason, `
SELECT id FROM jobs WHERE state IN (2, 3) AND (state+0) = 2 AND lane = 1 AND dispatched_at < $1
ORDER BY id FOR UPDATE SKIP LOCKED`, t)
}

// RecallOwn makes T4 for every redis-lane hand-out of this dispatcher: the answer
// of one of its claims was lost, so some of them are in no queue; or its process
// drains and leaves nothing on its way under its name. The others cost a dropped
// copy each.
func (l *Ledger) RecallOwn(ctx context.Context, reason string, workerID int64) (int, error) {
	return l.recall(ctx, reason, `
SELECT id FROM jobs WHERE state IN (2, 3) AND (state+0) = 2 AND lane = 1 AND worker_id = $1
ORDER BY id FOR UPDATE SKIP LOCKED`, workerID)
}

// RecallHeld makes T4 for every hand-out that an active hold covers: after a
// pause is acknowledged nothing held is left on its way.
func (l *Ledger) RecallHeld(ctx context.Context) (int, error) {
	return l.recall(ctx, "hold", `
SELECT j.id FROM jobs j WHERE j.state IN (2, 3) AND (j.state+0) = 2 AND `+jobHeld+`
ORDER BY j.id FOR UPDATE OF j SKIP LOCKED`)
}

// RecallDial makes T4 for every redis-lane hand-out of a queue whose
// conversation no longer travels by Redis under this dial.
func (l *Ledger) RecallDial(ctx context.Context, q job.Queue, dial int) (int, error) {
	return l.recall(ctx, "dial", `
SELECT r.id FROM jobs r WHERE r.state IN (2, 3) AND (r.state+0) = 2 AND r.lane = 1 AND r.queue = $1
  AND `+dialHash+` >= $2::int
ORDER BY r.id FOR UPDATE SKIP LOCKED`, int16(q), dial)
}

func (l *Ledger) recall(ctx context.Context, reason, choose string, args ...any) (int, error) {
	tag, err := l.pool.Exec(ctx, `WITH c AS MATERIALIZED (`+choose+`)
UPDATE jobs j SET state = 1, worker_id = NULL FROM c WHERE j.id = c.id`, args...)
	if err != nil {
		return 0, fmt.Errorf("recall (%s): %w", reason, err)
	}
	n := int(tag.RowsAffected())
	if n > 0 {
		l.metrics.recalled.WithLabelValues(reason).Add(float64(n))
		l.log.InfoContext(ctx, "dispatched jobs recalled", "reason", reason, "count", n)
		l.wake.ring()
	}
	return n, nil
}
