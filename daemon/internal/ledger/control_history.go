package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/bandeja/inboxd/daemon/internal/control"
)

// inForce is the limit of org $1 that counts now, under the name of n.
const inForce = `
LEFT JOIN LATERAL (
  SELECT value, window_ms FROM org_limits o
  WHERE o.org_id = $1 AND o.name = n.name AND (o.expires_at IS NULL OR o.expires_at > clock_timestamp())
  ORDER BY o.temporary DESC LIMIT 1) o ON true`

// noteLimitSQL notes what a set is about to change: it runs before it, in its
// transaction, under the lock of the control version.
const noteLimitSQL = `
INSERT INTO limit_changes (org_id, name, before_value, before_window_ms, after_value, after_window_ms, owner, reason, expires_at, temporary)
SELECT $1, n.name, o.value, o.window_ms, $3, $4, $5, $6, clock_timestamp() + nullif($7::interval, '0'), $7::interval > '0'
FROM (SELECT $2::text AS name) n` + inForce

// noteResetSQL notes what a reset is about to remove. What is left of a name of
// which only the temporary value goes is its lasting one.
const noteResetSQL = `
INSERT INTO limit_changes (org_id, name, before_value, before_window_ms, after_value, after_window_ms, owner, reason, temporary)
SELECT $1, n.name, o.value, o.window_ms, left_over.value, left_over.window_ms, $3, $4, $5
FROM (SELECT DISTINCT name FROM org_limits
      WHERE org_id = $1 AND (cardinality($2::text[]) = 0 OR name = ANY($2)) AND (temporary OR NOT $5)) n` + inForce + `
LEFT JOIN org_limits left_over ON $5 AND left_over.org_id = $1 AND left_over.name = n.name AND NOT left_over.temporary
ORDER BY n.name`

// limitChangesSQL finds of each change the one that ended what it set: of a
// temporary value the next of its name, of a lasting one the next that is not
// about a temporary value.
const limitChangesSQL = `
SELECT c.id, c.org_id, c.name, c.before_value, coalesce(c.before_window_ms, 0), c.after_value, coalesce(c.after_window_ms, 0), c.owner, c.reason,
       c.at, c.expires_at, n.at, coalesce(n.owner, '')
FROM (SELECT * FROM limit_changes WHERE ($1 = 0 OR org_id = $1) AND ($2 = 0 OR id < $2) ORDER BY id DESC LIMIT $3) c
LEFT JOIN LATERAL (
  SELECT at, owner FROM limit_changes n
  WHERE n.org_id = c.org_id AND n.name = c.name AND n.id > c.id AND (n.at < c.expires_at OR (c.expires_at IS NULL AND NOT n.temporary))
  ORDER BY n.id LIMIT 1) n ON c.expires_at IS NOT NULL OR NOT c.temporary
ORDER BY c.id DESC`

// LimitChanges returns what was changed of limits, newest first, of one org or,
// with 0, of all; below the id before, unless it is 0.
func (l *Ledger) LimitChanges(ctx context.Context, orgID, before int64, limit int) ([]control.LimitChange, error) {
	rows, err := l.reads.Query(ctx, limitChangesSQL, orgID, before, limit)
	if err != nil {
		return nil, fmt.Errorf("read changes of limits: %w", err)
	}
	changes, err := pgx.CollectRows(rows, scanChange)
	if err != nil {
		return nil, fmt.Errorf("read changes of limits: %w", err)
	}
	return changes, nil
}

func scanChange(row pgx.CollectableRow) (c control.LimitChange, err error) {
	var before, after *int
	var beforeMS, afterMS int64
	var expires, ended zeronull.Timestamptz
	err = row.Scan(&c.ID, &c.OrgID, &c.Name, &before, &beforeMS, &after, &afterMS, &c.Owner, &c.Reason, &c.At, &expires, &ended, &c.EndedBy)
	c.Before, c.After = limitOf(c.Name, before, beforeMS), limitOf(c.Name, after, afterMS)
	c.ExpiresAt, c.EndedAt = time.Time(expires), time.Time(ended)
	return c, err
}

func limitOf(name string, value *int, ms int64) *control.Limit {
	if value == nil {
		return nil
	}
	return &control.Limit{Name: name, Value: *value, Window: time.Duration(ms) * time.Millisecond}
}
