package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

const (
	// sampleSize bounds how much of the recent past a summary reads: the newest
	// rows by transaction, found through an index however long the history is.
	sampleSize = 20_000
	// rateWindow is what "per second" looks back on.
	rateWindow = 60 * time.Second
)

const summarySQL = `
WITH live AS (
       SELECT queue, state, count(*) AS n, count(*) FILTER (WHERE attempt > 0) AS tried,
              min(ready_at) AS oldest, count(*) FILTER (WHERE created_at > clock_timestamp() - $2::interval) AS fresh
       FROM jobs WHERE $1::bigint = 0 OR org_id = $1 GROUP BY queue, state),
     newest AS (SELECT queue, org_id, created_at, finished_at FROM job_history ORDER BY tx DESC LIMIT $3),
     span AS (
       SELECT count(*) = $3 AND min(finished_at) > clock_timestamp() - $2::interval AS cut,
              greatest(1, extract(epoch FROM clock_timestamp() - min(finished_at))) AS seconds FROM newest),
     past AS (
       SELECT queue, count(*) FILTER (WHERE finished_at > clock_timestamp() - $2::interval) AS done,
              count(*) FILTER (WHERE created_at > clock_timestamp() - $2::interval) AS fresh
       FROM newest WHERE $1::bigint = 0 OR org_id = $1 GROUP BY queue),
     one AS (
       SELECT queue, coalesce(array_agg(state), '{}') AS states, coalesce(array_agg(n), '{}') AS counts,
              coalesce(sum(tried) FILTER (WHERE state = 0), 0)::bigint AS retrying,
              min(oldest) FILTER (WHERE state = 1) AS oldest, sum(fresh) AS fresh
       FROM live GROUP BY queue)
SELECT q.queue, coalesce(one.states, '{}'), coalesce(one.counts, '{}'), coalesce(one.retrying, 0),
       (extract(epoch FROM clock_timestamp() - one.oldest) * 1000)::double precision,
       CASE WHEN NOT coalesce(span.cut, false)
            THEN ((coalesce(one.fresh, 0) + coalesce(past.fresh, 0)) / extract(epoch FROM $2::interval))::double precision END,
       (coalesce(past.done, 0) / CASE WHEN coalesce(span.cut, false) THEN span.seconds ELSE extract(epoch FROM $2::interval) END)::double precision
FROM unnest($4::smallint[]) WITH ORDINALITY q(queue, place) CROSS JOIN span
     LEFT JOIN one ON one.queue = q.queue LEFT JOIN past ON past.queue = q.queue
ORDER BY q.place`

// QueueSummary counts the live jobs of every queue by state, with the age of the
// oldest ready one and the rates of the last minute. orgID 0 means all orgs:
// the one reader who may look across tenants is the operator.
func (l *Ledger) QueueSummary(ctx context.Context, orgID int64) ([]inspect.Queue, error) {
	rows, err := l.reads.Query(ctx, summarySQL, orgID, rateWindow, sampleSize, queueNumbers(job.Queues()))
	if err != nil {
		return nil, fmt.Errorf("summarise queues: %w", err)
	}
	queues, err := pgx.CollectRows(rows, scanQueue)
	if err != nil {
		return nil, fmt.Errorf("summarise queues: %w", err)
	}
	return queues, nil
}

func scanQueue(row pgx.CollectableRow) (q inspect.Queue, err error) {
	var states []int16
	var counts []int64
	var oldestMS *float64
	err = row.Scan(&q.Queue, &states, &counts, &q.Retrying, &oldestMS, &q.InPerS, &q.DonePerS)
	if err != nil {
		return q, err
	}
	q.Counts = make(map[job.State]int64, len(states))
	for i, s := range states {
		q.Counts[job.State(s)] = counts[i]
	}
	if oldestMS != nil {
		age := time.Duration(max(*oldestMS, 0) * float64(time.Millisecond))
		q.OldestReady = &age
	}
	return q, nil
}

// Processes lists the processes nobody has declared dead, oldest first.
func (l *Ledger) Processes(ctx context.Context) ([]inspect.Process, error) {
	rows, err := l.reads.Query(ctx, `
SELECT id, host, pid, mode, version, slots, extract(epoch FROM clock_timestamp() - beat_at)::double precision, draining, started_at
FROM workers WHERE dead_at IS NULL ORDER BY id LIMIT 1000`)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p inspect.Process, err error) {
		var age float64
		err = row.Scan(&p.ID, &p.Host, &p.PID, &p.Mode, &p.Version, &p.Slots, &age, &p.Draining, &p.StartedAt)
		p.BeatAge = time.Duration(max(age, 0) * float64(time.Second))
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	return all, nil
}

func queueNumbers(queues []job.Queue) []int16 {
	numbers := make([]int16, len(queues))
	for i, q := range queues {
		numbers[i] = int16(q)
	}
	return numbers
}
