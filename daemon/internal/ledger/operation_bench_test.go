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
	"github.com/bandeja/inboxd/daemon/internal/ledger/ledgertest"
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
	require.NoError(b, ledgertest.Dead(b.Context(), stack.DatabaseURL, jobs))
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
