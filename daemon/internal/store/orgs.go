package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const orgColumns = `id, name, time_zone, sla_target_ms, sla_objective, created_at`

func scanOrg(row pgx.CollectableRow) (o inbox.Org, err error) {
	var targetMS int64
	err = row.Scan(&o.ID, &o.Name, &o.TimeZone, &targetMS, &o.Objective, &o.CreatedAt)
	o.SLATarget = time.Duration(targetMS) * time.Millisecond
	return o, err
}

// CreateOrg adds an org; zero settings take the defaults. It returns an Invalid fault for a bad name, time zone, target or
// objective and a Conflict fault if the name is taken.
func (s *Store) CreateOrg(ctx context.Context, o inbox.Org) (inbox.Org, error) {
	o = o.WithDefaults()
	if err := inbox.CheckOrg(o); err != nil {
		return inbox.Org{}, err
	}
	var created inbox.Org
	err := s.record(ctx, func(ctx context.Context, tx pgx.Tx) (r audit.Record, err error) {
		rows, err := tx.Query(ctx, `
INSERT INTO orgs (name, time_zone, sla_target_ms, sla_objective) VALUES ($1, $2, $3, $4)
RETURNING `+orgColumns, o.Name, o.TimeZone, o.SLATarget.Milliseconds(), o.Objective)
		if err != nil {
			return r, err
		}
		created, err = pgx.CollectExactlyOneRow(rows, scanOrg)
		return audit.Record{OrgID: created.ID, Target: "org " + created.Name, After: orgDetail(created)}, err
	})
	switch {
	case violates(err, "orgs_name_key"):
		return inbox.Org{}, inbox.Faultf(inbox.Conflict, "org_exists", "there is an org named %q already: choose another name", o.Name)
	case err != nil:
		return inbox.Org{}, fmt.Errorf("create org: %w", err)
	}
	return created, nil
}

// Orgs returns all orgs by name.
func (s *Store) Orgs(ctx context.Context) ([]inbox.Org, error) {
	return s.listOrgs(ctx, `ORDER BY name`)
}

// OrgsOf returns the orgs with these ids.
func (s *Store) OrgsOf(ctx context.Context, ids []int64) ([]inbox.Org, error) {
	return s.listOrgs(ctx, `WHERE id = ANY($1::bigint[])`, ids)
}

// OrgsAfter returns the first orgs after a name, by name, that begin with prefix,
// without those with some ids. A list of constants is hashed, so that many of them
// cost no more than a few.
func (s *Store) OrgsAfter(ctx context.Context, name, prefix string, without []int64, limit int) ([]inbox.Org, error) {
	return s.listOrgs(ctx, `
WHERE name > $1 AND starts_with(name, $2) AND id <> ALL($3::bigint[])
ORDER BY name LIMIT $4`, name, prefix, append([]int64{}, without...), limit) // none is no null
}

func (s *Store) listOrgs(ctx context.Context, which string, args ...any) ([]inbox.Org, error) {
	rows, err := s.pool.Query(Named(ctx, QueryProvision), `SELECT `+orgColumns+` FROM orgs `+which, args...)
	if err != nil {
		return nil, fmt.Errorf("list orgs: %w", err)
	}
	orgs, err := pgx.CollectRows(rows, scanOrg)
	if err != nil {
		return nil, fmt.Errorf("list orgs: %w", err)
	}
	return orgs, nil
}

// OrgByName returns an org, or a NotFound fault.
func (s *Store) OrgByName(ctx context.Context, name string) (inbox.Org, error) {
	rows, err := s.pool.Query(Named(ctx, QueryProvision), `SELECT `+orgColumns+` FROM orgs WHERE name = $1`, inbox.Clean(name))
	if err != nil {
		return inbox.Org{}, fmt.Errorf("load org: %w", err)
	}
	org, err := pgx.CollectExactlyOneRow(rows, scanOrg)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return inbox.Org{}, inbox.Faultf(inbox.NotFound, "org_not_found", "there is no org named %q", name)
	case err != nil:
		return inbox.Org{}, fmt.Errorf("load org: %w", err)
	}
	return org, nil
}

// UpdateOrg changes settings of an org, all but its name, and returns what they
// were and are. change sees what they are now, and nobody else changes them
// meanwhile. Clocks that run keep the target they began with.
func (s *Store) UpdateOrg(ctx context.Context, id int64, change func(*inbox.Org) error) (before, after inbox.Org, err error) {
	err = pgx.BeginFunc(Named(ctx, QueryProvision), s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+orgColumns+` FROM orgs WHERE id = $1 FOR NO KEY UPDATE`, id)
		if err != nil {
			return err
		}
		if before, err = pgx.CollectExactlyOneRow(rows, scanOrg); err != nil {
			return err
		}
		after = before
		if err := change(&after); err != nil {
			return err
		}
		if err := inbox.CheckOrg(after); err != nil || after == before {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE orgs SET time_zone = $2, sla_target_ms = $3, sla_objective = $4 WHERE id = $1`,
			id, after.TimeZone, after.SLATarget.Milliseconds(), after.Objective)
		if err != nil {
			return err
		}
		return audit.Write(ctx, tx, audit.Record{OrgID: id, Target: "org " + after.Name, Before: orgDetail(before), After: orgDetail(after)})
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return before, after, orgNotFound(id)
	case err != nil:
		return before, after, fmt.Errorf("change org %d: %w", id, err)
	}
	return before, after, nil
}

func orgDetail(o inbox.Org) map[string]any {
	return map[string]any{"time_zone": o.TimeZone, "sla_target_ms": o.SLATarget.Milliseconds(), "sla_objective": o.Objective}
}

func orgNotFound(id int64) error {
	return inbox.Faultf(inbox.NotFound, "org_not_found", "there is no org %d", id)
}
