package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

const operationColumns = `o.id, o.kind, o.state, coalesce(o.org_id, 0), o.selector, coalesce(o.settle_as, ''), coalesce(o.undo_of, 0), coalesce(o.undo_kind, ''),
       coalesce((SELECT max(u.id) FROM operations u WHERE u.undo_of = o.id AND u.committed_at IS NOT NULL), 0),
       o.actor, o.reason, o.plan, o.matched, coalesce(o.rate, 0), coalesce(o.canary, 0), o.canary_passed, o.abort_if,
       o.visited, o.done, o.failed, o.skipped, o.succeeded, o.failed_again, coalesce(o.error, ''),
       o.created_at, o.expires_at, o.committed_at, o.finished_at`

func scanOperation(row pgx.CollectableRow) (o operation.Operation, err error) {
	var plan, skipped json.RawMessage
	var committed, finished *time.Time
	err = row.Scan(&o.ID, &o.Kind, &o.State, &o.OrgID, &o.Selector, &o.As, &o.UndoOf, &o.UndoKind,
		&o.UndoneBy, &o.Actor, &o.Reason, &plan, &o.Matched, &o.Rate, &o.Canary, &o.CanaryPassed, &o.AbortIf,
		&o.Visited, &o.Done, &o.Failed, &skipped, &o.Succeeded, &o.FailedAgain, &o.Error,
		&o.CreatedAt, &o.ExpiresAt, &committed, &finished)
	if err != nil {
		return o, err
	}
	o.CommittedAt, o.FinishedAt = known(committed), known(finished)
	counts := map[string]int64{}
	err = errors.Join(json.Unmarshal(plan, &o.Plan), json.Unmarshal(skipped, &counts))
	o.Skipped = mostFirst(counts)
	return o, err
}

// Operation returns an operation, or a NotFound fault. orgID 0 means any org;
// another org's operation does not exist.
func (l *Ledger) Operation(ctx context.Context, orgID, id int64) (operation.Operation, error) {
	rows, err := l.reads.Query(ctx, `SELECT `+operationColumns+` FROM operations o WHERE o.id = $1 AND ($2::bigint = 0 OR o.org_id = $2)`, id, orgID)
	return oneOperation(rows, err, id)
}

func oneOperation(rows pgx.Rows, err error, id int64) (operation.Operation, error) {
	if err != nil {
		return operation.Operation{}, fmt.Errorf("load operation %d: %w", id, err)
	}
	o, err := pgx.CollectExactlyOneRow(rows, scanOperation)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return o, inbox.Faultf(inbox.NotFound, "operation_not_found", "there is no operation %d", id)
	case err != nil:
		return o, fmt.Errorf("load operation %d: %w", id, err)
	}
	return o, nil
}

// Operations lists operations in these states (none: any), newest first, with
// ids below before (0: from the newest).
func (l *Ledger) Operations(ctx context.Context, orgID int64, states []operation.State, before int64, limit int) ([]operation.Operation, error) {
	words := make([]string, len(states))
	for i, s := range states {
		words[i] = string(s)
	}
	rows, err := l.reads.Query(ctx, `
SELECT `+operationColumns+` FROM operations o
WHERE ($1::bigint = 0 OR o.org_id = $1) AND (cardinality($2::text[]) = 0 OR o.state = ANY($2)) AND ($3::bigint = 0 OR o.id < $3)
ORDER BY o.id DESC LIMIT $4`, orgID, words, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list operations: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanOperation)
	if err != nil {
		return nil, fmt.Errorf("list operations: %w", err)
	}
	return all, nil
}

// OperationItems lists the jobs of an operation with this result (nil: any) by
// rising id, above after. A locked job whose turn comes again is no result yet.
func (l *Ledger) OperationItems(ctx context.Context, orgID, id int64, result *operation.Result, after int64, limit int) ([]operation.Item, error) {
	if _, err := l.Operation(ctx, orgID, id); err != nil {
		return nil, err
	}
	where, args := ``, []any{id, after, limit}
	switch {
	case result == nil:
	case *result == operation.JobDone:
		where = ` AND i.result = 1`
	default:
		where, args = ` AND i.result <> 1 AND i.result = $4`, append(args, int16(*result))
	}
	rows, err := l.reads.Query(ctx, `
SELECT i.job_id, coalesce((SELECT o.name FROM orgs o WHERE o.id = i.org_id), ''), i.result, coalesce(i.reason, '')
FROM operation_items i WHERE i.operation_id = $1 AND i.job_id > $2`+where+` ORDER BY i.job_id LIMIT $3`, args...)
	if err != nil {
		return nil, fmt.Errorf("list jobs of operation %d: %w", id, err)
	}
	items, err := pgx.CollectRows(rows, pgx.RowToStructByPos[operation.Item])
	if err != nil {
		return nil, fmt.Errorf("list jobs of operation %d: %w", id, err)
	}
	return items, nil
}

// CommitOperation starts a plan. The same terms once more answer with how it is
// now. Faults: NotFound; Conflict if the plan has expired, is larger than
// Max, or was committed with other terms.
func (l *Ledger) CommitOperation(ctx context.Context, orgID, id int64, terms operation.Terms) (operation.Operation, error) {
	o, err := l.commit(ctx, orgID, id, terms, "")
	if err == nil {
		signal(l.started)
	}
	return o, err
}

// commit with a runner keeps the operation for that one.
func (l *Ledger) commit(ctx context.Context, orgID, id int64, terms operation.Terms, runner string) (o operation.Operation, err error) {
	err = pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+operationColumns+` FROM operations o WHERE o.id = $1 AND ($2::bigint = 0 OR o.org_id = $2) FOR NO KEY UPDATE OF o`, id, orgID)
		if o, err = oneOperation(rows, err, id); err != nil {
			return err
		}
		if o.State != operation.Planned {
			return committedBefore(o, terms)
		}
		if terms.Max != nil && o.Matched > *terms.Max {
			return inbox.Faultf(inbox.Conflict, "too_many_jobs", "the plan has %d jobs, more than the %d it may have: nothing was changed", o.Matched, *terms.Max)
		}
		rows, err = tx.Query(ctx, `
WITH o AS (
       UPDATE operations o SET state = 'running', committed_at = clock_timestamp(), rate = nullif($2::double precision, 0), canary = nullif($3::integer, 0),
              abort_if = $4, runner = nullif($5, ''), lease_until = CASE WHEN $5 <> '' THEN clock_timestamp() + $6::interval END
       WHERE o.id = $1 AND o.expires_at > clock_timestamp() RETURNING o.*)
SELECT `+operationColumns+` FROM o`, id, terms.Rate, terms.Canary, terms.AbortIf, runner, leaseTime)
		o, err = oneOperation(rows, err, id)
		if inbox.KindOf(err) == inbox.NotFound {
			return planExpired(id)
		}
		if err != nil {
			return err
		}
		return recordOperation(ctx, tx, o, "committed")
	})
	if err != nil {
		return o, fmt.Errorf("commit operation %d: %w", id, err)
	}
	return o, nil
}

// recordOperation puts into the audit trail that an operation began or was
// stopped: what it chose, who planned it and why. What each job came to is in the
// operation itself.
func recordOperation(ctx context.Context, tx pgx.Tx, o operation.Operation, what string) error {
	if c := inbox.ChangeOf(ctx); c != nil && c.Reason == "" {
		c.Reason = o.Reason // it was given with the plan
	}
	return audit.Write(ctx, tx, audit.Record{
		OrgID: o.OrgID, Target: fmt.Sprintf("operation %d", o.ID), Begun: what == "committed" && o.Matched > chunkSize,
		After: map[string]any{
			"change": what, "kind": string(o.Kind), "matched": o.Matched, "by_org": o.Plan.ByOrg, "selector": o.Selector, "as": string(o.As),
			"undo_of": o.UndoOf, "planned_by": o.Actor, "reason": o.Reason, "rate": o.Rate, "canary": o.Canary, "abort_if": o.AbortIf,
		},
	})
}

func planExpired(id int64) error {
	return inbox.Faultf(inbox.Conflict, "plan_expired", "plan %d is older than %s and has expired: plan it again", id, operation.PlanLife)
}

// committedBefore answers whoever commits again.
func committedBefore(o operation.Operation, terms operation.Terms) error {
	same := (o.AbortIf == nil) == (terms.AbortIf == nil) && known(o.AbortIf) == known(terms.AbortIf)
	switch {
	case o.State == operation.Expired:
		return planExpired(o.ID)
	case o.State == operation.Aborted && o.CommittedAt.IsZero():
		return inbox.Faultf(inbox.Conflict, "plan_aborted", "plan %d was aborted: plan it again", o.ID)
	case !same || o.Rate != terms.Rate || o.Canary != terms.Canary:
		return inbox.Faultf(inbox.Conflict, "already_committed", "operation %d was committed with other values and is %s", o.ID, o.State)
	}
	return nil
}

// AbortOperation lets the chunk under way be the last; of a plan, that it can no
// longer be committed. Once more is no fault; what has ended is a Conflict.
func (l *Ledger) AbortOperation(ctx context.Context, orgID, id int64, by, reason string) (operation.Operation, error) {
	why := "by " + by
	if reason != "" {
		why += ": " + reason
	}
	var o operation.Operation
	err := pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
WITH o AS (
       UPDATE operations o SET state = CASE o.state WHEN 'planned' THEN 'aborted' ELSE 'aborting' END, error = coalesce(o.error, $3),
              finished_at = CASE o.state WHEN 'planned' THEN clock_timestamp() END
       WHERE o.id = $1 AND ($2::bigint = 0 OR o.org_id = $2) AND o.state IN ('planned', 'running', 'aborting') RETURNING o.*)
SELECT `+operationColumns+` FROM o`, id, orgID, storable(why))
		if o, err = oneOperation(rows, err, id); err != nil {
			return err
		}
		return recordOperation(ctx, tx, o, "aborted")
	})
	if inbox.KindOf(err) == inbox.NotFound {
		if o, err = l.Operation(ctx, orgID, id); err == nil && o.State != operation.Aborted {
			err = inbox.Faultf(inbox.Conflict, "operation_ended", "operation %d is %s: there is nothing to abort", id, o.State)
		}
	}
	if err != nil {
		return o, fmt.Errorf("abort operation %d: %w", id, err)
	}
	if o.State == operation.Aborted {
		l.dropChunks(ctx, id)
	}
	signal(l.started)
	return o, nil
}

// countAsked counts the jobs that a cancel has only asked to stop.
func (l *Ledger) countAsked(ctx context.Context, id int64) (n int, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnTime)
	defer cancel()
	err = l.pool.QueryRow(ctx, `SELECT count(*) FROM operation_items WHERE operation_id = $1 AND result = 1 AND reason = $2`, id, reasonAsked).Scan(&n)
	return n, err
}
