package why_test

import (
	"context"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/dispatch"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
	"github.com/bandeja/inboxd/daemon/internal/limit"
	"github.com/bandeja/inboxd/daemon/internal/store"
	"github.com/bandeja/inboxd/daemon/internal/why"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

// slots are how many jobs the one worker runs at once.
const slots = 8

// engine is a ledger, a dispatcher and limits as a worker has them, and what
// explains them. Its jobs are taken, and never run.
type engine struct {
	tb     testing.TB
	pool   *pgxpool.Pool
	ledger *ledger.Ledger
	limits *limit.Limiter
	why    *why.Explainer
	worker int64
	runner *runner
}

// none are the effects of jobs that never end.
type none struct{}

func (none) QueueEffects(*pgx.Batch, []job.Effect) {}

func (none) QueueKeep(*pgx.Batch, int64, []int64) {}

func (none) QueueRestore(*pgx.Batch, int64, []int64, inbox.MessageStatus) {}

func (none) StillFailed(context.Context, pgx.Tx, []int64, []int64) (map[int64]bool, error) {
	return map[int64]bool{}, nil
}

// runner keeps what was begun.
type runner struct {
	mu    sync.Mutex
	begun map[int64]bool
}

func (r *runner) Handles(job.Type) bool          { return true }
func (r *runner) Probing(job.Queue) bool         { return false }
func (r *runner) Reserve(_ job.Queue, n int) int { return n }
func (r *runner) Unreserve(job.Queue, int)       {}
func (r *runner) Run(_ context.Context, c job.Claimed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun[c.ID] = true
}

func newEngine(tb testing.TB) *engine {
	tb.Helper()
	log := slog.New(slog.DiscardHandler)
	pool, err := pgxpool.New(tb.Context(), stacktest.Database(tb, store.Migrate))
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	e := &engine{tb: tb, pool: pool, runner: &runner{begun: map[int64]bool{}}}
	e.ledger, err = ledger.New(ledger.Options{Pool: pool, Effects: none{}, Logger: log})
	require.NoError(tb, err)
	e.limits, err = limit.New(limit.Options{Address: address(tb), Seeder: e.ledger, PairInterval: time.Hour, Logger: log})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, e.limits.Close()) })
	e.why, err = why.New(why.Options{Ledger: e.ledger, Limits: e.limits, Control: e.control})
	require.NoError(tb, err)
	e.worker, err = e.ledger.Register(tb.Context(), ledger.Process{Host: "h", PID: 42, Mode: "worker", Version: "test", Slots: slots, Background: 2})
	require.NoError(tb, err)
	e.exec(`INSERT INTO orgs (id, name) VALUES (1, 'acme'), (2, 'globex')`)
	e.exec(`INSERT INTO channels (id, org_id, kind, external_id, business_id) VALUES (1, 1, 'whatsapp', '120', '99')`)
	return e
}

func address(tb testing.TB) limit.Address {
	tb.Helper()
	u, err := url.Parse(stacktest.Redis(tb))
	require.NoError(tb, err)
	db, err := strconv.Atoi(strings.Trim(u.Path, "/"))
	require.NoError(tb, err)
	return limit.Address{Addrs: []string{u.Host}, DB: db}
}

func (e *engine) control() *control.Snapshot {
	s, err := e.ledger.LoadControl(e.tb.Context())
	require.NoError(e.tb, err)
	return s
}

func (e *engine) exec(sql string, args ...any) {
	e.tb.Helper()
	_, err := e.pool.Exec(e.tb.Context(), sql, args...)
	require.NoError(e.tb, err)
}

// message makes a conversation whose customer wrote an hour ago, an answer in
// it, and the job that sends it: all with this id.
func (e *engine) message(id int64) {
	e.tb.Helper()
	e.exec(`INSERT INTO contacts (id, org_id, channel_id, wa_id) VALUES ($1::bigint, 1, 1, $1::bigint::text)`, id)
	e.exec(`INSERT INTO conversations (id, org_id, channel_id, contact_id, last_inbound_at, last_message_at) VALUES ($1, 1, 1, $1, now() - interval '1 hour', now())`, id)
	e.exec(`INSERT INTO messages (id, org_id, conversation_id, channel_id, inbound, kind, status, origin, job_id, body) VALUES ($1, 1, $1, 1, false, 'text', 0, 'user', $1, 'hello')`, id)
	e.job(id, id)
}

func (e *engine) job(id, conversation int64) {
	e.tb.Helper()
	e.exec(`INSERT INTO jobs (id, org_id, queue, job_type, priority, state, max_attempts, serial_key, subject_id, channel_id, ready_at, deadline_at)
VALUES ($1, 1, 1, 1, 1, 1, 5, $2, $2, 1, clock_timestamp(), now() + interval '1 day')`, id, conversation)
}

// round is one look of a dispatcher that has just begun; it reports whether job
// id has left ready by it.
func (e *engine) round(id int64) bool {
	e.tb.Helper()
	d, err := dispatch.New(dispatch.Options{
		Poller: e.ledger.NewPoller(), Ledger: e.ledger, Limits: e.limits, Runner: e.runner, WorkerID: e.worker,
		Control: e.control, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(e.tb, err)
	require.Eventually(e.tb, func() bool { _, err := d.Round(e.tb.Context()); return err == nil }, patience, time.Millisecond)
	e.runner.mu.Lock()
	defer e.runner.mu.Unlock()
	return e.runner.begun[id]
}

// causes returns the codes of what holds a job, and of the rest.
func (e *engine) causes(id int64) (holding, rest []string) {
	e.tb.Helper()
	e.exec(`UPDATE workers SET beat_at = clock_timestamp()`) // however long the test has taken
	w, err := e.why.Why(e.tb.Context(), 0, id)
	require.NoError(e.tb, err)
	for _, c := range w.Causes {
		require.NotEmpty(e.tb, c.Text)
		if c.Holds {
			holding = append(holding, c.Code)
		} else {
			rest = append(rest, c.Code)
		}
	}
	return holding, rest
}

// settle waits until the limits of a new data set are given out.
func (e *engine) settle() {
	e.tb.Helper()
	w := job.Want{OrgID: 9, Action: job.ActionSendText, Rate: job.DefaultRate(job.ActionSendText), Most: 60, N: 1}
	require.Eventually(e.tb, func() bool { return e.limits.Take(e.tb.Context(), []job.Want{w})[0].N == 1 }, patience, 20*time.Millisecond)
}

// eventually reports whether a job leaves ready at all: another of its
// conversation may go first.
func (e *engine) eventually(id int64) bool {
	for range 3 {
		if e.round(id) {
			return true
		}
	}
	return false
}

const patience = 20 * time.Second
