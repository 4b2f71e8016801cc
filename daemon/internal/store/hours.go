package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/automation"
)

// BusinessHours returns the business hours of an org; without a setting Days is
// nil.
func (s *Store) BusinessHours(ctx context.Context, orgID int64) (automation.Hours, error) {
	rows, err := s.pool.Query(Named(ctx, QueryAutomation), `SELECT time_zone, business_hours FROM orgs WHERE id = $1`, orgID)
	if err != nil {
		return automation.Hours{}, fmt.Errorf("load business hours of org %d: %w", orgID, err)
	}
	hours, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[automation.Hours])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return automation.Hours{}, orgNotFound(orgID)
	case err != nil:
		return automation.Hours{}, fmt.Errorf("load business hours of org %d: %w", orgID, err)
	}
	return hours, nil
}

// SetBusinessHours sets the business hours and the time zone of an org; nil
// Days takes the setting away. It returns an Invalid fault for bad hours.
func (s *Store) SetBusinessHours(ctx context.Context, w automation.HoursWrite) (automation.Hours, error) {
	if err := w.Hours.Check(); err != nil {
		return automation.Hours{}, err
	}
	days, err := json.Marshal(w.Hours.Days)
	if err != nil {
		return automation.Hours{}, fmt.Errorf("encode business hours: %w", err)
	}
	ctx = Named(ctx, QueryAutomation)
	set, err := write(ctx, s, w.OrgID, w.Once, func(*pgx.Batch) {}, func(u *unit) (automation.Hours, *pgx.Batch, error) {
		b := u.batch()
		b.Queue(`UPDATE orgs SET time_zone = $2, business_hours = nullif($3::text::jsonb, 'null') WHERE id = $1`, w.OrgID, w.Hours.TimeZone, string(days))
		return w.Hours, b, nil
	})
	if err != nil {
		return automation.Hours{}, fmt.Errorf("set business hours of org %d: %w", w.OrgID, err)
	}
	return set, nil
}
