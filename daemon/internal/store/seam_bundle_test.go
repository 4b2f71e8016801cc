package store_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// seam is the store and the ledger as the daemon wires them, in real time.
type seam struct {
	*bundle

	ledger    *ledger.Ledger
	worker    int64
	committer *ledger.Committer
}

func wire(tb testing.TB) *seam {
	tb.Helper()
	dsn := stacktest.Database(tb, store.Migrate)
	pool, err := store.Open(tb.Context(), store.PoolOptions{DSN: dsn, MaxConns: 16})
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	engine, err := store.Open(tb.Context(), store.PoolOptions{DSN: dsn, MaxConns: 8, LockTimeout: 250 * time.Millisecond, Hot: true})
	require.NoError(tb, err)
	tb.Cleanup(engine.Close)
	b := on(tb, pool).fork(tb)
	s := &seam{bundle: b}
	s.ledger, err = ledger.New(ledger.Options{Pool: engine, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(tb, err)
	b.Store, err = store.New(store.Options{Pool: pool, Jobs: s.ledger, Sealer: plain{}})
	require.NoError(tb, err)
	s.ledger.SetEffects(b.Store)
	s.worker, err = s.ledger.Register(tb.Context(), ledger.Process{Host: "h", PID: 1, Mode: "worker", Version: "test", Slots: 8})
	require.NoError(tb, err)
	s.committer = s.ledger.NewCommitter(s.worker)
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan struct{})
	go func() { s.committer.Run(ctx); close(done) }()
	tb.Cleanup(func() { cancel(); <-done })
	return s
}

// customerAsks opens a conversation with a question asked now.
func (s *seam) customerAsks(who string) int64 {
	s.tb.Helper()
	s.asks(who, "in."+who, time.Now())
	var id int64
	require.NoError(s.tb, s.pool.QueryRow(s.ctx, `
SELECT v.id FROM conversations v JOIN contacts k ON k.id = v.contact_id WHERE k.user_id = $1`, who).Scan(&id))
	return id
}

func (s *seam) asks(who, id string, at time.Time) {
	s.tb.Helper()
	in := s.says(id, at)
	in.Contact = inbox.Contact{UserID: who}
	s.ingest(inbox.Batch{Inbound: []inbox.Inbound{in}})
}

func (s *seam) take(n int) []job.Claimed {
	s.tb.Helper()
	got, err := s.ledger.Take(s.ctx, job.Pick{
		Queue: job.WhatsApp, Type: job.SendMessage, DialTo: 100, Shares: []job.Share{{OrgID: s.org.ID, Limit: n}},
	}, s.worker)
	require.NoError(s.tb, err)
	require.Len(s.tb, got, n)
	return got
}

func (s *seam) finish(c job.Claimed, r job.Result) bool {
	s.tb.Helper()
	ok, err := s.committer.Finish(s.ctx, c, r)
	require.NoError(s.tb, err)
	return ok
}

// due lets the time of everything scheduled come.
func (s *seam) due() {
	s.tb.Helper()
	s.exec(`UPDATE jobs SET run_at = clock_timestamp() WHERE state = 0`)
	_, err := s.ledger.NewPoller().Poll(s.ctx)
	require.NoError(s.tb, err)
}

// accepted is a success of WhatsApp.
func accepted(id string) job.Result {
	return job.Result{Verdict: job.Succeed, Message: &job.MessageEffect{Status: inbox.Accepted, ProviderID: id}}
}

// failure is the webhook that says that attempt (job, epoch) failed.
func (s *seam) failure(id string, jobID int64, epoch int32, class job.Class) inbox.Batch {
	return inbox.Batch{Statuses: []inbox.StatusUpdate{{
		Account: s.wa(), ProviderID: id, Status: inbox.Failed, At: time.Now(), JobID: jobID, Epoch: epoch, ErrorClass: string(class), ErrorCode: 1,
	}}}
}

// holding runs sql in a transaction that stays open until the returned
// function is called.
func (s *seam) holding(sql string, args ...any) (release func()) {
	s.tb.Helper()
	tx, err := s.pool.Begin(s.ctx)
	require.NoError(s.tb, err)
	_, err = tx.Exec(s.ctx, sql, args...)
	require.NoError(s.tb, err)
	return func() { require.NoError(s.tb, tx.Rollback(s.ctx)) }
}

// waiters waits until so many sessions wait for a lock.
func (s *seam) waiters(n int) {
	s.tb.Helper()
	require.Eventually(s.tb, func() bool {
		return s.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) >= n
	}, 10*time.Second, 2*time.Millisecond)
}

// go1 runs a call beside the test.
func go1(call func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	return done
}

func (s *seam) jobsOf(message int64) int {
	s.tb.Helper()
	return s.count(`SELECT count(*) FROM jobs WHERE subject_id = $1`, message)
}

// waiting tells when a session waits for a lock.
func waiting(s *seam) <-chan struct{} {
	met := make(chan struct{})
	go func() {
		for s.ctx.Err() == nil {
			var n int
			err := s.pool.QueryRow(s.ctx, `
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
			if err != nil || n > 0 {
				close(met)
				return
			}
		}
	}()
	return met
}

// openThoughAnswered counts the clocks that run although a human answer that
// counts is later than the last question.
func (s *seam) openThoughAnswered() int {
	s.tb.Helper()
	return s.count(`
SELECT count(*) FROM episodes e
WHERE e.answered_at IS NULL AND NOT EXISTS (
  SELECT 1 FROM messages q WHERE q.conversation_id = e.conversation_id AND q.inbound AND q.clock_at > (
    SELECT max(a.clock_at) FROM messages a WHERE a.conversation_id = e.conversation_id AND NOT a.inbound AND a.status BETWEEN 1 AND 4))`)
}
