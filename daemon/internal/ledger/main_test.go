package ledger_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

// bundle is a ledger on a database of its own, with two live workers.
type bundle struct {
	*ledger.Ledger
	ctx     context.Context //nolint:containedctx // for goroutines of one test
	pool    *pgxpool.Pool
	effects *recordedEffects
	w1, w2  int64
}

// recordedEffects keeps what the ledger asked for; SQL, if set, is queued too.
type recordedEffects struct {
	mu   sync.Mutex
	all  []job.Effect
	sql  string
	only int64 // job id for which sql is queued

	moved map[int64]bool // messages that have another job by now
}

func (r *recordedEffects) QueueEffects(b *pgx.Batch, effects []job.Effect) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, effects...)
	for _, e := range effects {
		if r.sql != "" && e.JobID == r.only {
			b.Queue(r.sql)
		}
	}
}

// QueueKeep and QueueRestore: the ledger's own tests have no messages.
func (*recordedEffects) QueueKeep(*pgx.Batch, int64, []int64)                         {}
func (*recordedEffects) QueueRestore(*pgx.Batch, int64, []int64, inbox.MessageStatus) {}

// StillFailed finds every message as it was left, but those of moved.
func (r *recordedEffects) StillFailed(_ context.Context, _ pgx.Tx, _, messageIDs []int64) (map[int64]bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	still := map[int64]bool{}
	for _, id := range messageIDs {
		still[id] = !r.moved[id]
	}
	return still, nil
}

func (r *recordedEffects) of(id int64) (got []job.Effect) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.all {
		if e.JobID == id {
			got = append(got, e)
		}
	}
	return got
}

func setup(tb testing.TB) *bundle {
	tb.Helper()
	dsn := stacktest.Database(tb, store.Migrate)
	pool, err := pgxpool.New(tb.Context(), dsn)
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	b := &bundle{ctx: tb.Context(), pool: pool, effects: &recordedEffects{}}
	b.Ledger, err = ledger.New(ledger.Options{Pool: pool, Effects: b.effects, Logger: discard()})
	require.NoError(tb, err)
	b.w1, b.w2 = b.register(tb), b.register(tb)
	return b
}

func (b *bundle) register(tb testing.TB) int64 {
	tb.Helper()
	id, err := b.Register(tb.Context(), ledger.Process{Host: "h", PID: 1, Mode: "worker", Version: "test", Slots: 8})
	require.NoError(tb, err)
	return id
}

// committer runs a committer for a worker until the test ends.
func (b *bundle) committer(tb testing.TB, worker int64) *ledger.Committer {
	tb.Helper()
	c := b.NewCommitter(worker)
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan struct{})
	go func() { c.Run(ctx); close(done) }()
	tb.Cleanup(func() { cancel(); <-done })
	return c
}

// add inserts jobs and returns their ids. Zero fields get: org 1, whatsapp,
// send_message, interactive.
func (b *bundle) add(tb testing.TB, jobs ...job.New) []int64 {
	tb.Helper()
	for i := range jobs {
		j := &jobs[i]
		j.OrgID = max(j.OrgID, 1)
		if j.Queue == 0 {
			j.Queue = job.WhatsApp
		}
		if j.Type == 0 {
			j.Type = job.SendMessage
		}
		if j.Priority == 0 {
			j.Priority = job.Interactive
		}
	}
	var ids []int64
	err := pgx.BeginFunc(tb.Context(), b.pool, func(tx pgx.Tx) (err error) {
		ids, err = b.Insert(tb.Context(), tx, jobs...)
		return err
	})
	require.NoError(tb, err)
	return ids
}

// all picks everything of org 1's messages, both lanes' conversations.
func all(n int) job.Pick {
	return job.Pick{
		Queue: job.WhatsApp, Type: job.SendMessage, DialTo: 100,
		Shares: []job.Share{{OrgID: 1, Limit: n}},
	}
}

func (b *bundle) take(tb testing.TB, n int) []job.Claimed {
	tb.Helper()
	got, err := b.Take(tb.Context(), all(n), b.w1)
	require.NoError(tb, err)
	return got
}

func (b *bundle) dispatch(tb testing.TB, n int) []job.Ticket {
	tb.Helper()
	got, err := b.Dispatch(tb.Context(), all(n), b.w1)
	require.NoError(tb, err)
	return tickets(got)
}

func tickets(out []job.HandOut) (got []job.Ticket) {
	for _, h := range out {
		got = append(got, h.Ticket)
	}
	return got
}

// poll looks like a new dispatcher.
func (b *bundle) poll(ctx context.Context) (job.Outlook, error) { return b.NewPoller().Poll(ctx) }

// state returns a live job's state, or -1 when it is in history.
func (b *bundle) state(tb testing.TB, id int64) job.State {
	tb.Helper()
	var s job.State
	err := b.pool.QueryRow(tb.Context(), `
SELECT coalesce((SELECT state FROM jobs WHERE id = $1), (SELECT -1 FROM job_history WHERE id = $1 LIMIT 1), -2)`, id).Scan(&s)
	require.NoError(tb, err)
	return s
}

const inHistory job.State = -1

func (b *bundle) exec(tb testing.TB, sql string, args ...any) {
	tb.Helper()
	_, err := b.pool.Exec(tb.Context(), sql, args...)
	require.NoError(tb, err)
}

func (b *bundle) count(tb testing.TB, sql string, args ...any) (n int) {
	tb.Helper()
	require.NoError(tb, b.pool.QueryRow(tb.Context(), sql, args...).Scan(&n))
	return n
}

func ids(jobs []job.Claimed) (got []int64) {
	for _, c := range jobs {
		got = append(got, c.ID)
	}
	return got
}

const patience = 10 * time.Second

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
