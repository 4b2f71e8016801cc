package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const userColumns = `id, org_id, name, created_at`

func scanUser(row pgx.CollectableRow) (u inbox.User, err error) {
	err = row.Scan(&u.ID, &u.OrgID, &u.Name, &u.CreatedAt)
	return u, err
}

// CreateUser adds an agent to an org. It returns an Invalid fault for a bad
// name, NotFound for an unknown org and Conflict if the name is taken there.
func (s *Store) CreateUser(ctx context.Context, orgID int64, name string) (inbox.User, error) {
	if err := inbox.CheckName("user", name); err != nil {
		return inbox.User{}, err
	}
	var user inbox.User
	err := s.record(ctx, func(ctx context.Context, tx pgx.Tx) (r audit.Record, err error) {
		rows, err := tx.Query(ctx, `
INSERT INTO users (org_id, name) VALUES ($1, $2) RETURNING `+userColumns, orgID, name)
		if err != nil {
			return r, err
		}
		user, err = pgx.CollectExactlyOneRow(rows, scanUser)
		return audit.Record{OrgID: orgID, Target: "user " + user.Name}, err
	})
	switch {
	case violates(err, "users_org_name_key"):
		return inbox.User{}, inbox.Faultf(inbox.Conflict, "user_exists", "the org has a user named %q already: choose another name", name)
	case violates(err, "users_org_id_fkey"):
		return inbox.User{}, orgNotFound(orgID)
	case err != nil:
		return inbox.User{}, fmt.Errorf("create user in org %d: %w", orgID, err)
	}
	return user, nil
}

// Users returns the users of an org by name; orgID 0: of all orgs (operators
// only).
func (s *Store) Users(ctx context.Context, orgID int64) ([]inbox.User, error) {
	rows, err := s.pool.Query(Named(ctx, QueryProvision), `
SELECT `+userColumns+` FROM users WHERE $1 = 0 OR org_id = $1 ORDER BY org_id, name`, orgID)
	if err != nil {
		return nil, fmt.Errorf("list users of org %d: %w", orgID, err)
	}
	users, err := pgx.CollectRows(rows, scanUser)
	if err != nil {
		return nil, fmt.Errorf("list users of org %d: %w", orgID, err)
	}
	return users, nil
}

// UserByName returns a user of the org, or a NotFound fault.
func (s *Store) UserByName(ctx context.Context, orgID int64, name string) (inbox.User, error) {
	rows, err := s.pool.Query(Named(ctx, QueryToken), `
SELECT `+userColumns+` FROM users WHERE org_id = $1 AND name = $2`, orgID, inbox.Clean(name))
	if err != nil {
		return inbox.User{}, fmt.Errorf("load user of org %d: %w", orgID, err)
	}
	user, err := pgx.CollectExactlyOneRow(rows, scanUser)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return inbox.User{}, inbox.Faultf(inbox.NotFound, "user_not_found", "the org has no user named %q", name)
	case err != nil:
		return inbox.User{}, fmt.Errorf("load user of org %d: %w", orgID, err)
	}
	return user, nil
}
