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

// Processes lists the processes nobody has declared dead, oldest first.
func (l *Ledger) Processes(ctx context.Context) ([]inspect.Process, error) {
	rows, err := l.reads.Query(ctx, `
SELECT w.id, host, pid, mode, version, slots, extract(epoch FROM clock_timestamp() - beat_at)::double precision, draining, started_at,
       background_slots, coalesce(r.n, 0)::int, coalesce(r.mostly, 0)::smallint, control_version, drained_by
FROM workers w LEFT JOIN (
       SELECT worker_id, count(*) AS n, mode() WITHIN GROUP (ORDER BY job_type) AS mostly FROM jobs WHERE state IN (2, 3) AND (state+0) = 3 GROUP BY worker_id) r ON r.worker_id = w.id
WHERE dead_at IS NULL ORDER BY w.id LIMIT 1000`)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p inspect.Process, err error) {
		var age float64
		err = row.Scan(&p.ID, &p.Host, &p.PID, &p.Mode, &p.Version, &p.Slots, &age, &p.Draining, &p.StartedAt,
			&p.Background, &p.Running, &p.Mostly, &p.ControlVersion, &p.DrainedBy)
		p.BeatAge = time.Duration(max(age, 0) * float64(time.Second))
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	return all, nil
}

// readyByTypeSQL names the states as the partial indexes do, or they are not used.
const readyByTypeSQL = `
SELECT job_type, sum(ready)::bigint, sum(busy)::bigint FROM (
  SELECT job_type, 1 AS ready, 0 AS busy FROM jobs WHERE state = 1 AND org_id = $1
  UNION ALL
  SELECT job_type, 0, 1 FROM jobs WHERE state IN (2, 3) AND org_id = $1) j
GROUP BY job_type`

// ReadyByType counts the ready jobs of an org by type, and those of it that are
// under way.
func (l *Ledger) ReadyByType(ctx context.Context, orgID int64) (ready map[job.Type]int64, underWay int64, err error) {
	rows, err := l.reads.Query(ctx, readyByTypeSQL, orgID)
	if err != nil {
		return nil, 0, fmt.Errorf("count what waits of org %d: %w", orgID, err)
	}
	type count struct {
		Type        job.Type
		Ready, Busy int64
	}
	counts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[count])
	if err != nil {
		return nil, 0, fmt.Errorf("count what waits of org %d: %w", orgID, err)
	}
	ready = make(map[job.Type]int64, len(counts))
	for _, c := range counts {
		ready[c.Type] = c.Ready
		underWay += c.Busy
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
