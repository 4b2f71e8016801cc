// Package audit owns the audit trail: who changed what, when and why, as a chain
// of rows that are only ever added. A record is written in the transaction of the
// change itself, by the store or the ledger; a change that cannot be recorded is
// not made. It refuses to judge who may do what.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Record is what the writer of a change knows of it. Before and After are what
// was and what is; nil: nothing. They hold no secret, phone number or text of a
// message.
type Record struct {
	OrgID  int64  // 0: of no org, or of all
	Target string // what was changed, such as "hold 7"
	Before any
	After  any
	Begun  bool // the change goes on in later transactions
}

// FailureError says that a change was not made because it could not be recorded.
type FailureError struct{ cause error }

func (e *FailureError) Error() string { return "record the change: " + e.cause.Error() }

// Unwrap returns the cause.
func (e *FailureError) Unwrap() error { return e.cause }

// Unrecorded tells those who do not know this package.
func (e *FailureError) Unrecorded() bool { return true }

const insertSQL = `
INSERT INTO audit (actor, token_id, action, org_id, target, reason, detail, outcome, request_id, source)
VALUES ($1, nullif($2::bigint, 0), $3, nullif($4::bigint, 0), $5, $6, $7::text::jsonb, $8, $9, $10)`

// Write records the change that ctx is part of; without one it does nothing,
// because then no operator asked. It must be the last statement of the
// transaction: until the commit nobody else can record anything.
func Write(ctx context.Context, tx pgx.Tx, r Record) error {
	c := inbox.ChangeOf(ctx)
	if c == nil {
		return nil
	}
	detail, err := r.detail(c)
	if err != nil {
		return &FailureError{err}
	}
	outcome := "done"
	if r.Begun {
		outcome = "begun"
	}
	_, err = tx.Exec(ctx, insertSQL, c.Actor, c.TokenID, c.Action, r.OrgID, inbox.Clean(r.Target), inbox.Clean(c.Reason),
		detail, outcome, c.RequestID, c.Source)
	if err != nil {
		return &FailureError{err}
	}
	return nil
}

func (r Record) detail(c *inbox.Change) (string, error) {
	all := maps.Clone(c.Detail)
	if all == nil {
		all = map[string]any{}
	}
	if r.Before != nil {
		all["before"] = r.Before
	}
	if r.After != nil {
		all["after"] = r.After
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("encode the detail: %w", err)
	}
	return string(raw), nil
}
