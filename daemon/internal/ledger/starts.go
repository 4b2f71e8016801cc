package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Every start is in one of three places: the job is under way, its attempt
// ended in an event, or the job has ended. An uncertain job that was settled is
// in the last two: its event counts. What has begun within the window cannot
// have ended before it, which is what the indexes know.
const startsSQL = `
SELECT k.span, x.at FROM unnest($1::int[], $2::bigint[], $3::smallint[], $4::smallint[], $5::bigint[]) AS k(span, org_id, queue, job_type, us)
CROSS JOIN LATERAL (SELECT now() - k.us * interval '1 microsecond' AS since) s
CROSS JOIN LATERAL (
  SELECT h.started_at AS at FROM job_history h
  WHERE h.org_id = k.org_id AND h.queue = k.queue AND h.job_type = k.job_type AND h.finished_at > s.since AND h.started_at > s.since
    AND NOT EXISTS (SELECT 1 FROM job_events e WHERE e.job_id = h.id AND e.epoch = h.run_epoch AND e.at > s.since AND e.kind < 4)
  UNION ALL
  SELECT e.started_at FROM job_events e
  WHERE e.org_id = k.org_id AND e.queue = k.queue AND e.job_type = k.job_type AND e.at > s.since AND e.started_at > s.since
    AND e.kind IN (1, 2, 3)
  UNION ALL
  SELECT f.at FROM (
    SELECT CASE j.state WHEN 3 THEN j.started_at ELSE j.dispatched_at END AS at FROM jobs j
    WHERE j.org_id = k.org_id AND j.queue = k.queue AND j.job_type = k.job_type AND j.state IN (2, 3)) f
  WHERE f.at > s.since
) x`

// Starts returns when jobs that count against an action were started, or
// handed out, within each span, in no order. It is how limits are counted after
// Redis has lost its own.
func (l *Ledger) Starts(ctx context.Context, spans []job.Span) (map[job.Span][]time.Time, error) {
	var which []int32
	var orgs, windows []int64
	var queues, types []int16
	for i, s := range spans {
		for _, t := range job.Types() {
			if a, ok := t.Action(); !ok || a != s.Action {
				continue
			}
			for _, q := range t.Queues() {
				which, orgs, windows = append(which, int32(i)), append(orgs, s.OrgID), append(windows, s.Window.Microseconds())
				queues, types = append(queues, int16(q)), append(types, int16(t))
			}
		}
	}
	starts := make(map[job.Span][]time.Time, len(spans))
	if len(which) == 0 {
		return starts, nil
	}
	rows, err := l.pool.Query(ctx, startsSQL, which, orgs, queues, types, windows)
	if err != nil {
		return nil, fmt.Errorf("read the starts: %w", err)
	}
	type start struct {
		Span int32
		At   time.Time
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[start])
	if err != nil {
		return nil, fmt.Errorf("read the starts: %w", err)
	}
	for _, s := range all {
		starts[spans[s.Span]] = append(starts[spans[s.Span]], s.At)
	}
	return starts, nil
}
