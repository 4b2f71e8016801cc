package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/ledger"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// durable is a bundle on a server that really writes to its disk, with the
// engine's kind of pool.
func durable(b *testing.B) *bundle {
	b.Helper()
	stack := stacktest.Start(b, devstack.Options{Durable: true})
	require.NoError(b, store.Migrate(b.Context(), stack.DatabaseURL))
	pool, err := store.Open(b.Context(), store.PoolOptions{DSN: stack.DatabaseURL, MaxConns: 8, Hot: true})
	require.NoError(b, err)
	b.Cleanup(pool.Close)
	bu := &bundle{pool: pool, effects: &recordedEffects{}}
	bu.Ledger, err = ledger.New(ledger.Options{Pool: pool, Effects: bu.effects, Logger: discard()})
	require.NoError(b, err)
	bu.w1 = bu.register(b)
	require.NoError(b, bu.Partitions(b.Context(), time.Now()))
	return bu
}

// waits collects how long single operations took.
type waits struct {
	mu  sync.Mutex
	all []time.Duration
}

func (w *waits) add(d ...time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, d...)
}

func (w *waits) report(b *testing.B) {
	b.Helper()
	if len(w.all) == 0 {
		return
	}
	slices.Sort(w.all)
	at := func(share float64) float64 {
		return float64(w.all[int(share*float64(len(w.all)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
}

// handedOut inserts b.N jobs that are dispatched already.
func (bu *bundle) handedOut(b *testing.B) []job.Ticket {
	b.Helper()
	rows, err := bu.pool.Query(b.Context(), `
INSERT INTO jobs (org_id, queue, job_type, priority, state, epoch, lane, max_attempts, subject_id, ready_at, dispatched_at, deadline_at)
SELECT 1 + i % 20, 1, 1, 1, 2, 1, 1, 5, i, now(), now(), now() + interval '1 day' FROM generate_series(1, $1::int) i RETURNING id, epoch`, b.N)
	require.NoError(b, err)
	tickets, err := pgx.CollectRows(rows, pgx.RowToStructByPos[job.Ticket])
	require.NoError(b, err)
	bu.exec(b, `ANALYZE jobs`)
	return tickets
}

// drive runs b.N jobs on n workers and reports jobs/s and the wait of a job for
// its start and its finish together.
func drive(b *testing.B, n int, tickets []job.Ticket, run func(job.Ticket) error) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	var w waits
	b.ResetTimer()
	for range n {
		wg.Go(func() {
			var mine []time.Duration
			for {
				i := int(next.Add(1)) - 1
				if i >= len(tickets) {
					break
				}
				begin := time.Now()
				if err := run(tickets[i]); err != nil {
					b.Errorf("job %s: %v", tickets[i], err)
					break
				}
				mine = append(mine, time.Since(begin))
			}
			w.add(mine...)
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(len(tickets))/b.Elapsed().Seconds(), "jobs/s")
	w.report(b)
}

// BenchmarkGroupCommit measures a start and a finish per job, both durable.
func BenchmarkGroupCommit(b *testing.B) {
	for _, workers := range []int{1, 8, 100} {
		b.Run(fmt.Sprintf("Workers%d", workers), func(b *testing.B) {
			bu := durable(b)
			tickets := bu.handedOut(b)
			c := bu.committer(b, bu.w1)
			drive(b, workers, tickets, func(t job.Ticket) error {
				claimed, ok, err := c.Start(b.Context(), t)
				if err == nil && ok {
					ok, err = c.Finish(b.Context(), claimed, job.Result{Verdict: job.Succeed})
				}
				if err == nil && !ok {
					return fmt.Errorf("not granted")
				}
				return err
			})
		})
	}
}

// BenchmarkCommitFloor is what group commit is measured against: the simplest
// statement per start and per finish, on twenty connections.
func BenchmarkCommitFloor(b *testing.B) {
	bu := durable(b)
	tickets := bu.handedOut(b)
	config := bu.pool.Config()
	config.MaxConns = 20
	pool, err := pgxpool.NewWithConfig(b.Context(), config)
	require.NoError(b, err)
	defer pool.Close()
	one := func(sql string, args ...any) error {
		tag, err := pool.Exec(b.Context(), sql, args...)
		if err == nil && tag.RowsAffected() != 1 {
			return fmt.Errorf("%d rows", tag.RowsAffected())
		}
		return err
	}
	drive(b, 100, tickets, func(t job.Ticket) error {
		if err := one(`UPDATE jobs SET state = 3, run_epoch = $2, worker_id = $3, started_at = clock_timestamp(), attempt = attempt + 1
WHERE id = $1 AND epoch = $2 AND (state+0) = 2`, t.ID, t.Epoch, bu.w1); err != nil {
			return err
		}
		return one(`WITH d AS (DELETE FROM jobs WHERE id = $1 AND run_epoch = $2 RETURNING *)
INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at)
SELECT id, org_id, queue, job_type, priority, 1, run_epoch, attempt, lane, created_at FROM d`, t.ID, t.Epoch)
	})
}

// backlog inserts ready jobs: orgs x each, two per conversation.
func (bu *bundle) backlog(b *testing.B, orgs, each int) {
	b.Helper()
	bu.exec(b, `
INSERT INTO jobs (org_id, queue, job_type, priority, state, max_attempts, serial_key, subject_id, ready_at, deadline_at)
SELECT 1 + i % $1::int, 1, 1, 1, 1, 5, (1 + i % $1::int) * 1000000 + i / $1::int / 2, i, now(), now() + interval '1 day' FROM generate_series(0, $1::int * $2::int - 1) i`, orgs, each)
	bu.exec(b, `VACUUM ANALYZE jobs`)
}

func fairly(orgs, places int) job.Pick {
	p := all(0)
	p.Shares = nil
	for i := range orgs {
		limit := places / orgs
		if i < places%orgs {
			limit++
		}
		p.Shares = append(p.Shares, job.Share{OrgID: int64(1 + i), Limit: limit})
	}
	return p
}

// claims measures one claim of 64 from 20 orgs with 10,000 ready jobs.
func claims(b *testing.B, claim func(*bundle) (int, error)) {
	b.Helper()
	bu := durable(b)
	bu.backlog(b, 20, 500)
	var w waits
	taken := 0
	b.ResetTimer()
	for i := range b.N {
		begin := time.Now()
		n, err := claim(bu)
		w.add(time.Since(begin))
		b.StopTimer()
		require.NoError(b, err)
		taken += n
		bu.exec(b, `UPDATE jobs SET state = 1, attempt = 0 WHERE state IN (2, 3)`)
		if i%20 == 19 {
			bu.exec(b, `VACUUM jobs`)
		}
		b.StartTimer()
	}
	b.StopTimer()
	b.ReportMetric(float64(taken)/float64(b.N), "rows/op")
	w.report(b)
}

func BenchmarkTake(b *testing.B) {
	claims(b, func(bu *bundle) (int, error) {
		got, err := bu.Take(b.Context(), fairly(20, 64), bu.w1)
		return len(got), err
	})
}

func BenchmarkDispatch(b *testing.B) {
	claims(b, func(bu *bundle) (int, error) {
		got, err := bu.Dispatch(b.Context(), fairly(20, 64), bu.w1)
		return len(got), err
	})
}

// BenchmarkPoll measures what every process does four times a second.
func BenchmarkPoll(b *testing.B) {
	cases := []struct {
		name       string
		orgs, each int
	}{{"Idle", 0, 0}, {"Orgs1000", 1000, 10}, {"OneOrg100k", 1, 100_000}}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			bu := durable(b)
			if c.orgs > 0 {
				bu.backlog(b, c.orgs, c.each)
			}
			var w waits
			b.ResetTimer()
			for range b.N {
				begin := time.Now()
				view, err := bu.poll(context.WithoutCancel(b.Context()))
				w.add(time.Since(begin))
				if err != nil || len(view.Backlog) != c.orgs {
					b.Fatalf("%d orgs, %v", len(view.Backlog), err)
				}
			}
			b.StopTimer()
			w.report(b)
		})
	}
}
