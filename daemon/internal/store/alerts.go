package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/audit"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

const (
	alertLife = 24 * time.Hour // of a resolved one
	alertRows = 1000           // of one answer
)

const alertColumns = `a.id, a.severity, a.rule, a.scope, coalesce(o.name, ''), coalesce(a.org_id, 0), a.summary, a.value, a.threshold, a.unit,
  a.cause, a.command, a.runbook, a.since, a.seen_at, a.resolved_at, a.acked_by, a.ack_reason, a.acked_at, a.muted_by, a.mute_reason, a.muted_until, a.told_at`

const alertFrom = ` FROM alerts a LEFT JOIN orgs o ON o.id = a.org_id `

func scanAlert(row pgx.CollectableRow) (a inbox.Alert, err error) {
	err = row.Scan(&a.ID, &a.Severity, &a.Rule, &a.Scope, &a.Org, &a.OrgID, &a.Text, &a.Value, &a.Threshold, &a.Unit,
		&a.Cause, &a.Command, &a.Runbook, &a.Since, &a.SeenAt, orZero(&a.ResolvedAt), &a.AckedBy, &a.AckReason, orZero(&a.AckedAt),
		&a.MutedBy, &a.MuteReason, orZero(&a.MutedUntil), orZero(&a.ToldAt))
	return a, err
}

// alertWire is what one process says of an alert. Its times are ages: all rows
// carry the database's clock, so that no process's own matters.
type alertWire struct {
	ID        string   `json:"id"`
	Severity  string   `json:"severity"`
	Rule      string   `json:"rule"`
	Scope     string   `json:"scope"`
	Org       string   `json:"org"`
	Summary   string   `json:"summary"`
	Value     *float64 `json:"value"`
	Threshold *float64 `json:"threshold"`
	Unit      string   `json:"unit"`
	Cause     string   `json:"cause"`
	Command   string   `json:"command"`
	Runbook   string   `json:"runbook"`
	AgeMS     int64    `json:"age_ms"`
	Told      bool     `json:"told"`
}

// noteAlertsSQL opens what is new and keeps what is open: its since, its marks. One
// that comes back within a minute, before anybody was told of its end, is not
// announced again. Rows come in order of their id, so that processes queue up.
const noteAlertsSQL = `
INSERT INTO alerts AS a (id, org_id, severity, rule, scope, summary, value, threshold, unit, cause, command, runbook, since, told_at)
SELECT x.id, o.id, x.severity, x.rule, x.scope, x.summary, x.value, x.threshold, x.unit, x.cause, x.command, x.runbook,
       clock_timestamp() - x.age_ms * interval '1 millisecond', CASE WHEN x.told THEN clock_timestamp() END
FROM jsonb_to_recordset($1::text::jsonb) AS x(id text, severity text, rule text, scope text, org text, summary text, value float8, threshold float8,
     unit text, cause text, command text, runbook text, age_ms bigint, told boolean)
LEFT JOIN orgs o ON o.name = x.org
ORDER BY x.id
ON CONFLICT (id) DO UPDATE SET
  severity = excluded.severity, summary = excluded.summary, value = excluded.value, threshold = excluded.threshold, unit = excluded.unit,
  cause = excluded.cause, command = excluded.command, runbook = excluded.runbook, seen_at = clock_timestamp(), resolved_at = NULL,
  since = CASE WHEN a.resolved_at IS NULL AND a.since < excluded.since + interval '2 seconds' THEN a.since ELSE excluded.since END,
  opened_at = CASE WHEN a.resolved_at IS NULL THEN a.opened_at ELSE clock_timestamp() END,
  told_at = CASE WHEN a.resolved_at IS NULL OR a.over_told_at IS NULL AND a.resolved_at > clock_timestamp() - interval '1 minute'
    THEN coalesce(a.told_at, excluded.told_at) ELSE excluded.told_at END,
  over_told_at = NULL`

// SyncAlerts says what this process sees and returns what all of them know: what
// is open, and what has been resolved within a day. With a gone above 0, what
// nobody has seen for so long is resolved, and its acknowledgement with it; a
// process that has just started says 0, because it has not seen anything yet.
func (s *Store) SyncAlerts(ctx context.Context, seen []inbox.Alert, gone time.Duration) ([]inbox.Alert, error) {
	ctx = Named(ctx, QueryAlert)
	wire := make([]alertWire, 0, len(seen))
	for _, a := range seen {
		wire = append(wire, alertWire{
			a.ID, a.Severity, a.Rule, a.Scope, a.Org, inbox.Clean(a.Text), a.Value, a.Threshold, a.Unit, inbox.Clean(a.Cause), a.Command, a.Runbook,
			max(a.SeenAt.Sub(a.Since), 0).Milliseconds(), !a.ToldAt.IsZero(),
		})
	}
	raw, err := json.Marshal(wire)
	if err != nil {
		return nil, fmt.Errorf("encode alerts: %w", err)
	}
	b := &pgx.Batch{}
	if len(wire) > 0 {
		b.Queue(noteAlertsSQL, string(raw))
	}
	if gone > 0 {
		b.Queue(`
UPDATE alerts SET resolved_at = clock_timestamp(), acked_at = NULL, acked_by = '', ack_reason = '' WHERE id IN (
  SELECT id FROM alerts WHERE resolved_at IS NULL AND seen_at < clock_timestamp() - $1::interval FOR UPDATE SKIP LOCKED)`, gone)
	}
	b.Queue(`
DELETE FROM alerts WHERE id IN (
  SELECT id FROM alerts WHERE resolved_at < clock_timestamp() - $1::interval AND coalesce(muted_until, '-infinity') < clock_timestamp() FOR UPDATE SKIP LOCKED)`, alertLife)
	var known []inbox.Alert
	b.Queue(`SELECT `+alertColumns+alertFrom+`ORDER BY a.resolved_at DESC NULLS FIRST, a.severity, a.since, a.id LIMIT $1`, alertRows).Query(func(rows pgx.Rows) (err error) {
		known, err = pgx.CollectRows(rows, scanAlert)
		return err
	})
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("keep alerts: %w", err)
	}
	return known, nil
}

// AckAlert says who is at an alert that is open; with an empty by, that nobody is
// any more.
func (s *Store) AckAlert(ctx context.Context, orgID int64, id, by, reason string) (inbox.Alert, error) {
	return s.markAlert(ctx, orgID, id, func(ctx context.Context, tx pgx.Tx, a inbox.Alert) (after any, err error) {
		switch {
		case !a.Open():
			return nil, inbox.Faultf(inbox.Conflict, "alert_resolved", "the alert %s is over: there is nothing to acknowledge", id)
		case by == "":
			_, err = tx.Exec(ctx, `UPDATE alerts SET acked_by = '', ack_reason = '', acked_at = NULL WHERE id = $1`, id)
			return nil, err
		}
		_, err = tx.Exec(ctx, `UPDATE alerts SET acked_by = $2, ack_reason = $3, acked_at = clock_timestamp() WHERE id = $1`, id, by, reason)
		return map[string]any{"acked_by": by}, err
	})
}

// MuteAlert keeps an alert quiet for a time, open or not; with an empty by it ends
// that.
func (s *Store) MuteAlert(ctx context.Context, orgID int64, id, by, reason string, lasts time.Duration) (inbox.Alert, error) {
	return s.markAlert(ctx, orgID, id, func(ctx context.Context, tx pgx.Tx, _ inbox.Alert) (after any, err error) {
		if by == "" {
			_, err = tx.Exec(ctx, `UPDATE alerts SET muted_by = '', mute_reason = '', muted_until = NULL WHERE id = $1`, id)
			return nil, err
		}
		_, err = tx.Exec(ctx, `UPDATE alerts SET muted_by = $2, mute_reason = $3, muted_until = clock_timestamp() + $4::interval WHERE id = $1`, id, by, reason, lasts)
		return map[string]any{"muted_by": by, "lasts_ms": lasts.Milliseconds()}, err
	})
}

// markAlert changes one alert and records it. A caller bound to an org finds only
// what is of that org.
func (s *Store) markAlert(ctx context.Context, orgID int64, id string, mark func(context.Context, pgx.Tx, inbox.Alert) (any, error)) (marked inbox.Alert, err error) {
	find := func(ctx context.Context, tx pgx.Tx, lock string) (inbox.Alert, error) {
		rows, err := tx.Query(ctx, `SELECT `+alertColumns+alertFrom+`WHERE a.id = $1`+lock, id)
		if err != nil {
			return inbox.Alert{}, err
		}
		found, err := pgx.CollectRows(rows, scanAlert)
		switch {
		case err != nil:
			return inbox.Alert{}, err
		case len(found) == 0 || (orgID != 0 && found[0].OrgID != orgID):
			return inbox.Alert{}, inbox.Faultf(inbox.NotFound, "alert_not_found", "there is no alert %q: `inboxctl alerts list` shows those there are", id)
		}
		return found[0], nil
	}
	err = s.record(Named(ctx, QueryAlert), func(ctx context.Context, tx pgx.Tx) (r audit.Record, err error) {
		before, err := find(ctx, tx, ` FOR UPDATE OF a`)
		if err != nil {
			return r, err
		}
		r = audit.Record{OrgID: before.OrgID, Target: "alert " + id}
		if r.After, err = mark(ctx, tx, before); err != nil {
			return r, err
		}
		marked, err = find(ctx, tx, "")
		return r, err
	})
	if err != nil {
		return inbox.Alert{}, fmt.Errorf("mark alert %s: %w", id, err)
	}
	return marked, nil
}

// RecordAlertTest records that somebody has a test message sent: no record, no
// message.
func (s *Store) RecordAlertTest(ctx context.Context) error {
	return s.record(ctx, func(context.Context, pgx.Tx) (audit.Record, error) { return audit.Record{Target: "alert webhook"}, nil })
}
