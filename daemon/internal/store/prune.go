package store

import (
	"context"
	"fmt"
	"time"
)

const (
	keyLife      = 24 * time.Hour // of an idempotency key and of a parked status
	unusableLife = 30 * 24 * time.Hour
	periodicLife = 7 * 24 * time.Hour  // longer than any period
	runLife      = 90 * 24 * time.Hour // longer than any job of its message lives
	pruneChunk   = 1000                // rows per transaction: milliseconds of locks
)

// Prune deletes what has served: idempotency keys and parked statuses after 24
// hours, runs of periodic work after 7 days, unusable webhooks after 30, runs of
// automations after 90. It works in small chunks, may run in several processes at
// once and may be stopped at any moment.
func (s *Store) Prune(ctx context.Context) error {
	ctx = Named(ctx, QueryPrune)
	now := s.now()
	for _, p := range []struct {
		what, sql string
		before    time.Time
	}{
		{"idempotency keys", `
DELETE FROM idempotency_keys WHERE (org_id, key) IN (
  SELECT org_id, key FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)`, now.Add(-keyLife)},
		{"parked statuses", `
DELETE FROM parked_statuses WHERE (channel_id, provider_id, status) IN (
  SELECT channel_id, provider_id, status FROM parked_statuses WHERE received_at < $1
  ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED)`, now.Add(-keyLife)},
		{"unusable webhooks", `
DELETE FROM unusable_webhooks WHERE id IN (
  SELECT id FROM unusable_webhooks WHERE received_at < $1 ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED)`, now.Add(-unusableLife)},
		{"periodic runs", `
DELETE FROM periodic_runs WHERE (name, scope_id, period_start) IN (
  SELECT name, scope_id, period_start FROM periodic_runs WHERE period_start < $1 ORDER BY period_start LIMIT $2 FOR UPDATE SKIP LOCKED)`, now.Add(-periodicLife)},
		{"automation runs", `
DELETE FROM automation_runs WHERE (message_id, rule_id) IN (
  SELECT message_id, rule_id FROM automation_runs WHERE ran_at < $1 ORDER BY ran_at LIMIT $2 FOR UPDATE SKIP LOCKED)`, now.Add(-runLife)},
	} {
		for {
			tag, err := s.pool.Exec(ctx, p.sql, p.before, pruneChunk)
			if err != nil {
				return fmt.Errorf("prune %s: %w", p.what, err)
			}
			if tag.RowsAffected() < pruneChunk {
				break
			}
		}
	}
	return nil
}
