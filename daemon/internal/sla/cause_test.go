package sla_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/sla"
)

// at is so many seconds after noon.
func at(second int) time.Time {
	return time.Date(2026, 10, 5, 12, 0, second, 0, time.UTC)
}

func span(from, to int) sla.Span { return sla.Span{From: at(from), To: at(to)} }

const second = time.Second

// What a miss is put down to decides whom a manager talks to: an agent must not
// be blamed for a queue, nor a queue for an agent.
func TestExplain(t *testing.T) {
	t.Parallel()
	base := sla.Evidence{StartedAt: at(0), ReceivedAt: at(2), DueAt: at(300), Target: 300 * second}
	with := func(change func(*sla.Evidence)) sla.Evidence {
		e := base
		change(&e)
		return e
	}
	for name, tc := range map[string]struct {
		evidence sla.Evidence
		cause    sla.Cause
		spent    sla.Spent
	}{
		"NobodyPressed": {base, sla.Human, sla.Spent{Provider: 2 * second, Human: 298 * second}},
		"NightIsNotTheAgents": {
			with(func(e *sla.Evidence) { e.Closed = 200 * second }), sla.Human,
			sla.Spent{Provider: 2 * second, Human: 98 * second, Closed: 200 * second},
		},
		"PressedLate": {
			with(func(e *sla.Evidence) { e.PressedAt, e.AnsweredAt, e.Late = at(310), at(310), 308*second }), sla.Human,
			sla.Spent{Provider: 2 * second, Human: 308 * second},
		},
		"ArrivedAfterItWasDue": {with(func(e *sla.Evidence) { e.ReceivedAt = at(300) }), sla.Provider, sla.Spent{Provider: 300 * second}},
		"ArrivedLateAndAnsweredQuickly": {
			with(func(e *sla.Evidence) { e.ReceivedAt, e.AnsweredAt, e.Late = at(250), at(310), 60*second }), sla.Provider,
			sla.Spent{Provider: 250 * second, Human: 60 * second},
		},
		"Queued": {
			with(func(e *sla.Evidence) { e.PressedAt, e.Attempts = at(10), []sla.Attempt{{ReadyAt: at(10)}} }), sla.QueueWait,
			sla.Spent{Provider: 2 * second, Human: 8 * second, QueueWait: 290 * second},
		},
		"HeldBeforeLimited": {with(func(e *sla.Evidence) {
			e.PressedAt, e.Attempts = at(10), []sla.Attempt{{ReadyAt: at(10)}}
			e.Holds, e.Limits = []sla.Span{span(0, 100), span(50, 150)}, []sla.Span{span(100, 200)}
		}), sla.Hold, sla.Spent{Provider: 2 * second, Human: 8 * second, Hold: 140 * second, Limit: 50 * second, QueueWait: 100 * second}},
		"Throttled": {with(func(e *sla.Evidence) {
			e.PressedAt = at(10)
			e.Attempts = []sla.Attempt{{ReadyAt: at(10), StartedAt: at(11), EndedAt: at(12), Throttled: true}, {ReadyAt: at(250), StartedAt: at(290)}}
		}), sla.Limit, sla.Spent{Provider: 13 * second, Human: 8 * second, Limit: 238 * second, QueueWait: 41 * second}},
		"Retried": {with(func(e *sla.Evidence) {
			e.PressedAt = at(10)
			e.Attempts = []sla.Attempt{{ReadyAt: at(10), StartedAt: at(10), EndedAt: at(20)}, {ReadyAt: at(200), StartedAt: at(200), EndedAt: at(220)}}
		}), sla.Retries, sla.Spent{Provider: 32 * second, Human: 8 * second, Retries: 260 * second}},
		"AFinalFailureIsAHumansTurn": {with(func(e *sla.Evidence) {
			e.PressedAt = at(10)
			e.Attempts = []sla.Attempt{{ReadyAt: at(10), StartedAt: at(10), EndedAt: at(20), Final: true}}
		}), sla.Human, sla.Spent{Provider: 12 * second, Human: 288 * second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cause, spent := sla.Explain(tc.evidence)
			require.Equal(t, tc.spent, spent)
			require.Equal(t, tc.cause, cause)
		})
	}
}

// However tangled the story, every moment of it is put down once.
func TestTheTimeAddsUpProperty(t *testing.T) {
	t.Parallel()
	moment := rapid.IntRange(0, 400)
	rapid.Check(t, func(t *rapid.T) {
		some := func(name string) time.Time {
			if rapid.Bool().Draw(t, name+" known") {
				return at(moment.Draw(t, name))
			}
			return time.Time{}
		}
		spans := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sla.Span {
			from := moment.Draw(t, "from")
			return span(from, from+rapid.IntRange(0, 100).Draw(t, "length"))
		}), 0, 4)
		e := sla.Evidence{
			StartedAt: at(0), ReceivedAt: at(moment.Draw(t, "received")), DueAt: at(300), AnsweredAt: some("answered"), PressedAt: some("pressed"),
			Closed: time.Duration(moment.Draw(t, "closed")) * second, Target: 300 * second,
			Holds: spans.Draw(t, "holds"), Limits: spans.Draw(t, "limits"),
		}
		for range rapid.IntRange(0, 4).Draw(t, "attempts") {
			e.Attempts = append(e.Attempts, sla.Attempt{
				ReadyAt: at(moment.Draw(t, "ready")), StartedAt: some("started"), EndedAt: some("ended"),
				Throttled: rapid.Bool().Draw(t, "throttled"), Final: rapid.Bool().Draw(t, "final"),
			})
		}
		_, s := sla.Explain(e)
		end := e.DueAt
		if !e.AnsweredAt.IsZero() {
			end = e.AnsweredAt
		}
		for _, part := range []time.Duration{s.Human, s.Closed, s.QueueWait, s.Hold, s.Limit, s.Retries, s.Provider} {
			require.GreaterOrEqual(t, part, time.Duration(0))
		}
		require.Equal(t, end.Sub(e.StartedAt), s.Human+s.Closed+s.QueueWait+s.Hold+s.Limit+s.Retries+s.Provider)
	})
}

func TestSaturated(t *testing.T) {
	t.Parallel()
	starts := []time.Time{at(30), at(0), at(10), at(100)}
	require.Equal(t, []sla.Span{span(10, 70)}, sla.Saturated(starts, 2, 60*second, span(0, 200)))
	require.Equal(t, []sla.Span{span(0, 90), span(100, 160)}, sla.Saturated(starts, 1, 60*second, span(0, 200)))
	require.Empty(t, sla.Saturated(starts, 4, 60*second, span(0, 200)))
	require.Equal(t, []sla.Span{span(0, 200)}, sla.Saturated(nil, 0, 60*second, span(0, 200)), "a limit of 0 lets nothing go")
}

// Figures that round in somebody's favour are found out, and then nobody
// believes any of them.
func TestFigures(t *testing.T) {
	t.Parallel()
	f := sla.Figures{Met: 4, Missed: 1, Objective: 0.8}
	for _, d := range []time.Duration{5 * second, 1 * second, 4 * second, 2 * second, 3 * second} {
		f = f.Answered(d)
	}
	f = f.Summed()
	require.Equal(t, []time.Duration{5 * second, 5 * second, 5 * second}, []time.Duration{f.P90, f.P95, f.Worst})
	require.InEpsilon(t, 3*second, f.P50, 0.021)
	share, known := f.Compliance()
	require.True(t, known)
	require.InDelta(t, 0.8, share, 1e-9)
	kept, _ := f.Keeps()
	require.True(t, kept)
	_, known = sla.Figures{Pending: 3}.Compliance()
	require.False(t, known)
	all := []sla.Figures{{User: "none"}, {User: "good", Met: 9}, {User: "bad", Missed: 1}, {User: "busy", Missed: 7}}
	sla.SortWorstFirst(all)
	require.Equal(t, []string{"busy", "bad", "good", "none"}, []string{all[0].User, all[1].User, all[2].User, all[3].User})
	total := sla.Total(append(all, f))
	require.Equal(t, []int64{13, 9}, []int64{total.Met, total.Missed})
	require.Equal(t, f.P50, total.P50)
}

// Percentiles come from buckets, so that a year of answers takes no more room than
// a day: they may be off by what a bucket is wide, and by no more, and the longest
// wait not at all.
func TestPercentilesAreNearProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Int64Range(100, 90*24*3600*1000), 1, 300).Draw(t, "ms")
		var f sla.Figures
		for _, ms := range times {
			f = f.Answered(time.Duration(ms) * time.Millisecond)
		}
		f = f.Summed()
		slices.Sort(times)
		for p, got := range map[float64]time.Duration{0.50: f.P50, 0.90: f.P90, 0.95: f.P95} {
			exact := times[int(math.Ceil(p*float64(len(times))))-1]
			require.InEpsilon(t, exact, got.Milliseconds(), 0.03)
		}
		require.Equal(t, times[len(times)-1], f.Worst.Milliseconds())
	})
}
