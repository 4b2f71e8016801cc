package ledger_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// stopwatch keeps how long each statement of a pool took.
type stopwatch struct {
	mu      sync.Mutex
	longest time.Duration
	sql     string
	totals  map[string]time.Duration
}

type begun struct{}

type beginning struct {
	at  time.Time
	sql string

	last time.Time // of a batch: when the statement before was answered
}

func (*stopwatch) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, begun{}, &beginning{at: time.Now(), sql: d.SQL})
}

func (s *stopwatch) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	s.end(ctx)
}

func (*stopwatch) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	var sql string
	for _, q := range d.Batch.QueuedQueries {
		sql += q.SQL
	}
	return context.WithValue(ctx, begun{}, &beginning{time.Now(), sql, time.Now()})
}

// TraceBatchQuery counts the statement of a batch by itself too.
func (s *stopwatch) TraceBatchQuery(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchQueryData) {
	b, ok := ctx.Value(begun{}).(*beginning)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.totals == nil {
		s.totals = map[string]time.Duration{}
	}
	s.totals["part: "+d.SQL] += time.Since(b.last)
	b.last = time.Now()
}

func (s *stopwatch) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) {
	s.end(ctx)
}

func (s *stopwatch) end(ctx context.Context) {
	b, ok := ctx.Value(begun{}).(*beginning)
	if !ok {
		return
	}
	took := time.Since(b.at)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.totals == nil {
		s.totals = map[string]time.Duration{}
	}
	s.totals[b.sql] += took
	if took > s.longest {
		s.longest, s.sql = took, b.sql
	}
}

// reset returns the longest statement so far, in milliseconds.
func (s *stopwatch) reset(b *testing.B, what string) float64 {
	b.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	ms := float64(s.longest.Microseconds()) / 1000
	b.Logf("longest statement of the %s: %.0f ms: %.300s", what, ms, s.sql)
	for _, sql := range slices.SortedFunc(maps.Keys(s.totals), func(x, y string) int { return int(s.totals[y] - s.totals[x]) })[:min(12, len(s.totals))] {
		b.Logf("  in all %s: %.200s", s.totals[sql].Round(time.Millisecond), strings.Join(strings.Fields(sql), " "))
	}
	s.longest, s.sql, s.totals = 0, "", nil
	return ms
}

// BenchmarkOperation is the target of the design: a retry of 100,000 dead jobs of
// one org among a million of fifty, messages included, on a server that really
// writes. A foreground of starts and finishes goes on meanwhile.
func BenchmarkOperation(b *testing.B) {
	stack := stacktest.Start(b, devstack.Options{Durable: true})
	require.NoError(b, store.Migrate(b.Context(), stack.DatabaseURL))
	watch := &stopwatch{}
	open := func(o store.PoolOptions) *pgxpool.Pool {
		o.DSN, o.Hot = stack.DatabaseURL, true
		pool, err := store.Open(b.Context(), o)
		require.NoError(b, err)
		config := pool.Config()
		pool.Close()
		config.ConnConfig.Tracer = watch
		pool, err = pgxpool.NewWithConfig(b.Context(), config)
		require.NoError(b, err)
		b.Cleanup(pool.Close)
		return pool
	}
	engine := open(store.PoolOptions{MaxConns: 8, LockTimeout: 100 * time.Millisecond, Lookups: true})
	reads := open(store.PoolOptions{MaxConns: 16})
	bu := &bundle{pool: engine, effects: &recordedEffects{}}
	var err error
	bu.Ledger, err = ledger.New(ledger.Options{Pool: engine, Reads: reads, Logger: discard()})
	require.NoError(b, err)
	s, err := store.New(store.Options{Pool: reads, Jobs: bu.Ledger, Sealer: noSealer{}})
	require.NoError(b, err)
	bu.SetEffects(s)
	bu.w1 = bu.register(b)
	jobs := size(b)
	bu.fill(b, stack.DatabaseURL, jobs)
	idle := foreground(b, bu, 3*time.Second)
	b.Logf("foreground alone: p50 %s, p99 %s", idle[len(idle)/2], idle[len(idle)*99/100])
	bu.runner(b)
	watch.reset(b, "preparation")

	for range b.N {
		begin := time.Now()
		o := bu.plan(b, operation.Request{Kind: operation.Retry, Filter: inspect.Filter{OrgIDs: []int64{1}}})
		b.ReportMetric(time.Since(begin).Seconds(), "plan-s")
		b.ReportMetric(watch.reset(b, "plan"), "plan-longest-ms")
		stop := make(chan []time.Duration)
		ctx, cancel := context.WithCancel(b.Context())
		go func() { stop <- foregroundUntil(ctx, bu) }()
		begin = time.Now()
		bu.commit(b, o.ID, operation.Terms{})
		o = bu.endedWithin(b, o.ID, 5*time.Minute)
		took := time.Since(begin)
		cancel()
		busy := <-stop
		require.Equal(b, int64(jobs/10), o.Done, o.Skipped)
		b.Logf("foreground beside it: %d, p50 %s, p99 %s", len(busy), busy[len(busy)/2], busy[len(busy)*99/100])
		b.ReportMetric(took.Seconds(), "retry-s")
		b.ReportMetric(watch.reset(b, "retry"), "retry-longest-ms")
		b.ReportMetric(float64(busy[len(busy)*99/100])/float64(idle[len(idle)*99/100]), "foreground-p99-ratio")
		begin = time.Now()
		u := bu.plan(b, operation.Request{Kind: operation.Undo, Undo: o.ID})
		bu.commit(b, u.ID, operation.Terms{})
		require.Equal(b, int64(jobs/10), bu.endedWithin(b, u.ID, 5*time.Minute).Done)
		b.ReportMetric(time.Since(begin).Seconds(), "undo-s")
		b.ReportMetric(watch.reset(b, "undo"), "undo-longest-ms")
		all := bu.plan(b, operation.Request{Kind: operation.Retry})
		require.Equal(b, int64(jobs), all.Matched)
		b.ReportMetric(watch.reset(b, "plan of everything"), "plan-all-longest-ms")
	}
}

// size is how many jobs there are: a million, or what OPERATION_JOBS says.
func size(b *testing.B) int {
	b.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("OPERATION_JOBS"), "1000000"))
	require.NoError(b, err)
	return n
}

type noSealer struct{}

func (noSealer) Seal(clear, _ string) (string, error)  { return clear, nil }
func (noSealer) Open(sealed, _ string) (string, error) { return sealed, nil }

func (b *bundle) endedWithin(tb testing.TB, id int64, most time.Duration) (o operation.Operation) {
	tb.Helper()
	require.Eventually(tb, func() bool {
		var err error
		o, err = b.Operation(tb.Context(), 0, id)
		return err == nil && o.State.Ended()
	}, most, 50*time.Millisecond)
	return o
}

// fill inserts dead jobs of fifty orgs with their messages, a tenth
// of them of org 1, three per conversation.
func (b *bundle) fill(tb testing.TB, dsn string, jobs int) {
	tb.Helper()
	n := strconv.Itoa
	conn, err := pgx.Connect(tb.Context(), dsn)
	require.NoError(tb, err)
	defer func() { _ = conn.Close(tb.Context()) }()
	for _, sql := range []string{
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
	} {
		_, err := conn.Exec(tb.Context(), sql)
		require.NoError(tb, err, sql)
	}
}

// foreground runs jobs of another org one after the other, and returns how long a
// take and its finish took, sorted.
func foreground(b *testing.B, bu *bundle, lasts time.Duration) []time.Duration {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), lasts)
	defer cancel()
	return foregroundUntil(ctx, bu)
}

func foregroundUntil(ctx context.Context, bu *bundle) (all []time.Duration) {
	pick := job.Pick{Queue: job.MetaSpend, Type: job.SyncSpend, DialTo: 100, Shares: []job.Share{{OrgID: 50, Limit: 1}}}
	c := bu.NewCommitter(bu.w1)
	commit, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go c.Run(commit)
	for ctx.Err() == nil {
		if err := pgx.BeginFunc(commit, bu.pool, func(tx pgx.Tx) error {
			_, err := bu.Insert(commit, tx, job.New{OrgID: 50, Queue: job.MetaSpend, Type: job.SyncSpend, Priority: job.Normal})
			return err
		}); err != nil {
			fmt.Println("insert:", err) //nolint:forbidigo // a benchmark's
			break
		}
		begin := time.Now()
		got, err := bu.Take(commit, pick, bu.w1)
		for _, x := range got {
			_, err = c.Finish(commit, x, job.Result{Verdict: job.Succeed})
		}
		if err != nil {
			break
		}
		all = append(all, time.Since(begin))
		time.Sleep(5 * time.Millisecond) //nolint:forbidigo // a steady trickle
	}
	slices.Sort(all)
	return all
}
