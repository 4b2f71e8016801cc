package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// ruleReads is how many rows of any table f reads.
func (b *bundle) ruleReads(f func()) int {
	b.tb.Helper()
	reads := func() int {
		require.NoError(b.tb, b.pool.AcquireFunc(b.ctx, func(c *pgxpool.Conn) error {
			_, err := c.Exec(b.ctx, `SELECT pg_stat_force_next_flush()`)
			return err
		}))
		return b.count(`SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables`)
	}
	before := reads()
	f()
	return reads() - before
}

// What webhooks and rules read depends on the messages and the org's own rules,
// not on how many rules, runs, users and messages there are. An org without
// rules pays for none.
func TestAutomationReadsDoNotGrowWithTheTables(t *testing.T) {
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
	bare := one.fork(t)
	bare.clock.set(at(100))
	for _, table := range []string{"messages", "contacts", "conversations", "episodes", "jobs", "automations", "automation_runs", "users"} {
		b.exec(`ALTER TABLE ` + table + ` SET (autovacuum_enabled = false)`)
	}
	for i := range 3 {
		one.rule(fmt.Sprint("keyword", i), keyword("hello"), tag("x"))
	}
	one.rule("wait", noAnswer(5), tag("y"))
	round := func(n int) (none, hook, run int) {
		none = bare.ruleReads(func() { bare.ingest(bare.crowd(fmt.Sprint("bare", n), 20)) })
		hook = one.ruleReads(func() { one.ingest(one.crowd(fmt.Sprint("some", n), 20)) })
		asked := one.asked()
		run = one.ruleReads(func() {
			for _, q := range asked {
				_, err := one.RunAutomations(one.ctx, q)
				require.NoError(t, err)
			}
		})
		b.exec(`DELETE FROM jobs WHERE job_type = 3`)
		return none, hook, run
	}
	noneSmall, hookSmall, runSmall := round(0)
	one.ingest(one.crowd("fill", 2000))
	b.exec(`DELETE FROM jobs WHERE job_type = 3`)
	b.exec(`INSERT INTO messages (org_id, conversation_id, channel_id, inbound, kind, status, origin, provider_id, clock_at, created_at)
		SELECT v.org_id, v.id, v.channel_id, n % 2 = 0, 'text', CASE n % 2 WHEN 0 THEN 7 ELSE 2 END, CASE n % 2 WHEN 0 THEN 'customer' ELSE 'user' END,
		       'old.' || v.id || '.' || n, $1::timestamptz - n * interval '1 minute', $1::timestamptz - n * interval '1 minute'
		FROM conversations v, generate_series(1, 20) n WHERE v.org_id = $2`, noon(), b.org.ID)
	b.exec(`INSERT INTO orgs (name) SELECT 'org' || n FROM generate_series(1, 500) n`)
	b.exec(`INSERT INTO users (org_id, name) SELECT o.id, 'u' || n FROM orgs o, generate_series(1, 20) n`)
	b.exec(`INSERT INTO automations (org_id, name, trigger, conditions, actions)
		SELECT o.id, 'r' || n, '{"type":"first_message"}', '{}', '[]' FROM orgs o, generate_series(1, 20) n WHERE o.name LIKE 'org%'`)
	b.exec(`INSERT INTO automation_runs (message_id, rule_id, org_id, conversation_id, rule_name, outcome, sent, actions, ran_at)
		SELECT m.id, -1, m.org_id, m.conversation_id, 'old', 'done', 1, '[]', $1::timestamptz - interval '1 hour' FROM messages m`, noon())
	noneLarge, hookLarge, runLarge := round(1)
	t.Logf("rows read for 20 messages, tables small and large: without rules %d, %d; with rules %d, %d; running them %d, %d",
		noneSmall, noneLarge, hookSmall, hookLarge, runSmall, runLarge)
	require.Less(t, noneLarge, 2*noneSmall+50)
	require.Less(t, hookLarge, 2*hookSmall+50)
	require.Less(t, runLarge, 2*runSmall+50)
}

// batchCounter counts the statements of pipelined batches.
type batchCounter struct{ n atomic.Int64 }

func (c *batchCounter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (c *batchCounter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (c *batchCounter) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

func (c *batchCounter) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {
	c.n.Add(1)
}
func (c *batchCounter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// Whether an org has rules is asked along with what is asked anyway, and the
// number of statements depends on nothing but that: not on how many messages
// there are, nor how many rules.
func TestStatementsOfAWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	counter := &batchCounter{}
	config := b.pool.Config()
	config.ConnConfig.Tracer = counter
	pool, err := pgxpool.NewWithConfig(b.ctx, config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	counted := on(t, pool)
	counted.org, counted.whatsapp = b.org, b.whatsapp
	counted.clock.set(at(100))
	statements := func(prefix string, n int) int64 {
		before := counter.n.Load()
		counted.ingest(counted.crowd(prefix, n))
		return counter.n.Load() - before
	}
	statements("first", 100) // everybody is known from here on
	one := statements("one", 1)
	require.Equal(t, one, statements("many", 100))
	b.rule("keyword", keyword("hello"), tag("x"))
	require.Equal(t, one, statements("keyword", 1))
	require.Equal(t, one, statements("keywords", 100))
	for i := range 20 {
		b.rule(fmt.Sprint("wait", i), noAnswer(5+i), tag("x"))
	}
	require.Equal(t, one, statements("wait", 1))
	require.Equal(t, one, statements("waits", 100))
}
