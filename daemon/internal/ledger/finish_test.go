package ledger

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

func drawClaimed(rt *rapid.T) job.Claimed {
	c := job.Claimed{
		ID: 9, Epoch: 2, SubjectID: 5,
		Type:        rapid.SampledFrom(job.Types()).Draw(rt, "type"),
		MaxAttempts: rapid.IntRange(1, 8).Draw(rt, "max attempts"),
		Deadline:    time.Now().Add(time.Duration(rapid.IntRange(-60, 3600).Draw(rt, "deadline in")) * time.Second),
	}
	c.Attempt = rapid.IntRange(1, c.MaxAttempts).Draw(rt, "attempt")
	return c
}

func drawResult(rt *rapid.T) job.Result {
	r := job.Result{
		Verdict:    rapid.SampledFrom([]job.Verdict{job.Succeed, job.Retry, job.Throttle, job.Fail, job.Doubt, job.Release}).Draw(rt, "verdict"),
		Class:      rapid.SampledFrom([]job.Class{job.ClassTransient, job.ClassThrottlePair, job.ClassAmbiguous}).Draw(rt, "class"),
		RetryAfter: time.Duration(rapid.IntRange(-10, 7200).Draw(rt, "retry after")) * time.Second,
		Detail:     string(rapid.SliceOfN(rapid.Byte(), 0, 700).Draw(rt, "detail")),
	}
	if rapid.Bool().Draw(rt, "with a message") {
		r.Message = &job.MessageEffect{Status: inbox.Accepted, ProviderID: "wamid.1"}
	}
	return r
}

// The one place where verdicts, attempts, deadlines and the at-most-once rule
// meet. If this breaks, customers get messages twice, or late, or never.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c, r := drawClaimed(rt), drawResult(rt)
		f := newFinish(c, r)
		checkTransition(rt, c, r, f)
		checkEvent(rt, r, f)
		checkEffect(rt, c, r, f)
		require.LessOrEqual(rt, len(f.detail), maxDetail)
		require.True(rt, utf8.ValidString(f.detail))
		require.NotContains(rt, f.detail, "\x00")
	})
}

func checkTransition(rt *rapid.T, c job.Claimed, r job.Result, f *finish) {
	rt.Helper()
	atMostOnce := job.PolicyOf(c.Type).AtMostOnce
	require.Equal(rt, r.Verdict == job.Succeed, f.done)
	require.Equal(rt, r.Verdict == job.Release || r.Verdict == job.Throttle, f.refund, "what cost nothing is given back")
	switch {
	case f.done:
	case r.Verdict == job.Release:
		require.Equal(rt, job.Ready, f.state)
	case r.Verdict == job.Fail:
		require.Equal(rt, job.Dead, f.state)
	case r.Verdict == job.Doubt && atMostOnce:
		require.Equal(rt, job.Uncertain, f.state, "whatever its attempts and deadline: it may have gone out")
	case f.state == job.Scheduled:
		require.GreaterOrEqual(rt, f.delay, max(r.RetryAfter, time.Second/2))
		require.False(rt, time.Now().Add(f.delay-time.Second).After(c.Deadline), "never planned for after the deadline")
		require.True(rt, f.refund || c.Attempt < c.MaxAttempts)
	default:
		require.Equal(rt, job.Dead, f.state)
		require.True(rt, f.class == job.ClassDeadline || (c.Attempt >= c.MaxAttempts && !f.refund), "it dies of something")
	}
}

// A failed attempt, a death and a doubt leave one event each: history and
// events together hold every attempt.
func checkEvent(rt *rapid.T, r job.Result, f *finish) {
	rt.Helper()
	want := map[job.State]int16{job.Dead: eventDead, job.Uncertain: eventUncertain, job.Scheduled: eventFailed}[f.state]
	if f.done || r.Verdict == job.Release {
		want = eventNone
	}
	require.Equal(rt, want, f.event)
}

// Only sends have a message. It hears of every outcome: that it waits again is
// news to one that was uncertain.
func checkEffect(rt *rapid.T, c job.Claimed, r job.Result, f *finish) {
	rt.Helper()
	sends := c.Type == job.SendMessage || c.Type == job.SendTemplate
	var want inbox.MessageStatus
	switch {
	case sends && f.done && r.Message != nil:
		want = inbox.Accepted
	case sends && !f.done && f.state == job.Dead:
		want = inbox.Failed
	case sends && !f.done && f.state == job.Uncertain:
		want = inbox.Uncertain
	case sends && !f.done:
		want = inbox.Queued
	default:
		require.Nil(rt, f.effect)
		return
	}
	require.NotNil(rt, f.effect)
	require.Equal(rt, want, f.effect.Status)
	require.Equal(rt, []int64{9, 2, 5}, []int64{f.effect.JobID, int64(f.effect.Epoch), f.effect.MessageID})
}

// A poisonous outcome is stripped until it can be stored, and no longer: else
// one bad byte would stop all outcomes of the process.
func TestDisarmEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		f := newFinish(drawClaimed(rt), drawResult(rt))
		done, state := f.done, f.state
		steps := 0
		for f.disarm() {
			steps++
			require.Less(rt, steps, 5)
		}
		require.Empty(rt, f.detail)
		require.Nil(rt, f.effect)
		require.Equal(rt, done, f.done, "the outcome itself stays")
		require.Equal(rt, state, f.state)
	})
	start := &op{}
	require.False(t, start.disarm(), "a start carries nothing from outside")
}

func FuzzStorable(f *testing.F) {
	for _, s := range []string{"", "fine", "a\x00b", "\xff", strings.Repeat("é", 300), strings.Repeat("x", 499) + "é", strings.Repeat("\xf0\x9f", 400)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := storable(s)
		if len(got) > maxDetail || !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Fatalf("%q became %q", s, got)
		}
		if !strings.HasPrefix(inbox.Clean(s), got) {
			t.Fatalf("%q is not the beginning of %q", got, s)
		}
	})
}
