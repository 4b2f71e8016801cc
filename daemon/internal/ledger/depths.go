package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/latency"
)

// depthsSQL has one part per partial index, so that a million dead jobs are not
// read to count ten that wait.
const depthsSQL = `
SELECT org_id, queue, job_type, sum(n)::bigint, (extract(epoch FROM clock_timestamp() - min(oldest)) * 1000000)::bigint
FROM (
  SELECT org_id, queue, job_type, count(*) AS n, min(ready_at) AS oldest FROM jobs WHERE state = 1 GROUP BY 1, 2, 3
  UNION ALL
  SELECT org_id, queue, job_type, count(*), NULL FROM jobs WHERE state IN (0, 5) GROUP BY 1, 2, 3
  UNION ALL
  SELECT org_id, queue, job_type, count(*), NULL FROM jobs WHERE state = 2 GROUP BY 1, 2, 3) x
GROUP BY org_id, queue, job_type`

// Depths counts what waits per org, queue and type, in one look for all orgs.
func (l *Ledger) Depths(ctx context.Context) ([]latency.Depth, error) {
	rows, err := l.reads.Query(ctx, depthsSQL)
	if err != nil {
		return nil, fmt.Errorf("count what waits: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d latency.Depth, err error) {
		var us *int64
		err = row.Scan(&d.OrgID, &d.Queue, &d.Type, &d.Waiting, &us)
		d.OldestReady = latency.None
		if us != nil {
			d.OldestReady = time.Duration(max(*us, 0)) * time.Microsecond
		}
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("count what waits: %w", err)
	}
	return all, nil
}
