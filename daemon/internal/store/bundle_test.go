package store_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// bundle is a store on a database of its own, with one org that has a WhatsApp
// and an Instagram channel and a user.
type bundle struct {
	*store.Store

	tb       testing.TB
	ctx      context.Context //nolint:containedctx // a test's
	pool     *pgxpool.Pool
	jobs     *fakeJobs
	clock    *clock
	org      inbox.Org
	user     inbox.User
	whatsapp inbox.Channel
	insta    inbox.Channel
}

// clock is a hand that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *clock) add(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return c.now
}

// noon is when tests begin: a moment without fractions.
func noon() time.Time { return time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC) }

const waba = "980000000000001"

func setup(tb testing.TB) *bundle {
	tb.Helper()
	return database(tb).fork(tb)
}

// database returns a bundle without an org, on a database of its own.
func database(tb testing.TB) *bundle {
	tb.Helper()
	pool, err := store.Open(tb.Context(), store.PoolOptions{DSN: stacktest.Database(tb, store.Migrate), Name: "test", MaxConns: 24, Hot: true})
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	return on(tb, pool)
}

func on(tb testing.TB, pool *pgxpool.Pool) *bundle {
	tb.Helper()
	b := &bundle{tb: tb, ctx: tb.Context(), pool: pool, jobs: &fakeJobs{}, clock: &clock{now: noon()}}
	var err error
	b.Store, err = store.New(store.Options{Pool: pool, Jobs: b.jobs, Sealer: plain{}, Now: b.clock.Now})
	require.NoError(tb, err)
	return b
}

// patient returns a bundle on a database of its own, where locks are waited for
// as long as it takes.
func patient(tb testing.TB) *bundle {
	tb.Helper()
	pool, err := store.Open(tb.Context(), store.PoolOptions{
		DSN: stacktest.Database(tb, store.Migrate), Name: "test", MaxConns: 24, Hot: true, LockTimeout: time.Hour, StatementTimeout: time.Hour,
	})
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	return on(tb, pool).fork(tb)
}

// fork returns a bundle with an org of its own on the same database, and its
// own clock: cheap enough for every row of a table.
func (b *bundle) fork(tb testing.TB) *bundle {
	tb.Helper()
	f := on(tb, b.pool)
	name := strings.ToLower(rand.Text()[:10])
	var err error
	f.org, err = f.CreateOrg(f.ctx, inbox.Org{Name: name})
	require.NoError(tb, err)
	f.user, err = f.CreateUser(f.ctx, f.org.ID, "dana")
	require.NoError(tb, err)
	f.whatsapp, err = f.CreateChannel(f.ctx, inbox.Channel{OrgID: f.org.ID, Kind: inbox.WhatsApp, ExternalID: "12" + name, BusinessID: waba}, "EAAtoken")
	require.NoError(tb, err)
	f.insta, err = f.CreateChannel(f.ctx, inbox.Channel{OrgID: f.org.ID, Kind: inbox.Instagram, ExternalID: "17" + name}, "IGtoken")
	require.NoError(tb, err)
	return f
}

// plain is a Sealer that only checks the owner.
type plain struct{}

func (plain) Seal(clear, aad string) (string, error) { return aad + "|" + clear, nil }

func (plain) Open(sealed, aad string) (string, error) {
	if len(sealed) <= len(aad) || sealed[:len(aad)+1] != aad+"|" {
		return "", context.Canceled
	}
	return sealed[len(aad)+1:], nil
}

// fakeJobs writes the jobs table as the ledger does.
type fakeJobs struct {
	mu   sync.Mutex
	woke []job.Queue
}

func (f *fakeJobs) Insert(ctx context.Context, tx pgx.Tx, jobs ...job.New) ([]int64, error) {
	var ids []int64
	for _, j := range jobs {
		state, run := job.Ready, time.Now()
		if !j.RunAt.IsZero() {
			state, run = job.Scheduled, j.RunAt
		}
		var id int64
		err := tx.QueryRow(ctx, `
INSERT INTO jobs (org_id, user_id, queue, job_type, priority, state, attempt, max_attempts, serial_key, subject_id, run_at, deadline_at, args)
VALUES ($1, nullif($2::bigint, 0), $3, $4, $5, $6, $7, 5, $8, $9, $10, $11, $12) RETURNING id`,
			j.OrgID, j.UserID, int16(j.Queue), int16(j.Type), int16(j.Priority), int16(state), j.Attempt, j.SerialKey, j.SubjectID,
			run, run.Add(24*time.Hour), j.Args).Scan(&id)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func (f *fakeJobs) Settle(ctx context.Context, tx pgx.Tx, s []job.Settlement) (done []job.Settled, err error) {
	for _, x := range s {
		rows, err := tx.Query(ctx, `
WITH d AS (DELETE FROM jobs j WHERE j.id = $1 AND (j.state+0) <> 6 AND ($2 = 0 OR (j.run_epoch = $2 AND j.attempt > 0)) RETURNING j.*)
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at)
SELECT id, org_id, queue, job_type, priority, 1, run_epoch, attempt, lane, created_at FROM d RETURNING id, attempt::int`, x.ID, x.Epoch)
		if err != nil {
			return nil, err
		}
		one, err := pgx.CollectRows(rows, pgx.RowToStructByPos[job.Settled])
		if err != nil {
			return nil, err
		}
		done = append(done, one...)
	}
	return done, nil
}

func (f *fakeJobs) Revive(ctx context.Context, tx pgx.Tx, orgID, jobID int64) (bool, error) {
	tag, err := tx.Exec(ctx, `UPDATE jobs SET state = 1, attempt = 0 WHERE id = $1 AND org_id = $2 AND (state+0) = 6`, jobID, orgID)
	return tag.RowsAffected() == 1, err
}

func (f *fakeJobs) RaiseControl(ctx context.Context, tx pgx.Tx) (version int64, err error) {
	err = tx.QueryRow(ctx, `UPDATE control SET version = version + 1 RETURNING version`).Scan(&version)
	return version, err
}

func (f *fakeJobs) Hasten(ctx context.Context, tx pgx.Tx, channelIDs []int64, classes ...job.Class) error {
	_, err := tx.Exec(ctx, `
UPDATE jobs SET run_at = clock_timestamp() WHERE state = 0 AND channel_id = ANY($1::bigint[]) AND error_class = ANY($2)`, channelIDs, classes)
	return err
}

func (f *fakeJobs) Wake(queues ...job.Queue) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.woke = append(f.woke, queues...)
}

// account of the bundle's WhatsApp number and Instagram account.
func (b *bundle) wa() inbox.Account {
	return inbox.Account{Kind: inbox.WhatsApp, ExternalID: b.whatsapp.ExternalID, BusinessID: waba}
}

func (b *bundle) ig() inbox.Account {
	return inbox.Account{Kind: inbox.Instagram, ExternalID: b.insta.ExternalID}
}

// mira is a customer with both addresses.
func mira() inbox.Contact {
	return inbox.Contact{UserID: "US.1001", WaID: "12025550101", Name: "Mira"}
}

// says is a text of a customer.
func (b *bundle) says(id string, at time.Time) inbox.Inbound {
	return inbox.Inbound{Account: b.wa(), ProviderID: id, Contact: mira(), Kind: inbox.KindText, Text: "hello", At: at}
}

// ingest applies a batch that must succeed.
func (b *bundle) ingest(batch inbox.Batch) inbox.Applied {
	b.tb.Helper()
	applied, err := b.Ingest(b.ctx, batch, []byte(`{"raw":true}`))
	require.NoError(b.tb, err)
	return applied
}

// conversation returns the only conversation of the org.
func (b *bundle) conversation() inbox.Conversation {
	b.tb.Helper()
	all, err := b.Conversations(b.ctx, inbox.ConversationFilter{OrgID: b.org.ID, Limit: 10})
	require.NoError(b.tb, err)
	require.Len(b.tb, all, 1)
	return all[0]
}

func (b *bundle) message(id int64) inbox.Message {
	b.tb.Helper()
	m, err := b.Message(b.ctx, b.org.ID, id)
	require.NoError(b.tb, err)
	return m
}

// reply accepts a text of the bundle's user.
func (b *bundle) reply(conversation int64) inbox.Receipt {
	b.tb.Helper()
	r, err := b.Reply(b.ctx, inbox.Reply{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: conversation, Text: "hi Mira"})
	require.NoError(b.tb, err)
	return r
}

// episode is a row of episodes, in short.
type episode struct {
	First      bool
	Start, Due int // seconds after noon
	Answered   int // seconds after noon, -1: open
	By         int64
	Message    int64
}

func (b *bundle) episodes(conversation int64) []episode {
	b.tb.Helper()
	rows, err := b.pool.Query(b.ctx, `
SELECT first, extract(epoch FROM started_at - $2)::int, extract(epoch FROM due_at - $2)::int,
       coalesce(extract(epoch FROM answered_at - $2)::int, -1), coalesce(answered_by, 0), coalesce(answer_message_id, 0)
FROM episodes WHERE conversation_id = $1 ORDER BY started_at`, conversation, noon())
	require.NoError(b.tb, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[episode])
	require.NoError(b.tb, err)
	return all
}

// count runs a query for one number.
func (b *bundle) count(sql string, args ...any) int {
	b.tb.Helper()
	var n int
	require.NoError(b.tb, b.pool.QueryRow(b.ctx, sql, args...).Scan(&n))
	return n
}

func (b *bundle) exec(sql string, args ...any) {
	b.tb.Helper()
	_, err := b.pool.Exec(b.ctx, sql, args...)
	require.NoError(b.tb, err)
}

// started makes the job of a receipt running with epoch 1.
func (b *bundle) started(r inbox.Receipt) {
	b.tb.Helper()
	b.exec(`UPDATE jobs SET state = 3, epoch = 1, run_epoch = 1, attempt = attempt + 1 WHERE id = $1`, r.JobID)
}

// outcome ends a job as the ledger does and applies its effects, in one
// transaction.
func (b *bundle) outcome(effects ...job.Effect) {
	b.tb.Helper()
	require.NoError(b.tb, b.tryOutcome(effects...))
}

func (b *bundle) tryOutcome(effects ...job.Effect) error {
	batch := &pgx.Batch{}
	for _, e := range effects {
		switch e.Status {
		case inbox.Failed:
			batch.Queue(`UPDATE jobs SET state = 6 WHERE id = $1 AND run_epoch = $2`, e.JobID, e.Epoch)
		case inbox.Uncertain:
			batch.Queue(`UPDATE jobs SET state = 4 WHERE id = $1 AND run_epoch = $2`, e.JobID, e.Epoch)
		case inbox.Queued:
			batch.Queue(`UPDATE jobs SET state = 1 WHERE id = $1 AND run_epoch = $2`, e.JobID, e.Epoch)
		default:
			batch.Queue(`
WITH d AS (DELETE FROM jobs WHERE id = $1 AND run_epoch = $2 RETURNING *)
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at)
SELECT id, org_id, queue, job_type, priority, 1, run_epoch, attempt, lane, created_at FROM d`, e.JobID, e.Epoch)
		}
	}
	b.QueueEffects(batch, effects)
	return b.pool.SendBatch(b.ctx, batch).Close()
}

// sent is the effect of a successful send.
func sent(r inbox.Receipt, status inbox.MessageStatus, providerID string) job.Effect {
	return job.Effect{JobID: r.JobID, Epoch: 1, MessageID: r.MessageID, Status: status, ProviderID: providerID, Attempt: 1}
}

// at is a moment so many seconds after noon.
func at(seconds int) time.Time { return noon().Add(time.Duration(seconds) * time.Second) }

// clearIDs leaves out who and what answered.
func clearIDs(all []episode) []episode {
	for i := range all {
		all[i].By, all[i].Message = 0, 0
	}
	return all
}
