package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// waitingOrgs bounds how many of those who wait are named.
const waitingOrgs = 100

// waitingOrgsSQL walks the ready index as a dispatcher does, over what counts
// against a limit when it leaves.
const waitingOrgsSQL = `
WITH RECURSIVE o AS (
  (SELECT queue, job_type, org_id, priority = 3 AS bulk FROM jobs WHERE state = 1 AND queue <= 2 AND job_type <= 2
   ORDER BY queue, job_type, org_id, priority LIMIT 1)
  UNION ALL
  SELECT n.queue, n.job_type, n.org_id, n.bulk FROM o CROSS JOIN LATERAL (
    SELECT j.queue, j.job_type, j.org_id, j.priority = 3 AS bulk FROM jobs j
    WHERE j.state = 1 AND j.queue <= 2 AND j.job_type <= 2
      AND (j.queue, j.job_type, j.org_id, j.priority) > (o.queue, o.job_type, o.org_id, CASE WHEN o.bulk THEN 3 ELSE 2 END)
    ORDER BY j.queue, j.job_type, j.org_id, j.priority LIMIT 1) n
)
SELECT o.org_id, coalesce(g.name, ''), o.queue, o.job_type, o.bulk FROM (SELECT * FROM o LIMIT $1) o LEFT JOIN orgs g ON g.id = o.org_id`

// WaitingOrgs names orgs that have ready work which needs a token to leave, the
// first hundred at most. orgID 0 means all orgs.
func (l *Ledger) WaitingOrgs(ctx context.Context, orgID int64) ([]inspect.Waiting, error) {
	sql, args := waitingOrgsSQL, []any{waitingOrgs}
	if orgID != 0 {
		sql, args = `
SELECT DISTINCT j.org_id, coalesce(g.name, ''), j.queue, j.job_type, j.priority = 3 FROM jobs j LEFT JOIN orgs g ON g.id = j.org_id
WHERE j.state = 1 AND j.queue = ANY('{1,2}') AND j.job_type = ANY('{1,2}') AND j.org_id = $1`, []any{orgID}
	}
	rows, err := l.reads.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("list who waits: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w inspect.Waiting, err error) {
		var q, t int16
		err = row.Scan(&w.OrgID, &w.Org, &q, &t, &w.Bulk)
		w.Queue, w.Type = job.Queue(q), job.Type(t)
		return w, err
	})
	if err != nil {
		return nil, fmt.Errorf("list who waits: %w", err)
	}
	return all, nil
}
