// Package ledgertest fills a ledger for benchmarks, ours and those beside our
// peers. It owns what a large installation looks like; it refuses to measure.
package ledgertest

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// Dead inserts dead jobs of fifty orgs with their messages, a tenth of them of
// org 1, three per conversation. The schema must be there, and empty.
func Dead(ctx context.Context, dsn string, jobs int) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, sql := range deadSQL(jobs) {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%.60s: %w", sql, err)
		}
	}
	return nil
}

func deadSQL(jobs int) []string {
	n := strconv.Itoa
	return []string{
		`INSERT INTO orgs (id, name) SELECT i, 'org' || i FROM generate_series(1, 50) i`,
		`INSERT INTO channels (id, org_id, kind, external_id) SELECT i, i, 'whatsapp', i FROM generate_series(1, 50) i`,
		`CREATE TEMP TABLE c AS SELECT i AS id, CASE WHEN i % 10 = 0 THEN 1 ELSE 2 + i % 49 END AS org FROM generate_series(0, ` + n(jobs/3) + `) i`,
		`INSERT INTO contacts (id, org_id, channel_id, wa_id) SELECT id + 1, org, org, id FROM c`,
		`INSERT INTO conversations (id, org_id, channel_id, contact_id, last_message_at, last_inbound_at) SELECT id + 1, org, org, id + 1, now(), now() - interval '1 h' FROM c`,
		`INSERT INTO messages (id, org_id, conversation_id, channel_id, inbound, kind, status, origin, job_id, attempts, body, error_class, error_text, failed_at)
SELECT 3 * c.id + k, c.org, c.id + 1, c.org, false, 'text', 5, 'user', 3 * c.id + k, 5, 'We have sent you the invoice again, please look at the attachment.', 'media', 'no such picture', now()
FROM c, generate_series(1, 3) k WHERE 3 * c.id + k <= ` + n(jobs),
		`INSERT INTO jobs (id, org_id, queue, job_type, priority, state, epoch, run_epoch, attempt, max_attempts, lane, serial_key, subject_id, channel_id, error_class, last_error, ready_at, deadline_at)
SELECT 3 * c.id + k, c.org, 1, 1, 1, 6, 5, 5, 5, 5, 2, c.id + 1, 3 * c.id + k, c.org, CASE k WHEN 1 THEN 'media' ELSE 'transient' END, 'no such picture', now(), now() + interval '1 day'
FROM c, generate_series(1, 3) k WHERE 3 * c.id + k <= ` + n(jobs),
		`UPDATE jobs SET org_id = 1 WHERE id IN (SELECT id FROM jobs WHERE org_id <> 1 ORDER BY id LIMIT (SELECT greatest(0, ` + n(jobs/10) + ` - count(*)) FROM jobs WHERE org_id = 1))`,
		`UPDATE jobs SET org_id = 2 WHERE id IN (SELECT id FROM jobs WHERE org_id = 1 ORDER BY id DESC LIMIT (SELECT greatest(0, count(*) - ` + n(jobs/10) + `) FROM jobs WHERE org_id = 1))`,
		`SELECT setval(pg_get_serial_sequence('jobs', 'id'), 2000000)`,
		`VACUUM ANALYZE jobs`, `VACUUM ANALYZE messages`, `ANALYZE conversations`, `CHECKPOINT`,
	}
}
