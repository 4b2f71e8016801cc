package store

import (
	"context"
	"encoding/json"
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

// SetSLAPolicy changes what an org promises, for episodes that begin from now on.
// It returns an Invalid fault for a bad target, objective or bad hours.
func (s *Store) SetSLAPolicy(ctx context.Context, p sla.Policy) (sla.Policy, error) {
	if err := p.Check(); err != nil {
		return sla.Policy{}, err
	}
	days, err := json.Marshal(p.Hours.Days)
	if err != nil {
		return sla.Policy{}, fmt.Errorf("encode business hours: %w", err)
	}
	var set sla.Policy
	err = pgx.BeginFunc(Named(ctx, QuerySLA), s.pool, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue(`SELECT set_config('inboxd.owner', $1, true), set_config('inboxd.reason', $2, true)`, p.Owner, p.Reason)
		b.Queue(`
UPDATE orgs SET sla_target_ms = $2, sla_objective = $3, time_zone = $4, business_hours = nullif($5::text::jsonb, 'null') WHERE id = $1`,
			p.OrgID, p.Target.Milliseconds(), p.Objective, p.Hours.TimeZone, string(days))
		b.Queue(policySelect+` WHERE p.org_id = $1 ORDER BY p.id DESC LIMIT 1`, p.OrgID).Query(func(rows pgx.Rows) (err error) {
			set, err = pgx.CollectExactlyOneRow(rows, scanPolicy)
			return err
		})
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Record{OrgID: p.OrgID, Target: "policy of " + set.Org, After: map[string]any{
			"target_ms": set.Target.Milliseconds(), "objective": set.Objective, "business_hours": set.Hours,
		}})
	})
	if err != nil {
		return sla.Policy{}, fmt.Errorf("set the SLA policy of org %d: %w", p.OrgID, err)
	}
	return set, nil
}
