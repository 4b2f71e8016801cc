package audit

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const defaultPage = 50

// Trail reads what was recorded. It is safe for concurrent use.
type Trail struct{ pool *pgxpool.Pool }

// NewTrail returns the trail of a database.
func NewTrail(pool *pgxpool.Pool) *Trail { return &Trail{pool} }

// Entries returns the entries a filter chooses, newest first.
func (t *Trail) Entries(ctx context.Context, f inbox.AuditFilter) ([]inbox.AuditEntry, error) {
	sql, args := listSQL(f)
	rows, err := t.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("list the audit trail: %w", err)
	}
	entries, err := pgx.CollectRows(rows, scanEntry)
	if err != nil {
		return nil, fmt.Errorf("list the audit trail: %w", err)
	}
	return entries, nil
}

const selectSQL = `
SELECT a.id, a.at, a.actor, a.token_id, a.action, a.org_id, coalesce(o.name, ''), a.target, a.reason, a.detail,
       a.outcome, a.request_id, a.source, a.hash
FROM audit a LEFT JOIN orgs o ON o.id = a.org_id
WHERE `

// listSQL names only what is asked for, so that each question has its index.
func listSQL(f inbox.AuditFilter) (string, []any) {
	if f.Limit <= 0 {
		f.Limit = defaultPage
	}
	args, where := []any{f.Limit}, []string{"true"}
	add := func(given bool, condition string, value any) {
		if given {
			args = append(args, value)
			where = append(where, fmt.Sprintf(condition, len(args)))
		}
	}
	add(f.ID != 0, "a.id = $%d::bigint", f.ID)
	add(f.OrgID != 0, "a.org_id = $%d::bigint", f.OrgID)
	add(f.Actor != "", "a.actor = $%d", f.Actor)
	add(f.Action != "", "a.action = $%d", f.Action)
	add(!f.Since.IsZero(), "a.at >= $%d", f.Since)
	add(!f.Until.IsZero(), "a.at < $%d", f.Until)
	add(f.Before != 0, "a.id < $%d::bigint", f.Before)
	return selectSQL + strings.Join(where, " AND ") + ` ORDER BY a.id DESC LIMIT $1::bigint`, args
}

func scanEntry(row pgx.CollectableRow) (e inbox.AuditEntry, err error) {
	err = row.Scan(&e.ID, &e.At, &e.Actor, (*zeronull.Int8)(&e.TokenID), &e.Action, (*zeronull.Int8)(&e.OrgID), &e.Org, &e.Target, &e.Reason,
		&e.Detail, &e.Outcome, &e.RequestID, &e.Source, &e.Hash)
	return e, err
}
