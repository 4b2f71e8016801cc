package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

const insertSQL = `
INSERT INTO jobs (org_id, user_id, queue, job_type, priority, state, attempt, max_attempts,
                  serial_key, subject_id, channel_id, args, run_at, ready_at, deadline_at)
SELECT u.org_id, nullif(u.user_id, 0), u.queue, u.job_type, u.priority,
       CASE WHEN u.run_at > clock_timestamp() THEN 0 ELSE 1 END, u.attempt, u.max_attempts,
       nullif(u.serial_key, 0), nullif(u.subject_id, 0), nullif(u.channel_id, 0), u.args, coalesce(u.run_at, clock_timestamp()),
       CASE WHEN u.run_at > clock_timestamp() THEN NULL ELSE clock_timestamp() END,
       coalesce(u.deadline_at, clock_timestamp() + u.patience)
FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::smallint[], $5::smallint[], $6::smallint[], $7::smallint[],
            $8::bigint[], $9::bigint[], $10::jsonb[], $11::timestamptz[], $12::timestamptz[], $13::interval[], $14::bigint[])
     WITH ORDINALITY
     u(org_id, user_id, queue, job_type, priority, attempt, max_attempts,
       serial_key, subject_id, args, run_at, deadline_at, patience, channel_id, place)
ORDER BY u.place
RETURNING id`

// Insert makes T1: the jobs become ready, or scheduled when RunAt lies ahead,
// in the caller's transaction; the ids come back in order. Whoever inserts a
// job with a SerialKey must hold the lock of that conversation row, so that
// ids commit in order. Call Wake after the commit.
func (l *Ledger) Insert(ctx context.Context, tx pgx.Tx, jobs ...job.New) ([]int64, error) {
	n := len(jobs)
	var (
		orgs, users      = make([]int64, n), make([]int64, n)
		queues, types    = make([]int16, n), make([]int16, n)
		priorities       = make([]int16, n)
		attempts, limits = make([]int16, n), make([]int16, n)
		serials          = make([]int64, n)
		subjects         = make([]int64, n)
		channels         = make([]int64, n)
		args             = make([]json.RawMessage, n)
		runAt, deadlines = make([]*time.Time, n), make([]*time.Time, n)
		patience         = make([]time.Duration, n)
	)
	for i, j := range jobs {
		p := job.PolicyOf(j.Type)
		orgs[i], users[i] = j.OrgID, j.UserID
		queues[i], types[i], priorities[i] = int16(j.Queue), int16(j.Type), int16(j.Priority)
		attempts[i], limits[i] = int16(min(j.Attempt, p.MaxAttempts)), int16(p.MaxAttempts) //nolint:gosec // both are small
		serials[i], subjects[i], channels[i], args[i] = j.SerialKey, j.SubjectID, j.ChannelID, traced(j.Args, j.Trace)
		runAt[i], deadlines[i], patience[i] = optional(j.RunAt), optional(j.Deadline), p.Deadline
	}
	rows, err := tx.Query(ctx, insertSQL, orgs, users, queues, types, priorities, attempts, limits,
		serials, subjects, args, runAt, deadlines, patience, channels)
	if err != nil {
		return nil, fmt.Errorf("insert %d jobs: %w", n, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("insert %d jobs: %w", n, err)
	}
	return ids, nil
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
