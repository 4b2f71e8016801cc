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
