package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/sla"
)

const policySelect = `
SELECT p.id, p.org_id, g.name, p.target_ms, p.objective, p.time_zone, p.business_hours, p.owner, p.reason, p.set_at,
       p.id = (SELECT max(l.id) FROM sla_policies l WHERE l.org_id = p.org_id)
FROM sla_policies p JOIN orgs g ON g.id = p.org_id`

func scanPolicy(row pgx.CollectableRow) (p sla.Policy, err error) {
	var targetMS int64
	err = row.Scan(&p.ID, &p.OrgID, &p.Org, &targetMS, &p.Objective, &p.Hours.TimeZone, &p.Hours.Days, &p.Owner, &p.Reason, &p.SetAt, &p.InForce)
	p.Target = time.Duration(targetMS) * time.Millisecond
	return p, err
}

// SLAPolicies returns the policies in force by org name (orgID 0: of all orgs);
// with history, every one of an org, newest first.
func (s *Store) SLAPolicies(ctx context.Context, orgID int64, history bool) ([]sla.Policy, error) {
	where := ` WHERE ($1::bigint = 0 OR p.org_id = $1) AND p.id = (SELECT max(l.id) FROM sla_policies l WHERE l.org_id = p.org_id) ORDER BY g.name`
	if history {
		where = ` WHERE ($1::bigint = 0 OR p.org_id = $1) ORDER BY g.name, p.id DESC`
	}
	rows, err := s.pool.Query(Named(ctx, QuerySLA), policySelect+where, orgID)
	if err != nil {
		return nil, fmt.Errorf("list SLA policies: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanPolicy)
	if err != nil {
		return nil, fmt.Errorf("list SLA policies: %w", err)
	}
	return found, nil
}

// SetSLAPolicy changes what an org promises, for episodes that begin from now on,
// and returns what it did and does. change sees the policy in force, and nobody
// else changes it meanwhile. A bad target, objective or bad hours are an Invalid
// fault.
func (s *Store) SetSLAPolicy(ctx context.Context, orgID int64, change func(*sla.Policy) error) (before, after sla.Policy, err error) {
	err = pgx.BeginFunc(Named(ctx, QuerySLA), s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT 1 FROM orgs WHERE id = $1 FOR NO KEY UPDATE`, orgID); err != nil {
			return err
		}
		if before, err = inForce(ctx, tx, orgID); err != nil {
			return err
		}
		after = before
		if err := change(&after); err != nil {
			return err
		}
		if err := after.Check(); err != nil {
			return err
		}
		return s.putPolicy(ctx, tx, before, &after)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return before, after, orgNotFound(orgID)
	case err != nil:
		return before, after, fmt.Errorf("set the SLA policy of org %d: %w", orgID, err)
	}
	return before, after, nil
}

func inForce(ctx context.Context, tx pgx.Tx, orgID int64) (sla.Policy, error) {
	rows, err := tx.Query(ctx, policySelect+` WHERE p.org_id = $1 ORDER BY p.id DESC LIMIT 1`, orgID)
	if err != nil {
		return sla.Policy{}, err
	}
	return pgx.CollectExactlyOneRow(rows, scanPolicy)
}

// putPolicy writes what is asked for, and reads what it has become: a policy that
// promises what the one in force does is none.
func (s *Store) putPolicy(ctx context.Context, tx pgx.Tx, before sla.Policy, after *sla.Policy) error {
	days, err := json.Marshal(after.Hours.Days)
	if err != nil {
		return fmt.Errorf("encode business hours: %w", err)
	}
	b := &pgx.Batch{}
	b.Queue(`SELECT set_config('inboxd.owner', $1, true), set_config('inboxd.reason', $2, true)`, after.Owner, after.Reason)
	b.Queue(`
UPDATE orgs SET sla_target_ms = $2, sla_objective = $3, time_zone = $4, business_hours = nullif($5::text::jsonb, 'null') WHERE id = $1`,
		after.OrgID, after.Target.Milliseconds(), after.Objective, after.Hours.TimeZone, string(days))
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	if *after, err = inForce(ctx, tx, after.OrgID); err != nil || after.ID == before.ID {
		return err
	}
	return audit.Write(ctx, tx, audit.Record{OrgID: after.OrgID, Target: "policy of " + after.Org, Before: policyDetail(before), After: policyDetail(*after)})
}

func policyDetail(p sla.Policy) map[string]any {
	return map[string]any{"target_ms": p.Target.Milliseconds(), "objective": p.Objective, "business_hours": p.Hours}
}
