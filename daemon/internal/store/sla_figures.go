package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/sla"
)

// The words of an episode e as of $1. They follow from stored times; what the
// evaluator has stamped only saves looking again.
const (
	isMet     = `e.answered_at < e.due_at`
	isMissed  = `(e.answered_at >= e.due_at OR (e.answered_at IS NULL AND e.due_at <= $1))`
	isPending = `(e.answered_at IS NULL AND e.due_at > $1)`

	// chargedTo: who answered; who had it when it was due; who has it now.
	chargedTo = `
CASE WHEN e.answered_at IS NOT NULL THEN e.answered_by
     WHEN e.due_at > $1 THEN (SELECT v.assignee_id FROM conversations v WHERE v.id = e.conversation_id)
     WHEN e.judged_at IS NOT NULL THEN e.charged_id
     ELSE ` + assigneeAtDue + ` END`

	responseMS = `
CASE WHEN e.answered_at IS NULL THEN NULL WHEN e.judged_at IS NOT NULL THEN e.response_ms
     ELSE (SELECT sla_elapsed(e.started_at, e.answered_at, p.time_zone, p.business_hours) FROM sla_policies p WHERE p.id = e.policy_id) END`

	// episodeWindow chooses by when the customer asked: from $2 to $3, of org $4 (0:
	// all), channel $5 (0: all).
	episodeWindow = `
e.started_at >= $2 AND e.started_at < $3 AND NOT e.excluded
  AND ($5::bigint = 0 OR e.channel_id = $5)`
)

// figuresSQL splits by one key. What is stamped is read as it is stamped; the few
// clocks that are not are judged on the way. An org of its own is a statement of
// its own, so that it has the plan of its own. Of users the key 0 is nobody, -1 the
// phone app.
func figuresSQL(q sla.Question) string {
	stamped, looked := `NULL::bigint`, `NULL::bigint`
	switch q.By {
	case sla.ByUser:
		const nobody = `CASE WHEN e.answered_at IS NOT NULL THEN -1 ELSE 0 END`
		stamped, looked = `coalesce(e.charged_id, `+nobody+`)`, `coalesce(`+chargedTo+`, `+nobody+`)`
	case sla.ByChannel:
		stamped, looked = `e.channel_id`, `e.channel_id`
	case sla.ByOrg:
	}
	where := episodeWindow + ` AND e.org_id = $4`
	if q.OrgID == 0 {
		where = episodeWindow + ` AND $4::bigint = 0`
	}
	return `
WITH f AS (
  SELECT x.org_id, x.key,
         count(*) FILTER (WHERE x.outcome = 1) AS met, count(*) FILTER (WHERE x.outcome = 2) AS missed,
         count(*) FILTER (WHERE x.outcome IS NULL) AS pending, count(*) FILTER (WHERE x.risky) AS risky,
         count(*) FILTER (WHERE x.outcome = 2 AND x.open) AS overdue,
         array_agg(x.response_ms) FILTER (WHERE NOT x.open) AS responses,
         min(x.started_at) FILTER (WHERE x.open) AS oldest
  FROM (SELECT e.org_id, e.started_at, ` + stamped + ` AS key, e.outcome, false AS risky, e.answered_at IS NULL AS open, e.response_ms
        FROM episodes e WHERE e.judged_at IS NOT NULL AND ` + where + `
        UNION ALL
        SELECT e.org_id, e.started_at, ` + looked + `, CASE WHEN ` + isMet + ` THEN 1::smallint WHEN ` + isMissed + ` THEN 2::smallint END,
               ` + isPending + ` AND e.due_at <= $1::timestamptz + interval '60 seconds', e.answered_at IS NULL, ` + responseMS + `
        FROM episodes e WHERE e.judged_at IS NULL AND ` + where + `) x
  GROUP BY x.org_id, x.key)
SELECT f.org_id, g.name, g.sla_target_ms, g.sla_objective, coalesce(f.key, 0), ` + nameOf(q.By) + `,
       f.met, f.missed, f.pending, f.risky, f.overdue, coalesce(f.responses, '{}'), f.oldest
FROM f JOIN orgs g ON g.id = f.org_id` + joinOf(q.By)
}

func nameOf(by sla.By) string {
	switch by {
	case sla.ByUser:
		return `coalesce(u.name, '')`
	case sla.ByChannel:
		return `coalesce(h.kind, '')`
	case sla.ByOrg:
	}
	return `''`
}

func joinOf(by sla.By) string {
	switch by {
	case sla.ByUser:
		return ` LEFT JOIN users u ON u.id = f.key`
	case sla.ByChannel:
		return ` LEFT JOIN channels h ON h.id = f.key`
	case sla.ByOrg:
	}
	return ``
}

// SLAFigures returns what the episodes of a question come to, worst first. Orgs
// without an episode are not there.
func (s *Store) SLAFigures(ctx context.Context, q sla.Question) ([]sla.Figures, error) {
	ctx = Named(ctx, QuerySLA)
	q, err := s.placed(ctx, q)
	if err != nil {
		return nil, err
	}
	var found []sla.Figures
	err = s.atomically(ctx, func(u *unit) error {
		b := u.batch()
		b.Queue(`SET LOCAL work_mem = '64MB'`) // so that nothing is sorted: users are hashed
		b.Queue(`SET LOCAL enable_hashjoin = on`)
		b.Queue(figuresSQL(q), q.Now, q.Span.From, q.Span.To, q.OrgID, q.ChannelID).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (sla.Figures, error) { return scanFigures(row, q) })
			return err
		})
		return u.commit(ctx, b)
	})
	if err != nil {
		return nil, fmt.Errorf("read SLA figures: %w", err)
	}
	if len(q.UserIDs) > 0 {
		found = only(found, q.UserIDs)
	}
	sla.SortWorstFirst(found)
	return found, nil
}

func scanFigures(row pgx.CollectableRow, q sla.Question) (f sla.Figures, err error) {
	var targetMS, key int64
	var name string
	var responses []int64
	var oldest time.Time
	err = row.Scan(&f.OrgID, &f.Org, &targetMS, &f.Objective, &key, &name,
		&f.Met, &f.Missed, &f.Pending, &f.Risky, &f.Overdue, &responses, orZero(&oldest))
	if err != nil {
		return f, err
	}
	f.Target = time.Duration(targetMS) * time.Millisecond
	switch q.By {
	case sla.ByUser:
		f.UserID, f.User, f.Who = max(key, 0), name, whose(max(key, 0), key < 0)
	case sla.ByChannel:
		f.ChannelID, f.Channel = key, name
	case sla.ByOrg:
	}
	f.Responses = make([]time.Duration, len(responses))
	for i, ms := range responses {
		f.Responses[i] = time.Duration(ms) * time.Millisecond
	}
	if !oldest.IsZero() {
		f.OldestOpen = max(0, q.Now.Sub(oldest))
	}
	return f.Summed(), nil
}

func whose(userID int64, answered bool) sla.Who {
	switch {
	case userID != 0:
		return sla.User
	case answered:
		return sla.PhoneApp
	}
	return sla.Unassigned
}

func only(all []sla.Figures, userIDs []int64) (kept []sla.Figures) {
	wanted := make(map[int64]bool, len(userIDs))
	for _, id := range userIDs {
		wanted[id] = true
	}
	for _, f := range all {
		if wanted[f.UserID] {
			kept = append(kept, f)
		}
	}
	return kept
}

// placed turns a day of the org's zone into a span. A day of several orgs is read
// in UTC: they share no other.
func (s *Store) placed(ctx context.Context, q sla.Question) (sla.Question, error) {
	if q.Now.IsZero() {
		q.Now = s.now()
	}
	if q.Day == "" {
		return q, nil
	}
	err := s.pool.QueryRow(ctx, `
SELECT $1::date::timestamp AT TIME ZONE z.zone, ($1::date + 1)::timestamp AT TIME ZONE z.zone
FROM (SELECT coalesce((SELECT time_zone FROM orgs WHERE id = $2), 'UTC') AS zone) z`, q.Day, q.OrgID).Scan(&q.Span.From, &q.Span.To)
	if err != nil {
		return q, fmt.Errorf("place the day %s: %w", q.Day, err)
	}
	return q, nil
}
