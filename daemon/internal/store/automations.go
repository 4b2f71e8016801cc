package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const ruleColumns = `r.id, r.org_id, r.name, r.enabled, r.trigger, r.conditions, r.actions, r.created_at, r.updated_at`

func ruleFields(r *automation.Rule) []any {
	return []any{&r.ID, &r.OrgID, &r.Name, &r.Enabled, &r.Trigger, &r.Conditions, &r.Actions, &r.CreatedAt, &r.UpdatedAt}
}

func scanRule(row pgx.CollectableRow) (r automation.Rule, err error) {
	err = row.Scan(ruleFields(&r)...)
	return r, err
}

// Automations returns a page of an org's rules, oldest first: ids above after.
func (s *Store) Automations(ctx context.Context, orgID, after int64, limit int) ([]automation.Rule, error) {
	rows, err := s.pool.Query(Named(ctx, QueryAutomation), `
SELECT `+ruleColumns+` FROM automations r WHERE r.org_id = $1 AND r.id > $2 ORDER BY r.id LIMIT $3`, orgID, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list automations of org %d: %w", orgID, err)
	}
	rules, err := pgx.CollectRows(rows, scanRule)
	if err != nil {
		return nil, fmt.Errorf("list automations of org %d: %w", orgID, err)
	}
	return rules, nil
}

// Automation returns a rule of the org, or a NotFound fault.
func (s *Store) Automation(ctx context.Context, orgID, id int64) (automation.Rule, error) {
	rows, err := s.pool.Query(Named(ctx, QueryAutomation), `
SELECT `+ruleColumns+` FROM automations r WHERE r.id = $1 AND r.org_id = $2`, id, orgID)
	if err != nil {
		return automation.Rule{}, fmt.Errorf("load automation %d: %w", id, err)
	}
	return oneRule(rows, id)
}

func oneRule(rows pgx.Rows, id int64) (automation.Rule, error) {
	r, err := pgx.CollectExactlyOneRow(rows, scanRule)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return automation.Rule{}, automationNotFound(id)
	case err != nil:
		return automation.Rule{}, fmt.Errorf("load automation %d: %w", id, err)
	}
	return r, nil
}

func automationNotFound(id int64) error {
	return inbox.Faultf(inbox.NotFound, "automation_not_found", "there is no automation %d", id)
}

// CreateAutomation adds a rule to an org. Faults: Invalid for a bad rule,
// Unprocessable for a user the org does not have, Conflict if the name is taken
// or the org has as many rules as it can.
func (s *Store) CreateAutomation(ctx context.Context, w automation.Write) (automation.Rule, error) {
	return s.writeRule(ctx, w, `
INSERT INTO automations AS r (org_id, name, enabled, wait_minutes, trigger, conditions, actions, created_at, updated_at)
SELECT $2, $3, $4, $5, $6::text::jsonb, $7::text::jsonb, $8::text::jsonb, $9, $9 WHERE $1::bigint = 0
RETURNING `+ruleColumns)
}

// UpdateAutomation replaces a rule. Faults: as CreateAutomation, and NotFound.
func (s *Store) UpdateAutomation(ctx context.Context, w automation.Write) (automation.Rule, error) {
	return s.writeRule(ctx, w, `
UPDATE automations r SET name = $3, enabled = $4, wait_minutes = $5, trigger = $6::text::jsonb, conditions = $7::text::jsonb,
       actions = $8::text::jsonb, updated_at = $9
WHERE r.id = $1 AND r.org_id = $2
RETURNING `+ruleColumns)
}

// writeRule stores a rule. The lock on the org makes the count of its rules
// true, and users are never deleted.
// Round trips: BEGIN, key, lock and look up; write; key and COMMIT.
func (s *Store) writeRule(ctx context.Context, w automation.Write, sql string) (automation.Rule, error) {
	ctx = Named(ctx, QueryAutomation)
	members, err := membersOf(w.Rule)
	if err != nil {
		return automation.Rule{}, err
	}
	var count int
	var strangers []string
	written, err := write(ctx, s, w.OrgID, w.Once, func(b *pgx.Batch) {
		b.Queue(`SELECT o.id FROM orgs o WHERE o.id = $1 AND `+onceFree+` FOR NO KEY UPDATE OF o`, w.OrgID)
		b.Queue(`SELECT count(*) FROM automations WHERE org_id = $1`, w.OrgID).QueryRow(func(row pgx.Row) error { return row.Scan(&count) })
		b.Queue(`
SELECT n.name FROM unnest($2::text[]) WITH ORDINALITY AS n(name, place)
WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.org_id = $1 AND u.name = n.name) ORDER BY n.place`,
			w.OrgID, w.Rule.UserNames()).Query(func(rows pgx.Rows) (err error) {
			strangers, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
	}, func(u *unit) (automation.Rule, *pgx.Batch, error) {
		switch {
		case len(strangers) > 0:
			return automation.Rule{}, nil, unknownUser(strangers[0])
		case w.ID == 0 && count >= automation.MostRules:
			return automation.Rule{}, nil, inbox.Faultf(inbox.Conflict, "too_many_automations",
				"the org has %d automations, and more are not possible: delete or change one", count)
		}
		var stored automation.Rule
		b := u.batch()
		b.Queue(sql, append([]any{w.ID, w.OrgID, w.Rule.Name, w.Rule.Enabled, w.Rule.Trigger.Minutes}, append(members, s.now())...)...).
			Query(func(rows pgx.Rows) (err error) {
				stored, err = oneRule(rows, w.ID)
				return err
			})
		return stored, u.batch(), u.send(ctx, b)
	})
	switch {
	case violates(err, "automations_org_name_key"):
		return automation.Rule{}, inbox.Faultf(inbox.Conflict, "automation_exists", "the org has an automation of this name already: choose another name")
	case err != nil:
		return automation.Rule{}, fmt.Errorf("write automation of org %d: %w", w.OrgID, err)
	}
	return written, nil
}

// membersOf checks a rule and returns its trigger, conditions and actions as
// they are stored.
func membersOf(r automation.Rule) ([]any, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	actions := make([]automation.Action, len(r.Actions))
	for i, a := range r.Actions {
		if a.Template != nil {
			stored := *a.Template
			if len(stored.Components) > 0 {
				stored.Components = storableJSON(stored.Components)
				if stored.Components == nil || stored.Components[0] != '[' {
					return nil, inbox.Faultf(inbox.Invalid, "bad_automation", "actions[%d].template.components is no JSON array", i)
				}
			}
			a.Template = &stored
		}
		actions[i] = a
	}
	var members []any
	for _, m := range []any{r.Trigger, r.Conditions, actions} {
		text, err := json.Marshal(m)
		if err != nil {
			return nil, fmt.Errorf("encode automation: %w", err)
		}
		members = append(members, string(text))
	}
	return members, nil
}

// DeleteAutomation removes a rule; what it did stays on record. It returns a
// NotFound fault if the org has no such rule.
func (s *Store) DeleteAutomation(ctx context.Context, w automation.Write) error {
	ctx = Named(ctx, QueryAutomation)
	_, err := write(ctx, s, w.OrgID, w.Once, func(*pgx.Batch) {}, func(u *unit) (struct{}, *pgx.Batch, error) {
		var found bool
		b := u.batch()
		b.Queue(`DELETE FROM automations WHERE id = $1 AND org_id = $2 RETURNING id`, w.ID, w.OrgID).Query(func(rows pgx.Rows) (err error) {
			_, found, err = first[int64](rows)
			return err
		})
		if err := u.send(ctx, b); err != nil {
			return struct{}{}, nil, err
		}
		if !found {
			return struct{}{}, nil, automationNotFound(w.ID)
		}
		return struct{}{}, u.batch(), nil
	})
	if err != nil {
		return fmt.Errorf("delete automation %d: %w", w.ID, err)
	}
	return nil
}
