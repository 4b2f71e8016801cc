package job_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// The words are public (CLI, JSON, metrics) and the numbers are stored: neither
// may change under an operator's scripts or an older process.
func TestWordsAndNumbers(t *testing.T) {
	t.Parallel()
	words := map[string]string{}
	for _, q := range job.Queues() {
		words["queue "+string(rune('0'+q))] = q.String()
		back, ok := job.ParseQueue(q.String())
		require.True(t, ok)
		require.Equal(t, q, back)
	}
	for _, ty := range job.Types() {
		words["type "+string(rune('0'+ty))] = ty.String()
		back, ok := job.ParseType(ty.String())
		require.True(t, ok)
		require.Equal(t, ty, back)
	}
	for _, s := range job.States() {
		words["state "+string(rune('0'+s))] = s.String()
	}
	for _, o := range []job.Outcome{job.Done, job.Cancelled, job.Discarded} {
		words["outcome "+string(rune('0'+o))] = o.String()
	}
	for _, p := range []job.Priority{job.Interactive, job.Normal, job.Bulk} {
		words["priority "+string(rune('0'+p))] = p.String()
	}
	for _, l := range []job.Lane{job.NoLane, job.LaneRedis, job.LanePostgres} {
		words["lane "+string(rune('0'+l))] = l.String()
	}
	require.Equal(t, map[string]string{
		"queue 1": "whatsapp", "queue 2": "instagram", "queue 3": "automations", "queue 4": "meta_spend", "queue 5": "token_refresh",
		"type 1": "send_message", "type 2": "send_template", "type 3": "run_automation", "type 4": "sync_spend", "type 5": "refresh_token",
		"state 0": "scheduled", "state 1": "ready", "state 2": "dispatched", "state 3": "running", "state 4": "uncertain", "state 5": "held", "state 6": "dead",
		"outcome 1": "done", "outcome 2": "cancelled", "outcome 3": "discarded",
		"priority 1": "interactive", "priority 2": "normal", "priority 3": "bulk",
		"lane 0": "", "lane 1": "redis", "lane 2": "postgres",
	}, words)
}

// A number from a newer version must be shown, not crash the reader.
func TestUnknownNumbers(t *testing.T) {
	t.Parallel()
	for _, n := range []int16{-1, 99, math.MinInt16, math.MaxInt16} {
		for _, s := range []string{
			job.Queue(n).String(), job.Type(n).String(), job.State(n).String(), job.Outcome(n).String(),
			job.Priority(n).String(), job.Lane(n).String(),
		} {
			require.Equal(t, "unknown", s)
		}
	}
	for _, zero := range []string{job.Queue(0).String(), job.Type(0).String(), job.Outcome(0).String(), job.Priority(0).String()} {
		require.Equal(t, "unknown", zero)
	}
	for _, word := range []string{"", "unknown", "WhatsApp", "whatsapp ", "send_message\n"} {
		_, ok := job.ParseQueue(word)
		require.False(t, ok, "queue %q", word)
		_, ok = job.ParseType(word)
		require.False(t, ok, "type %q", word)
	}
}

// The callback data in a status webhook settles a job: what we wrote must be
// read back exactly, and nothing else may pass for ours.
func TestTicketRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		want := job.Ticket{ID: rapid.Int64Min(1).Draw(rt, "id"), Epoch: rapid.Int32Min(1).Draw(rt, "epoch")}
		got, ok := job.ParseTicket(want.String())
		require.True(rt, ok)
		require.Equal(rt, want, got)
		require.Equal(rt, want.String(), job.Claimed{ID: want.ID, Epoch: want.Epoch}.Callback())
	})
}

func TestForeignTickets(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", ".", "1", "1.", ".1", "1.1.1", "0.1", "1.0", "-1.1", "1.-1", "+1.1", "01.1", "1.01", " 1.1", "1.1 ", "1,1", "1.1\n",
		"9223372036854775808.1", "1.2147483648", "1e3.1", "0x1.1", "１.1", "order-1.1", "1_000.1",
	} {
		_, ok := job.ParseTicket(s)
		require.False(t, ok, "%q", s)
	}
}

func FuzzParseTicket(f *testing.F) {
	for _, s := range []string{"1.1", "9223372036854775807.2147483647", "0.0", "1.1.1", "+1.1", "1.", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := job.ParseTicket(s)
		if !ok {
			return
		}
		if got.String() != s || got.ID < 1 || got.Epoch < 1 {
			t.Fatalf("%q was read as %+v", s, got)
		}
	})
}

// Backing off too little hammers a provider that is in trouble; too much leaves
// a customer without the answer an agent has written.
func TestBackoffBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		attempt := rapid.IntRange(-3, 100).Draw(rt, "attempt")
		u := rapid.Float64Range(0, math.Nextafter(1, 0)).Draw(rt, "u")
		class := rapid.SampledFrom([]job.Class{job.ClassTransient, job.ClassThrottlePair, job.ClassThrottleNumber, job.ClassUnknown}).Draw(rt, "class")
		got := job.Backoff(class, attempt, u)
		least, most := time.Second/2, 15*time.Minute+time.Second
		if class == job.ClassThrottlePair {
			least = time.Second
		}
		require.GreaterOrEqual(rt, got, least)
		require.LessOrEqual(rt, got, most)
		require.GreaterOrEqual(rt, job.Backoff(class, attempt+1, u), got, "later attempts wait no less")
	})
}

func TestBackoffGrowth(t *testing.T) {
	t.Parallel()
	cases := []struct {
		class   job.Class
		attempt int
		u       float64
		want    time.Duration
	}{
		{job.ClassTransient, 1, 0, 500 * time.Millisecond},
		{job.ClassTransient, 1, 0.5, 1500 * time.Millisecond},
		{job.ClassTransient, 2, 0.5, 2500 * time.Millisecond},
		{job.ClassTransient, 5, 0.5, 16500 * time.Millisecond},
		{job.ClassTransient, 50, 0.5, 450500 * time.Millisecond},
		{job.ClassThrottlePair, 1, 0, time.Second}, // Meta: 4^n seconds
		{job.ClassThrottlePair, 2, 0, 4 * time.Second},
		{job.ClassThrottlePair, 4, 0.5, 64500 * time.Millisecond},
		{job.ClassThrottlePair, 50, 0, 15 * time.Minute},
	}
	for _, c := range cases {
		require.Equal(t, c.want, job.Backoff(c.class, c.attempt, c.u), "%s, attempt %d", c.class, c.attempt)
	}
}

// What has an effect on a customer is never run again by itself; the lane's
// timeout is computed from whole seconds.
func TestPolicies(t *testing.T) {
	t.Parallel()
	for _, ty := range job.Types() {
		p := job.PolicyOf(ty)
		require.Equal(t, ty == job.SendMessage || ty == job.SendTemplate, p.AtMostOnce, ty)
		require.Positive(t, p.MaxAttempts)
		require.Positive(t, p.Timeout)
		require.Zero(t, p.Timeout%time.Second)
		require.Greater(t, p.Deadline, p.Timeout)
	}
}
