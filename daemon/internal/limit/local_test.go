package limit_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/limit"
)

// The windows of this process are as exact as those in Redis.
func TestLocalWindowsAreExact(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	l := start(t, limit.Options{Now: func() time.Time { return at }})
	random := rand.New(rand.NewPCG(5, 6))
	var log naive
	rate := perMinute(20)
	for step := range 100_000 {
		at = at.Add(time.Duration(random.IntN(3_000_000)) * time.Microsecond)
		if random.IntN(50) == 0 {
			rate = job.Rate{N: random.IntN(60), Window: windows[random.IntN(len(windows))]}
		}
		w := job.Want{OrgID: 1, Action: job.ActionSendText, Rate: rate, Most: rate.N - random.IntN(2)*rate.N/5, N: 1 + random.IntN(4)}
		g := l.Take(t.Context(), []job.Want{w})[0]
		n, wait := log.take(at.UnixMicro(), rate, w.Most, w.N)
		require.Equal(t, n, g.N, "step %d: %+v", step, w)
		require.Equal(t, wait, g.RetryAfter.Microseconds(), "step %d: %+v", step, w)
		log.exact(t, at.UnixMicro(), wait, rate, w.Most)
		if n > 0 && random.IntN(8) == 0 {
			l.Return(t.Context(), []job.Want{w}, []job.Grant{g}, []int{1})
			log.giveBack(at.UnixMicro(), 1)
		}
		log.forget(at.Add(-limit.Longest).UnixMicro())
	}
}

// A number sends so many per second, in any second; a customer gets five at
// once and then one every six seconds; what may not leave is not counted.
func TestPacing(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	clocks := map[string]limit.Options{"Redis": {Address: realRedis(t)}, "Imitation": {Address: imitation(t)}, "Local": {}}
	for name, o := range clocks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := at
			o.Now = func() time.Time { return now }
			l := start(t, limit.Patient(o))
			pass := func(d time.Duration) {
				now = now.Add(d)
				l.SetClock(now.UnixMicro())
			}
			pass(0)
			var many []job.Passage
			for pair := range 200 {
				many = append(many, job.Passage{Queue: job.WhatsApp, ChannelID: 1, Pair: int64(100 + pair)})
			}
			require.Equal(t, 80, cleared(l.Clear(t.Context(), many)))
			pass(time.Second - time.Microsecond)
			waits := l.Clear(t.Context(), many[80:])
			require.Zero(t, cleared(waits))
			require.Equal(t, time.Microsecond, waits[0].ChannelWait)
			require.Zero(t, waits[0].PairWait, "a message that could not leave is not counted")
			pass(time.Microsecond)
			require.Equal(t, 80, cleared(l.Clear(t.Context(), many[80:])))

			pass(time.Hour)
			one := []job.Passage{{Queue: job.WhatsApp, ChannelID: 2, Pair: 7}}
			for range 5 {
				require.Equal(t, 1, cleared(l.Clear(t.Context(), one)))
			}
			require.Equal(t, job.Clearance{PairWait: 6 * time.Second}, l.Clear(t.Context(), one)[0])
			pass(6*time.Second - time.Microsecond)
			require.Equal(t, job.Clearance{PairWait: time.Microsecond}, l.Clear(t.Context(), one)[0])
			pass(time.Microsecond)
			require.Equal(t, 1, cleared(l.Clear(t.Context(), one)))
			require.Zero(t, cleared(l.Clear(t.Context(), one)))

			unpaced := []job.Passage{{Queue: job.WhatsApp}, {Queue: job.MetaSpend, ChannelID: 3, Pair: 7}}
			for range 100 {
				require.Equal(t, 2, cleared(l.Clear(t.Context(), unpaced)))
			}
			var instagram []job.Passage
			for range 400 {
				instagram = append(instagram, job.Passage{Queue: job.Instagram, ChannelID: 4, Pair: 9})
			}
			require.Equal(t, 300, cleared(l.Clear(t.Context(), instagram)), "Instagram paces no pairs")
		})
	}
}

func cleared(all []job.Clearance) (n int) {
	for _, c := range all {
		if c == (job.Clearance{}) {
			n++
		}
	}
	return n
}
