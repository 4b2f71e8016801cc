package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/sla"
)

const (
	judgeChunk  = 1000
	judgeRecent = 24 * time.Hour // older verdicts are of a time before there was an evaluator: nobody counts them now

	// judgeLock lets one process at a time stamp verdicts. A second would do no
	// harm, and nothing.
	judgeLock = `SELECT pg_try_advisory_xact_lock(hashtextextended('inboxd.sla', 0))`

	// judgeableSQL locks the clocks that can be judged at $1, without waiting. It is
	// a statement of its own: the next one sees all that was committed before the
	// locks were taken, the last assignment too.
	judgeableSQL = `
WITH a AS MATERIALIZED (
  SELECT e.id FROM episodes e WHERE e.judged_at IS NULL AND e.answered_at IS NOT NULL
  ORDER BY e.id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED),
d AS MATERIALIZED (
  SELECT e.id FROM episodes e WHERE e.judged_at IS NULL AND e.answered_at IS NULL AND e.due_at <= $1
  ORDER BY e.due_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)
SELECT id FROM a UNION ALL SELECT id FROM d`

	// judgeSQL stamps verdicts from stored times. judged_tx is when an answer was
	// first judged: every process tails it.
	judgeSQL = `
WITH o AS MATERIALIZED (
  SELECT e.id, e.outcome AS was, e.answered_at < e.due_at AS met,
         CASE WHEN e.answered_at IS NOT NULL THEN e.answered_by ELSE ` + assigneeAtDue + ` END AS charged_id,
         CASE WHEN e.answered_at IS NOT NULL THEN sla_elapsed(e.started_at, e.answered_at, p.time_zone, p.business_hours) END AS response_ms
  FROM episodes e LEFT JOIN sla_policies p ON p.id = e.policy_id
  WHERE e.id = ANY($2::bigint[]) AND (e.answered_at IS NOT NULL OR e.due_at <= $1))
UPDATE episodes e SET judged_at = $1, cause = NULL, spent = NULL,
       outcome = CASE WHEN o.met THEN 1 ELSE 2 END, breached_at = CASE WHEN o.met THEN NULL ELSE e.due_at END,
       charged_id = o.charged_id, response_ms = coalesce(o.response_ms, e.response_ms),
       judged_tx = CASE WHEN e.judged_tx IS NULL AND e.answered_at IS NOT NULL THEN pg_current_xact_id() ELSE e.judged_tx END
FROM o JOIN orgs g ON true
WHERE e.id = o.id AND e.id = ANY($2::bigint[]) AND g.id = e.org_id
RETURNING e.org_id, g.name, e.outcome = 1, o.was IS NOT NULL OR e.excluded OR e.due_at < $3`
)

// JudgeEpisodes stamps the verdict of every clock that has been answered or has
// run out, and returns those that are new. The verdict follows from stored times
// alone: whoever looks, and however late, it is the same.
func (s *Store) JudgeEpisodes(ctx context.Context) (fresh []sla.Stamp, err error) {
	ctx = Named(ctx, QuerySLA)
	for {
		stamps, n, err := s.judgeSome(ctx)
		if err != nil {
			return fresh, fmt.Errorf("judge SLA clocks: %w", err)
		}
		for _, st := range stamps {
			if !st.Anew {
				fresh = append(fresh, st)
			}
		}
		if n < judgeChunk {
			return fresh, nil
		}
	}
}

func (s *Store) judgeSome(ctx context.Context) (stamps []sla.Stamp, n int, err error) {
	now := s.now()
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var free bool
		if err := tx.QueryRow(ctx, judgeLock).Scan(&free); err != nil || !free {
			return err
		}
		rows, err := tx.Query(ctx, judgeableSQL, now, judgeChunk)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if n = len(ids); err != nil || n == 0 {
			return err
		}
		if rows, err = tx.Query(ctx, judgeSQL, now, ids, now.Add(-judgeRecent)); err != nil {
			return err
		}
		stamps, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (st sla.Stamp, err error) {
			return st, row.Scan(&st.OrgID, &st.Org, &st.Met, &st.Anew)
		})
		return err
	})
	return stamps, n, err
}

// tailSQL returns the answers first judged since snapshot $1, each once, whatever
// was under way then. A row without an org is none: only the new snapshot.
const tailSQL = `
SELECT s.now::text, x.*
FROM (SELECT pg_current_snapshot() AS now) s LEFT JOIN LATERAL (
  SELECT e.org_id, g.name, coalesce(e.charged_id, 0), coalesce(u.name, ''), e.outcome = 1, e.response_ms
  FROM episodes e JOIN orgs g ON g.id = e.org_id LEFT JOIN users u ON u.id = e.charged_id
  WHERE e.judged_tx >= pg_snapshot_xmin($1::pg_snapshot) AND NOT pg_visible_in_snapshot(e.judged_tx, $1::pg_snapshot)
    AND e.response_ms IS NOT NULL AND NOT e.excluded AND e.answered_at >= $2) x ON true`

// AdoptRestored gives verdicts that came with a dump, from a server that had
// counted further, this server's place in the order of commits: else AnswersSince
// would return them each time.
func (s *Store) AdoptRestored(ctx context.Context) error {
	_, err := s.pool.Exec(Named(ctx, QuerySLA), `
UPDATE episodes SET judged_tx = pg_current_xact_id()
WHERE judged_tx >= pg_snapshot_xmax(pg_current_snapshot()) AND answered_at >= $1`, s.now().Add(-judgeRecent))
	if err != nil {
		return fmt.Errorf("adopt verdicts that were restored from a dump: %w", err)
	}
	return nil
}

// AnswersSince returns the answers first judged since a snapshot, and the new
// snapshot to go on from. An empty one begins now.
func (s *Store) AnswersSince(ctx context.Context, snapshot string) (found []sla.Stamp, next string, err error) {
	ctx = Named(ctx, QuerySLA)
	if snapshot == "" {
		err = s.pool.QueryRow(ctx, `SELECT pg_current_snapshot()::text`).Scan(&next)
		return nil, next, err
	}
	rows, err := s.pool.Query(ctx, tailSQL, snapshot, s.now().Add(-judgeRecent))
	if err != nil {
		return nil, snapshot, fmt.Errorf("tail answers: %w", err)
	}
	next = snapshot
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (st sla.Stamp, err error) {
		var org, user, ms *int64
		var orgName, userName *string
		var met *bool
		if err := row.Scan(&next, &org, &orgName, &user, &userName, &met, &ms); err != nil || org == nil {
			return st, err
		}
		return sla.Stamp{
			OrgID: *org, Org: *orgName, UserID: *user, User: *userName, Met: *met, Answered: true, Response: time.Duration(*ms) * time.Millisecond,
		}, nil
	})
	if err != nil {
		return nil, snapshot, fmt.Errorf("tail answers: %w", err)
	}
	for _, st := range all {
		if st.Answered {
			found = append(found, st)
		}
	}
	return found, next, nil
}
