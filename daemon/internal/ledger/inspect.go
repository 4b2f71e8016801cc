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

// An attempt ends in an event or, the last one, in history. A job that was
// uncertain and then settled is in both: its event counts.
const latencySQL = `
WITH e AS MATERIALIZED (
       SELECT job_id, org_id, queue, epoch, ready_at, started_at, at FROM job_events WHERE kind < 4 ORDER BY tx DESC LIMIT $3),
     h AS MATERIALIZED (
       SELECT id, org_id, queue, run_epoch, created_at, ready_at, started_at, finished_at FROM job_history ORDER BY tx DESC LIMIT $3),
     attempts AS (
       SELECT org_id, queue, ready_at, started_at, at AS ended_at, NULL::timestamptz AS created_at FROM e
       UNION ALL
       SELECT org_id, queue, CASE WHEN x.job_id IS NULL THEN ready_at END, CASE WHEN x.job_id IS NULL THEN started_at END,
              finished_at, created_at
       FROM h LEFT JOIN (SELECT DISTINCT job_id, epoch FROM e) x ON x.job_id = h.id AND x.epoch = h.run_epoch),
     times AS (
       SELECT queue, extract(epoch FROM started_at - ready_at) * 1000 AS wait,
              extract(epoch FROM ended_at - started_at) * 1000 AS run,
              extract(epoch FROM ended_at - created_at) * 1000 AS e2e
       FROM attempts WHERE ended_at > clock_timestamp() - $2::interval AND ($1::bigint = 0 OR org_id = $1))
SELECT queue,
       count(wait), percentile_cont($4::double precision[]) WITHIN GROUP (ORDER BY wait::double precision),
       count(run), percentile_cont($4::double precision[]) WITHIN GROUP (ORDER BY run::double precision),
       count(e2e), percentile_cont($4::double precision[]) WITHIN GROUP (ORDER BY e2e::double precision)
FROM times GROUP BY queue ORDER BY queue`

// Latency returns the percentiles of the attempts and jobs that ended within
// window, of the newest 20,000 at most. Queues without any are left out. orgID
// 0 means all orgs.
func (l *Ledger) Latency(ctx context.Context, orgID int64, window time.Duration) ([]inspect.Latency, error) {
	rows, err := l.reads.Query(ctx, latencySQL, orgID, window, sampleSize, []float64{0.5, 0.95, 0.99})
	if err != nil {
		return nil, fmt.Errorf("read latency: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (x inspect.Latency, err error) {
		var wait, run, e2e []*float64
		err = row.Scan(&x.Queue, &x.Wait.N, &wait, &x.Run.N, &run, &x.E2E.N, &e2e)
		spread(&x.Wait, wait)
		spread(&x.Run, run)
		spread(&x.E2E, e2e)
		return x, err
	})
	if err != nil {
		return nil, fmt.Errorf("read latency: %w", err)
	}
	return all, nil
}

func spread(p *inspect.Percentiles, values []*float64) {
	if len(values) == 3 {
		p.P50, p.P95, p.P99 = values[0], values[1], values[2]
	}
}

// Processes lists the processes nobody has declared dead, oldest first.
func (l *Ledger) Processes(ctx context.Context) ([]inspect.Process, error) {
	rows, err := l.reads.Query(ctx, `
SELECT w.id, host, pid, mode, version, slots, extract(epoch FROM clock_timestamp() - beat_at)::double precision, draining, started_at,
       background_slots, coalesce(r.n, 0)::int, control_version, drained_by
FROM workers w LEFT JOIN (
       SELECT worker_id, count(*) AS n FROM jobs WHERE state IN (2, 3) AND (state+0) = 3 GROUP BY worker_id) r ON r.worker_id = w.id
WHERE dead_at IS NULL ORDER BY w.id LIMIT 1000`)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p inspect.Process, err error) {
		var age float64
		err = row.Scan(&p.ID, &p.Host, &p.PID, &p.Mode, &p.Version, &p.Slots, &age, &p.Draining, &p.StartedAt,
			&p.Background, &p.Running, &p.ControlVersion, &p.DrainedBy)
		p.BeatAge = time.Duration(max(age, 0) * float64(time.Second))
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	return all, nil
}

// ReadyByType counts the ready jobs of an org by type, and those of it that are
// under way.
func (l *Ledger) ReadyByType(ctx context.Context, orgID int64) (ready map[job.Type]int64, underWay int64, err error) {
	rows, err := l.reads.Query(ctx, `
SELECT job_type, count(*) FILTER (WHERE state = $2), count(*) FILTER (WHERE state IN ($3, $4)) FROM jobs
WHERE org_id = $1 AND state IN ($2, $3, $4) GROUP BY job_type`, orgID, int16(job.Ready), int16(job.Dispatched), int16(job.Running))
	if err != nil {
		return nil, 0, fmt.Errorf("count what waits of org %d: %w", orgID, err)
	}
	ready = map[job.Type]int64{}
	var t job.Type
	var waits, runs int64
	_, err = pgx.ForEachRow(rows, []any{&t, &waits, &runs}, func() error {
		ready[t] = waits
		underWay += runs
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("count what waits of org %d: %w", orgID, err)
	}
	return ready, underWay, nil
}

func queueNumbers(queues []job.Queue) []int16 {
	numbers := make([]int16, len(queues))
	for i, q := range queues {
		numbers[i] = int16(q)
	}
	return numbers
}
