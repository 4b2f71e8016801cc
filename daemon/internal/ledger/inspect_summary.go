package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// summaryParts counts each state where an index knows it: what stands from the
// index alone, what is ready and under way through theirs. %[1]s narrows to an
// org, %[2]s and %[3]s choose an index with it. How many came within the last minute is told by the newest rows.
const summaryParts = `
WITH standing AS (
       SELECT queue, state, count(*) AS n, count(*) FILTER (WHERE attempt > 0) AS tried, NULL::timestamptz AS oldest
       FROM jobs j WHERE state IN (0, 4, 5, 6)%[3]s GROUP BY queue, state),
     waiting AS (
       SELECT queue, 1::smallint AS state, count(*) AS n, 0::bigint AS tried, min(ready_at) AS oldest
       FROM jobs WHERE state = 1%[2]s GROUP BY queue),
     flying AS (
       SELECT queue, state, count(*) AS n, 0::bigint AS tried, NULL::timestamptz AS oldest
       FROM jobs WHERE state IN (2, 3)%[1]s GROUP BY queue, state),
     live AS (SELECT * FROM standing UNION ALL SELECT * FROM waiting UNION ALL SELECT * FROM flying),
     young AS MATERIALIZED (SELECT queue, org_id, created_at FROM jobs ORDER BY id DESC LIMIT $2),
     newest AS MATERIALIZED (SELECT queue, org_id, created_at, finished_at FROM job_history ORDER BY tx DESC LIMIT $2),
     span AS (
       SELECT count(*) = $2 AND min(finished_at) > clock_timestamp() - $1::interval AS cut,
              greatest(1, extract(epoch FROM clock_timestamp() - min(finished_at))) AS seconds FROM newest),
     crush AS (SELECT count(*) = $2 AND min(created_at) > clock_timestamp() - $1::interval AS cut FROM young),
     fresh AS (
       SELECT queue, count(*) AS n FROM young
       WHERE created_at > clock_timestamp() - $1::interval%[1]s GROUP BY queue),
     past AS (
       SELECT queue, count(*) FILTER (WHERE finished_at > clock_timestamp() - $1::interval) AS done,
              count(*) FILTER (WHERE created_at > clock_timestamp() - $1::interval) AS fresh
       FROM newest WHERE true%[1]s GROUP BY queue),
     one AS (
       SELECT queue, array_agg(state) AS states, array_agg(n) AS counts,
              coalesce(sum(tried) FILTER (WHERE state = 0), 0)::bigint AS retrying, min(oldest) AS oldest
       FROM live GROUP BY queue)
SELECT q.queue, coalesce(one.states, '{}'), coalesce(one.counts, '{}'), coalesce(one.retrying, 0),
       (extract(epoch FROM clock_timestamp() - one.oldest) * 1000)::double precision,
       CASE WHEN NOT coalesce(span.cut, false) AND NOT coalesce(crush.cut, false)
            THEN ((coalesce(fresh.n, 0) + coalesce(past.fresh, 0)) / extract(epoch FROM $1::interval))::double precision END,
       (coalesce(past.done, 0) / CASE WHEN coalesce(span.cut, false) THEN span.seconds ELSE extract(epoch FROM $1::interval) END)::double precision
FROM unnest($3::smallint[]) WITH ORDINALITY q(queue, place) CROSS JOIN span CROSS JOIN crush
     LEFT JOIN one ON one.queue = q.queue LEFT JOIN past ON past.queue = q.queue LEFT JOIN fresh ON fresh.queue = q.queue
ORDER BY q.place`

// summarySQL is the question for all orgs, or for one: with its own text each
// gets the plan it deserves.
func summarySQL(orgID int64) (string, []any) {
	args := []any{rateWindow, sampleSize, queueNumbers(job.Queues())}
	if orgID == 0 {
		return fmt.Sprintf(summaryParts, "", "", " AND "+tallied), args
	}
	const own = " AND org_id = $4"
	return fmt.Sprintf(summaryParts, own, " AND queue = ANY($3::smallint[]) AND job_type = ANY($5::smallint[])"+own, own),
		append(args, orgID, numbers(job.Types()))
}

// QueueSummary counts the live jobs of every queue by state, with the age of the
// oldest ready one and the rates of the last minute. orgID 0 means all orgs:
// the one reader who may look across tenants is the operator.
func (l *Ledger) QueueSummary(ctx context.Context, orgID int64) ([]inspect.Queue, error) {
	sql, args := summarySQL(orgID)
	var queues []inspect.Queue
	err := l.wide(ctx, sql, args, func(rows pgx.Rows) (err error) {
		queues, err = pgx.CollectRows(rows, scanQueue)
		return err
	})
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
