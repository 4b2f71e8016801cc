package limit_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/limit"
)

// tape is where a run takes its decisions from.
type tape interface{ upTo(n int) int }

type randomTape struct{ *rand.Rand }

func (r randomTape) upTo(n int) int { return r.IntN(n) }

// run is a Limiter beside naive logs, at a clock the test moves. Every answer
// is compared: what is given, and when more would be.
type run struct {
	limiter *limit.Limiter
	at      int64 // microseconds
	orgs    int64 // how many
	rates   []job.Rate
	out     []naive
	api     []naive
	given   []given
	steps   int
}

// given is a grant that may be returned.
type given struct {
	want  job.Want
	grant job.Grant
}

func newRun(tb testing.TB, l *limit.Limiter, orgs int) *run {
	tb.Helper()
	r := &run{limiter: l, at: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), orgs: int64(orgs)}
	r.rates, r.out, r.api = make([]job.Rate, orgs), make([]naive, orgs), make([]naive, orgs)
	for i := range r.rates {
		r.rates[i] = perMinute(20)
	}
	l.SetClock(r.at)
	l.Open(tb.Context())
	r.pass(2 * limit.Longest) // no window is older than the data set: nothing to seed
	require.False(tb, l.Away())
	return r
}

func (r *run) pass(d time.Duration) {
	r.at += d.Microseconds()
	r.limiter.SetClock(r.at)
}

var windows = []time.Duration{time.Second, 7 * time.Second, time.Minute, time.Hour}

// step does one random thing.
func (r *run) step(tb testing.TB, t tape) {
	tb.Helper()
	r.pass(time.Duration(t.upTo(2_000_000)) * time.Microsecond)
	org := t.upTo(int(r.orgs))
	switch t.upTo(12) {
	case 0: // somebody sets another limit
		n := 1 + t.upTo(40)
		if t.upTo(10) == 0 {
			n = t.upTo(2) * 500
		}
		r.rates[org] = job.Rate{N: n, Window: windows[t.upTo(len(windows))]}
	case 1: // time goes to exactly the edge of a window
		if tokens := r.out[org].tokens; len(tokens) > 0 {
			edge := tokens[t.upTo(len(tokens))] + r.rates[org].Window.Microseconds() - int64(t.upTo(2))
			r.pass(time.Duration(max(0, edge-r.at)) * time.Microsecond)
		}
	case 2:
		r.giveBack(tb, t)
	case 3, 4, 5:
		r.allow(tb, org)
	default:
		r.take(tb, t)
	}
}

// take asks for several orgs and classes at once, some of them twice.
func (r *run) take(tb testing.TB, t tape) {
	tb.Helper()
	wants := make([]job.Want, 1+t.upTo(16))
	for i := range wants {
		org := t.upTo(int(r.orgs))
		rate := r.rates[org]
		most := rate.N
		if t.upTo(2) == 0 {
			most = rate.N * job.BulkShare / 100
		}
		wants[i] = job.Want{OrgID: int64(org), Action: job.ActionSendText, Rate: rate, Most: most, N: 1 + t.upTo(6)}
	}
	for i, g := range r.limiter.Take(tb.Context(), wants) {
		w := wants[i]
		n, wait := r.out[w.OrgID].take(r.at, w.Rate, w.Most, w.N)
		require.Equal(tb, n, g.N, "step %d: %+v", r.steps, w)
		require.Equal(tb, wait, g.RetryAfter.Microseconds(), "step %d: %+v", r.steps, w)
		r.out[w.OrgID].exact(tb, r.at, wait, w.Rate, w.Most)
		if g.N > 0 {
			require.Equal(tb, r.at, g.Stamp)
			r.given = append(r.given, given{w, g})
		}
		r.steps++
	}
	r.given = r.given[max(0, len(r.given)-8):]
}

func (r *run) allow(tb testing.TB, org int) {
	tb.Helper()
	rate := r.rates[org]
	v := r.limiter.Allow(tb.Context(), int64(org), job.ActionSendText, rate)
	n, wait := r.api[org].take(r.at, rate, rate.N, 1)
	require.Equal(tb, n == 1, v.OK, "step %d", r.steps)
	if !v.OK {
		require.Equal(tb, wait, v.RetryAfter.Microseconds(), "step %d", r.steps)
	}
	used := r.api[org].used(r.at, rate.Window.Microseconds())
	require.Equal(tb, max(0, rate.N-used), v.Remaining)
	if used > 0 {
		oldest := r.api[org].tokens[len(r.api[org].tokens)-used]
		require.Equal(tb, oldest+rate.Window.Microseconds()-r.at, v.Reset.Microseconds())
	}
	r.steps++
}

func (r *run) giveBack(tb testing.TB, t tape) {
	tb.Helper()
	if len(r.given) == 0 {
		return
	}
	i := t.upTo(len(r.given))
	g := r.given[i]
	r.given = append(r.given[:i], r.given[i+1:]...)
	n := 1 + t.upTo(g.grant.N)
	r.limiter.Return(tb.Context(), []job.Want{g.want}, []job.Grant{g.grant}, []int{n})
	r.out[g.want.OrgID].giveBack(g.grant.Stamp, n)
	r.steps++
}

// A window that is wrong by one token in a hundred thousand sends one message
// too many, or tells a client to come back a moment too early.
func TestWindowsAreExact(t *testing.T) {
	t.Parallel()
	for name, server := range servers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRun(t, start(t, limit.Patient(limit.Options{Address: server.address(t)})), 6)
			random := randomTape{rand.New(rand.NewPCG(1, 2))}
			for r.steps < server.steps {
				r.step(t, random)
			}
			require.False(t, r.limiter.Away())
		})
	}
}

// byteTape reads decisions from a fuzzer's bytes, and zeros at their end.
type byteTape struct{ bytes []byte }

func (b *byteTape) upTo(n int) int {
	v := 0
	for m := n - 1; m > 0; m >>= 8 {
		if len(b.bytes) == 0 {
			return 0
		}
		v = v<<8 | int(b.bytes[0])
		b.bytes = b.bytes[1:]
	}
	return v % n
}

func FuzzWindows(f *testing.F) {
	f.Add([]byte("a few wants, a limit, a return: \x00\x01\x02\x03\xff\xfe\xfd\xfc"))
	random := randomTape{rand.New(rand.NewPCG(3, 4))}
	for range 4 {
		seed := make([]byte, 400)
		for i := range seed {
			seed[i] = byte(random.upTo(256))
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, decisions []byte) {
		l := start(t, limit.Patient(limit.Options{Address: imitation(t)}))
		r := newRun(t, l, 2)
		for b := (&byteTape{decisions}); len(b.bytes) > 0 && r.steps < 2000; {
			r.step(t, b)
		}
	})
}
