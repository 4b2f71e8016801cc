package latency_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/latency"
)

// agree requires that the answer is what the rows themselves say: n to the last
// one, percentiles within 5 %.
func agree(t require.TestingT, rows []latency.Ended, a latency.Answer, keep func(latency.Ended) bool) {
	for _, m := range latency.Metrics() {
		var exact []time.Duration
		for _, e := range rows {
			if d := e.Of(m); d >= 0 && !e.At.Before(a.Since) && keep(e) {
				exact = append(exact, d)
			}
		}
		slices.Sort(exact)
		var got latency.Histogram
		for _, g := range a.Groups {
			got.Merge(*g.Times.Of(m))
		}
		require.EqualValues(t, len(exact), got.N(), "%s since %s", m, a.Since)
		for _, q := range []float64{0.5, 0.95, 0.99} {
			p, ok := got.Quantile(q)
			require.Equal(t, len(exact) > 0, ok, "null only at n = 0")
			if ok {
				near(t, exact, q, p)
			}
		}
	}
}

// Whatever has ended when, and wherever memory, roll-ups and the log meet: every
// window tells what history would, in a process that has seen it all and in one
// that begins now.
func TestWindowsAgreeWithHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := &ledger{now: noon, page: rapid.IntRange(1, 50).Draw(t, "page")}
		add := func(n int, most time.Duration) {
			for i, d := range samples(t) {
				if i == n {
					return
				}
				ago := time.Duration(rapid.Int64Range(0, int64(most)).Draw(t, "ago"))
				e := ended(rapid.Int64Range(1, 4).Draw(t, "org"), l.now.Add(-ago), d)
				if rapid.Bool().Draw(t, "instagram") {
					e.Queue = job.Instagram
				}
				if rapid.Bool().Draw(t, "failed") {
					e.E2E, e.Status = latency.None, latency.Failed
				}
				l.rows = append(l.rows, e)
			}
		}
		add(200, 26*time.Hour)
		if rapid.Bool().Draw(t, "rolled up") {
			l.rollUp(noon.Truncate(time.Hour))
		} else { // only an hour is rebuilt then
			l.rows = slices.DeleteFunc(l.rows, func(e latency.Ended) bool { return e.At.Before(noon.Add(-time.Hour)) })
			l.rolled.Until = noon.Add(-time.Hour).Truncate(time.Hour)
		}
		add(50, time.Minute) // after the roll-ups
		tail, _ := newTail(t, l, options{bytes: rapid.SampledFrom([]int{1, 0}).Draw(t, "bytes")})
		require.NoError(t, tail.Turn(t.Context()))
		for range 3 {
			l.now = l.now.Add(time.Second)
			add(30, 5*time.Second)
			require.NoError(t, tail.Turn(t.Context()))
		}
		if rapid.Bool().Draw(t, "rolled up again") {
			l.rollUp(noon.Truncate(time.Hour))
		}
		restarted, _ := newTail(t, l, options{})
		require.NoError(t, restarted.Turn(t.Context()))
		for _, tail := range []*latency.Tail{tail, restarted} {
			everyWindowAgrees(t, l, tail)
		}
	})
}

func everyWindowAgrees(t *rapid.T, l *ledger, tail *latency.Tail) {
	for _, window := range latency.Windows() {
		for _, org := range []int64{0, 1} {
			for _, by := range latency.Splits() {
				a, err := tail.Latency(t.Context(), latency.Query{By: by, Window: window, OrgID: org})
				require.NoError(t, err)
				require.GreaterOrEqual(t, a.AsOf.Sub(a.Since), window)
				if !a.Partial {
					agree(t, l.rows, a, func(e latency.Ended) bool { return org == 0 || e.OrgID == org })
				}
				require.True(t, !a.Partial || org == 0 && by == latency.ByOrg)
			}
		}
		a, err := tail.Latency(t.Context(), latency.Query{By: latency.ByType, Window: window, Queue: job.Instagram, OrgID: 2})
		require.NoError(t, err)
		agree(t, l.rows, a, func(e latency.Ended) bool { return e.OrgID == 2 && e.Queue == job.Instagram })
	}
}

// Live pictures of one org ask for its day every second: full hours do not change,
// and must not be read for each.
func TestFullHoursOfAnOrgAreReadOnce(t *testing.T) {
	t.Parallel()
	l := &ledger{now: noon.Add(30 * time.Minute)}
	for i := range 100 {
		l.rows = append(l.rows, ended(1, l.now.Add(-time.Duration(i)*10*time.Minute), time.Second))
	}
	l.rollUp(noon)
	tail, _ := newTail(t, l, options{})
	require.NoError(t, tail.Turn(t.Context()))
	for range 5 {
		l.now = l.now.Add(time.Second)
		l.rows = append(l.rows, ended(1, l.now, time.Second))
		require.NoError(t, tail.Turn(t.Context()))
		a, err := tail.Latency(t.Context(), latency.Query{By: latency.ByType, Window: 24 * time.Hour, OrgID: 1})
		require.NoError(t, err)
		agree(t, l.rows, a, func(e latency.Ended) bool { return e.OrgID == 1 })
	}
	require.Equal(t, 1, l.past)
}

// A call that fails must neither lose what it had begun nor count it twice.
func TestFailuresCountNothingTwice(t *testing.T) {
	t.Parallel()
	l := &ledger{now: noon, page: 7, fails: map[string]int{"mark": 2, "within": 1}}
	for range 40 {
		l.rows = append(l.rows, ended(1, noon, time.Second))
	}
	tail, _ := newTail(t, l, options{})
	for range 3 {
		require.Error(t, tail.Turn(t.Context()))
		_, err := tail.Latency(t.Context(), latency.Query{By: latency.ByType, Window: time.Minute})
		require.Equal(t, inbox.Temporary, inbox.KindOf(err), "nothing is better than something wrong")
	}
	require.NoError(t, tail.Turn(t.Context()))
	for range 50 {
		for range 10 {
			l.rows = append(l.rows, ended(1+rand.Int64N(3), l.now, time.Second))
		}
		l.fails = map[string]int{[]string{"mark", "between", "names", "none"}[rand.IntN(4)]: 1}
		_ = tail.Turn(t.Context())
	}
	l.fails = nil
	require.NoError(t, tail.Turn(t.Context()))
	a, err := tail.Latency(t.Context(), latency.Query{By: latency.ByType, Window: time.Minute})
	require.NoError(t, err)
	require.EqualValues(t, 540, a.Groups[0].Times.Of(latency.Run).N())
}

// Fifty thousand orgs must fit: what finds no room is read from the log, and
// what is idle costs nothing.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	l := &ledger{now: noon}
	tail, registry := newTail(t, l, options{bytes: 1 << 20})
	require.NoError(t, tail.Turn(t.Context()))
	for org := range int64(50_000) {
		l.rows = append(l.rows, ended(1+org, l.now, time.Second))
	}
	require.NoError(t, tail.Turn(t.Context()))
	used := value(t, registry, "inboxd_latency_bytes")
	require.InDelta(t, 1<<20, used, 1000)
	for _, org := range []int64{1, 50_000} {
		a, err := tail.Latency(t.Context(), latency.Query{By: latency.ByType, OrgID: org, Window: 5 * time.Minute})
		require.NoError(t, err)
		require.EqualValues(t, 1, a.Groups[0].Times.Of(latency.Run).N(), "org %d", org)
	}
	require.Equal(t, 2, l.within)
	a, err := tail.Latency(t.Context(), latency.Query{By: latency.ByOrg, Window: 5 * time.Minute})
	require.NoError(t, err)
	require.True(t, a.Partial)
	require.Len(t, a.Groups, 50)
	l.now = l.now.Add(2 * time.Hour)
	require.NoError(t, tail.Turn(t.Context()))
	require.Zero(t, value(t, registry, "inboxd_latency_bytes"))
}

// Run must go on after failures, count, tell that it lives, and end when told.
func TestRunGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{now: noon, fails: map[string]int{"mark": 2, "depths": 1}}
		l.rolled.Until = noon.Truncate(time.Hour)
		l.depths = []latency.Depth{{Key: latency.Key{OrgID: 1, Queue: job.WhatsApp, Type: job.SendMessage}, Waiting: 7, OldestReady: time.Minute}}
		tail, registry := newTail(t, l, options{})
		ctx, cancel := context.WithCancel(t.Context())
		ticks := 0
		var wait sync.WaitGroup
		wait.Go(func() { tail.Run(ctx, func() { ticks++ }) })
		wait.Go(func() { tail.RunDepths(ctx) })
		wait.Go(func() { tail.RunRollups(ctx) })
		<-time.After(3500 * time.Millisecond)
		synctest.Wait()
		_, err := tail.Latency(ctx, latency.Query{By: latency.ByType, Window: time.Minute})
		require.NoError(t, err)
		require.GreaterOrEqual(t, ticks, 4)
		require.Zero(t, oldestReady(t, registry))
		<-time.After(15 * time.Second)
		synctest.Wait()
		require.InDelta(t, 60, oldestReady(t, registry), 0)
		cancel()
		wait.Wait()
	})
}

func oldestReady(tb testing.TB, registry *prometheus.Registry) (seconds float64) {
	tb.Helper()
	for _, m := range gather(tb, registry)["inboxd_oldest_ready_seconds"].GetMetric() {
		seconds = max(seconds, m.GetGauge().GetValue())
	}
	return seconds
}
