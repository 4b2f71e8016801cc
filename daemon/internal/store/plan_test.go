package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// rowsRead is how many rows all statements have read so far, by index or not.
func (b *bundle) rowsRead() int {
	b.tb.Helper()
	require.NoError(b.tb, b.pool.AcquireFunc(b.ctx, func(c *pgxpool.Conn) error {
		_, err := c.Exec(b.ctx, `SELECT pg_stat_force_next_flush()`) // the one connection reports before its next statement
		return err
	}))
	return b.count(`SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables
		WHERE relname IN ('messages', 'contacts', 'conversations', 'episodes', 'jobs', 'job_history_default', 'parked_statuses')`)
}

// What a write reads may depend on its own size, not on the tables': plans made
// while the tables were empty, and never analysed, must hold when they are not.
func TestReadsDoNotGrowWithTheTables(t *testing.T) {
	t.Parallel()
	b := setup(t)
	config := b.pool.Config()
	config.MaxConns = 1 // one connection keeps its plans, and its counts are all counts
	pool, err := pgxpool.NewWithConfig(b.ctx, config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	one := on(t, pool)
	one.org, one.user, one.whatsapp, one.insta = b.org, b.user, b.whatsapp, b.insta
	one.clock.set(at(100))
	for _, table := range []string{"messages", "contacts", "conversations", "episodes", "jobs", "job_history_default"} {
		b.exec(`ALTER TABLE ` + table + ` SET (autovacuum_enabled = false)`)
	}
	small := one.workload(0)
	small = max(small, one.workload(1))
	one.ingest(one.crowd("fill", 2000))
	b.exec(`INSERT INTO messages (org_id, conversation_id, channel_id, inbound, kind, status, origin, provider_id, clock_at, created_at)
		SELECT v.org_id, v.id, v.channel_id, n % 2 = 0, 'text', CASE n % 2 WHEN 0 THEN 7 ELSE 2 END, CASE n % 2 WHEN 0 THEN 'customer' ELSE 'user' END,
		       'old.' || v.id || '.' || n, $1::timestamptz - n * interval '1 minute', $1::timestamptz - n * interval '1 minute'
		FROM conversations v, generate_series(1, 20) n`, noon())
	b.exec(`INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at)
		SELECT -n, 1, 1, 1, 1, 1, 1, 1, 1, now() FROM generate_series(1, 20000) n`)
	large := one.workload(2)
	t.Logf("rows read: %d with small tables, %d with large ones", small, large)
	require.Less(t, large, 3*small, "a statement reads whole tables")
}

// workload delivers 20 messages, answers each, delivers statuses and reads, and
// returns how many rows that read.
func (b *bundle) workload(round int) int {
	b.tb.Helper()
	before := b.rowsRead()
	b.ingest(b.crowd(fmt.Sprintf("work%d", round), 20))
	conversations, err := b.Conversations(b.ctx, inbox.ConversationFilter{OrgID: b.org.ID, Limit: 20})
	require.NoError(b.tb, err)
	batch := &pgx.Batch{}
	batch.Queue(`SELECT set_config('enable_hashjoin', 'off', true)`) // as the engine's pool has it
	var effects []job.Effect
	var statuses inbox.Batch
	for i, c := range conversations {
		r := b.reply(c.ID)
		batch.Queue(`WITH d AS (DELETE FROM jobs WHERE id = $1 RETURNING *)
			INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at)
			SELECT id, org_id, queue, job_type, priority, 1, 1, 1, 1, created_at FROM d`, r.JobID)
		id := fmt.Sprintf("out.%d.%d", round, i)
		effects = append(effects, sent(r, inbox.Sent, id))
		statuses.Statuses = append(statuses.Statuses,
			inbox.StatusUpdate{Account: b.wa(), ProviderID: id, Status: inbox.Delivered, At: at(90)},
			inbox.StatusUpdate{Account: b.wa(), ProviderID: id + "?", Status: inbox.Sent, At: at(90), JobID: r.JobID, Epoch: 1})
		statuses.Reads = append(statuses.Reads, inbox.ReadMark{Account: b.wa(), ProviderID: id, At: at(time.Now().Second())})
		statuses.Revokes = append(statuses.Revokes, inbox.Revoke{Account: b.wa(), ProviderID: id})
	}
	b.QueueEffects(batch, effects)
	require.NoError(b.tb, b.pool.SendBatch(b.ctx, batch).Close())
	b.ingest(statuses)
	return b.rowsRead() - before
}
