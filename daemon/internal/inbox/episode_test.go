package inbox_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// An agent's numbers hang on this: met is strictly less than the target, what
// is due counts as missed, and what is not due yet counts for nothing.
func TestJudge(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	due := start.Add(5 * time.Minute)
	cases := []struct {
		name          string
		answered, now time.Time
		want          inbox.Verdict
	}{
		{"AnsweredInTime", start.Add(time.Minute), due.Add(time.Hour), inbox.Met},
		{"AnsweredAtTheLastMoment", due.Add(-1), due.Add(time.Hour), inbox.Met},
		{"AnsweredExactlyWhenDue", due, due.Add(time.Hour), inbox.Missed},
		{"AnsweredLate", due.Add(1), due.Add(time.Hour), inbox.Missed},
		{"AnsweredBeforeTheClock", start.Add(-time.Second), start, inbox.Met},
		{"Waiting", time.Time{}, due.Add(-1), inbox.Pending},
		{"WaitingExactlyWhenDue", time.Time{}, due, inbox.Missed},
		{"NeverAnswered", time.Time{}, due.Add(time.Hour), inbox.Missed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := inbox.Episode{StartedAt: start, DueAt: due, AnsweredAt: c.answered}
			require.Equal(t, c.want, e.Judge(c.now))
		})
	}
}

// A verdict computed after an hour of downtime equals one computed live: once
// it is not pending it never changes with the time of asking.
func TestVerdictsAreFinal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		second := func(label string) time.Time {
			return time.Unix(rapid.Int64Range(1, 10_000).Draw(rt, label), 0)
		}
		e := inbox.Episode{DueAt: second("due")}
		if rapid.Bool().Draw(rt, "answered") {
			e.AnsweredAt = second("answered at")
		}
		now := second("now")
		later := now.Add(time.Duration(rapid.Int64Range(0, 10_000).Draw(rt, "later")) * time.Second)
		if v := e.Judge(now); v != inbox.Pending {
			require.Equal(rt, v, e.Judge(later))
		}
		require.Equal(rt, !e.AnsweredAt.IsZero() && e.AnsweredAt.Before(e.DueAt), e.Judge(later) == inbox.Met)
	})
}

// Provider clocks can be ahead or silent; a clock never starts after the
// message came.
func TestClockStart(t *testing.T) {
	t.Parallel()
	received := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	require.Equal(t, received.Add(-time.Minute), inbox.ClockStart(received.Add(-time.Minute), received))
	require.Equal(t, received, inbox.ClockStart(received, received))
	require.Equal(t, received, inbox.ClockStart(received.Add(time.Second), received))
	require.Equal(t, received, inbox.ClockStart(time.Time{}, received))
}
