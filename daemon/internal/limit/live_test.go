package limit_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack/proxy"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/limit"
)

// Many processes with many callers never get more than the limit through in
// any window, by the stamps Redis itself gave.
func TestNeverMoreThanTheLimitInAnyWindow(t *testing.T) {
	t.Parallel()
	at := realRedis(t)
	rate := job.Rate{N: 40, Window: 300 * time.Millisecond}
	var mu sync.Mutex
	var stamps []int64
	var wg sync.WaitGroup
	end := time.Now().Add(2 * time.Second)
	for range 3 {
		l := start(t, limit.Patient(limit.Options{Address: at}))
		for range 16 {
			wg.Go(func() {
				for time.Now().Before(end) {
					if v := l.Allow(t.Context(), 7, job.ActionSendText, rate); v.OK {
						mu.Lock()
						stamps = append(stamps, v.Stamp)
						mu.Unlock()
					}
				}
			})
		}
	}
	wg.Wait()
	slices.Sort(stamps)
	require.GreaterOrEqual(t, len(stamps), 3*rate.N, "the limit was not used")
	for i := rate.N; i < len(stamps); i++ {
		require.GreaterOrEqual(t, stamps[i]-stamps[i-rate.N], rate.Window.Microseconds())
	}
}

// The number that the API and dispatch share is counted apart: what the API
// accepted must still be able to leave.
func TestAcceptedIsNotSent(t *testing.T) {
	t.Parallel()
	l := start(t, limit.Options{Address: realRedis(t)})
	l.Open(t.Context())
	require.True(t, l.Allow(t.Context(), 1, job.ActionSendText, perMinute(1)).OK)
	refused := l.Allow(t.Context(), 1, job.ActionSendText, perMinute(1))
	require.False(t, refused.OK)
	require.Positive(t, refused.RetryAfter)
	require.Equal(t, refused.RetryAfter, refused.Reset)
	require.True(t, l.Allow(t.Context(), 2, job.ActionSendText, perMinute(1)).OK, "another org")
	require.True(t, l.Allow(t.Context(), 1, job.ActionRetry, perMinute(1)).OK, "another action")
	require.Equal(t, 1, eventually(t, l, want(1, perMinute(1), 1)).N)
}

// Zero forbids, and says to come back when the window has passed.
func TestZeroForbids(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]limit.Options{"Redis": {Address: realRedis(t)}, "Local": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := start(t, o).Allow(t.Context(), 1, job.ActionRetry, job.Rate{Window: time.Minute})
			require.False(t, v.OK)
			require.Equal(t, time.Minute, v.RetryAfter)
			require.Zero(t, v.Remaining)
		})
	}
}

// What was asked for but did not happen costs nothing; a look costs nothing
// either.
func TestRefundAndPeek(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]limit.Options{"Redis": {Address: realRedis(t)}, "Local": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := start(t, o)
			first := l.Allow(t.Context(), 1, job.ActionSendText, perMinute(2))
			require.Equal(t, 1, first.Remaining)
			second := l.Allow(t.Context(), 1, job.ActionSendText, perMinute(2))
			require.True(t, second.OK)
			look := l.Peek(t.Context(), 1, job.ActionSendText, perMinute(2))
			require.False(t, look.OK)
			require.Zero(t, look.Remaining)
			l.Refund(t.Context(), 1, job.ActionSendText, second)
			for range 3 {
				look = l.Peek(t.Context(), 1, job.ActionSendText, perMinute(2))
				require.True(t, look.OK)
				require.Equal(t, 1, look.Remaining)
			}
			l.Refund(t.Context(), 1, job.ActionSendText, look) // never taken
			require.Equal(t, 1, l.Peek(t.Context(), 1, job.ActionSendText, perMinute(2)).Remaining)
		})
	}
}

// started is a ledger that knows of starts.
type started struct {
	mu    sync.Mutex
	times map[int64][]time.Time // by org
	asked []job.Span
	err   error
}

func (s *started) Starts(_ context.Context, spans []job.Span) (map[job.Span][]time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	s.asked = append(s.asked, spans...)
	known := map[job.Span][]time.Time{}
	for _, span := range spans {
		for _, at := range s.times[span.OrgID] {
			if time.Since(at) < span.Window {
				known[span] = append(known[span], at)
			}
		}
	}
	return known, nil
}

func (s *started) set(orgID int64, ages ...time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.times == nil {
		s.times = map[int64][]time.Time{}
	}
	for _, age := range ages {
		s.times[orgID] = append(s.times[orgID], time.Now().Add(-age))
	}
}

func (s *started) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func want(orgID int64, r job.Rate, n int) []job.Want {
	return []job.Want{{OrgID: orgID, Action: job.ActionSendText, Rate: r, Most: r.N, N: n}}
}

// eventually asks again until something is given.
func eventually(t *testing.T, l *limit.Limiter, w []job.Want) (g job.Grant) {
	t.Helper()
	require.Eventually(t, func() bool {
		g = l.Take(t.Context(), w)[0]
		return g.N > 0
	}, patience, 5*time.Millisecond)
	return g
}

// After Redis has lost its data an org that has sent 7 of 10 may send 3 more,
// not 10, in whatever process asks; and a window that grows to an hour learns
// of the whole hour.
func TestEmptiedRedisIsSeededFromTheLedger(t *testing.T) {
	t.Parallel()
	for name, server := range servers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, ledger := server.address(t), &started{}
			l := start(t, limit.Patient(limit.Options{Address: at, Seeder: ledger}))
			other := start(t, limit.Patient(limit.Options{Address: at, Seeder: ledger}))
			l.Open(t.Context())
			require.Equal(t, 7, eventually(t, l, want(1, perMinute(10), 7)).N)
			ledger.set(1, 5*time.Second, 4*time.Second, 3*time.Second, 2*time.Second, 2*time.Second, time.Second, 0)

			require.NoError(t, l.Client().FlushDB(t.Context()).Err())
			g := l.Take(t.Context(), want(1, perMinute(10), 10))[0]
			require.Zero(t, g.N, "tokens of before may be on their way into the ledger")
			require.Positive(t, g.RetryAfter)
			require.LessOrEqual(t, g.RetryAfter, limit.Settle)
			require.Equal(t, 3, eventually(t, other, want(1, perMinute(10), 10)).N)
			g = l.Take(t.Context(), want(1, perMinute(10), 10))[0]
			require.Zero(t, g.N)
			require.Greater(t, g.RetryAfter, 30*time.Second, "the oldest start leaves the window first")

			ledger.set(1, 10*time.Minute, 20*time.Minute)
			asked := len(ledger.asked)
			g = eventually(t, l, want(1, job.Rate{N: 20, Window: time.Hour}, 20))
			require.Equal(t, 8, g.N, "7 + 3 of the last minute and 2 of the last hour are out")
			require.Len(t, ledger.asked, asked+1)
			require.Zero(t, l.Take(t.Context(), want(1, job.Rate{N: 20, Window: time.Hour}, 1))[0].N)
			require.Len(t, ledger.asked, asked+1, "once per window and length")
			require.Equal(t, 10, eventually(t, l, want(2, perMinute(10), 20)).N, "an org that has sent nothing")
		})
	}
}

// The operator sees what is in use also where nothing has been sent since Redis
// lost its data, or ever.
func TestPeekOutKnowsWhatNobodyHasAskedFor(t *testing.T) {
	t.Parallel()
	ledger := &started{}
	l := start(t, limit.Patient(limit.Options{Address: realRedis(t), Seeder: ledger}))
	ledger.set(1, 2*time.Second, time.Second)
	require.Eventually(t, func() bool {
		used, _, known := l.PeekOut(t.Context(), 1, job.ActionSendText, perMinute(10))
		return known && used == 2
	}, patience, 5*time.Millisecond)
}

// A ledger that does not answer makes dispatch wait, not guess.
func TestNoGuessWithoutTheLedger(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]limit.Options{"Redis": {Address: realRedis(t)}, "Local": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ledger := &started{err: errors.New("the database is away")}
			o.Seeder = ledger
			l := start(t, limit.Patient(o))
			require.Never(t, func() bool { return l.Take(t.Context(), want(1, perMinute(10), 1))[0].N > 0 }, 2*limit.Settle, 20*time.Millisecond)
			require.Positive(t, l.Take(t.Context(), want(1, perMinute(10), 1))[0].RetryAfter)
			ledger.fail(nil)
			require.Equal(t, 10, eventually(t, l, want(1, perMinute(10), 20)).N)
		})
	}
}

// Another server behind the address (restarted from a file, or a replica that
// took over) may have lost the newest tokens: the ledger is asked again.
func TestAnotherServerIsSeeded(t *testing.T) {
	t.Parallel()
	at, ledger := realRedis(t), &started{}
	l := start(t, limit.Patient(limit.Options{Address: at, Seeder: ledger}))
	require.Equal(t, 2, eventually(t, l, want(1, perMinute(10), 2)).N)
	ledger.set(1, 3*time.Second, 2*time.Second, time.Second, time.Second)
	require.NoError(t, l.Client().Set(t.Context(), "inboxd:limit:server", "another run", 0).Err())
	fresh := start(t, limit.Patient(limit.Options{Address: at, Seeder: ledger})) // connects anew
	require.Equal(t, 6, eventually(t, fresh, want(1, perMinute(10), 10)).N)
}

// Without Redis every process counts by itself, all together within the limit,
// at once but for the calls under way; what they gave counts when Redis is
// back.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	at, ledger := realRedis(t), &started{}
	p, err := proxy.New(at.Addrs[0])
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	direct := at
	at.Addrs = []string{p.Addr()}
	registry := prometheus.NewRegistry()
	l := start(t, limit.Options{
		Address: at, Seeder: ledger, Processes: func() (int, int) { return 2, 3 }, Registerer: registry,
	})
	witness := start(t, limit.Patient(limit.Options{Address: direct, Seeder: ledger}))
	witness.Open(t.Context())
	require.Equal(t, 1, eventually(t, witness, want(1, perMinute(30), 1)).N)

	p.BlackHole()
	began := time.Now()
	require.Eventually(t, func() bool {
		l.Peek(t.Context(), 1, job.ActionSendText, perMinute(30))
		return l.Away()
	}, patience, time.Millisecond)
	require.Less(t, time.Since(began), 10*time.Second, "it waits once, not for every check")
	require.InDelta(t, 1, gauge(t, registry, "inboxd_limiter_local"), 0)
	ledger.set(1, time.Second, time.Second, time.Second)
	require.Equal(t, (30-3)/3, l.Take(t.Context(), want(1, perMinute(30), 30))[0].N, "its share of what is left")
	allowed := 0
	for range 30 {
		if v := l.Allow(t.Context(), 1, job.ActionSendText, perMinute(30)); v.OK {
			allowed++
			require.True(t, v.Local)
		}
	}
	require.Equal(t, 15, allowed)
	g := l.Take(t.Context(), want(1, perMinute(30), 1))[0]
	require.Zero(t, g.N)
	require.Greater(t, g.RetryAfter, 30*time.Second)
	require.LessOrEqual(t, g.RetryAfter, time.Minute)

	p.Pass()
	require.Eventually(t, func() bool { return !l.Away() }, patience, 10*time.Millisecond)
	require.InDelta(t, 0, gauge(t, registry, "inboxd_limiter_local"), 0)
	require.Equal(t, 15, witness.Peek(t.Context(), 1, job.ActionSendText, perMinute(30)).Remaining)
	require.False(t, l.Allow(t.Context(), 1, job.ActionSendText, perMinute(15)).Local)
}

// A share of the limit in each of many processes is never more than the limit
// in sum, but never nothing either.
func TestShares(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ limit, processes, each int }{
		"Even": {60, 3, 20}, "Odd": {10, 3, 3}, "Alone": {10, 1, 10}, "LessThanOneEach": {2, 5, 1}, "None": {0, 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := start(t, limit.Options{Processes: func() (int, int) { return c.processes, c.processes }})
			require.Equal(t, c.each, l.Take(t.Context(), want(1, perMinute(c.limit), 100))[0].N)
			got := 0
			for range 100 {
				if l.Allow(t.Context(), 1, job.ActionSendText, perMinute(c.limit)).OK {
					got++
				}
			}
			require.Equal(t, c.each, got)
		})
	}
}

func gauge(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	require.Fail(t, "no such metric", name)
	return 0
}
