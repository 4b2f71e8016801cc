package why_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/why"
)

// Whoever reads the story must be able to add it up: two holds that overlap are
// not counted twice, a hold that was over before is not blamed, and what follows
// the job, its message's fate, is in its place.
func TestLifeAddsUp(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Date(2026, 1, 31, 12, 0, s, 0, time.UTC) }
	ref := func(s int) *time.Time { return new(at(s)) }
	d := inspect.Detail{
		Job: inspect.Job{ID: 1, Org: "acme", User: "dana", Type: job.SendMessage, Priority: job.Interactive, Outcome: job.Done, CreatedAt: at(0), FinishedAt: ref(56)},
		Attempts: []inspect.Attempt{
			{Attempt: 1, Outcome: "failed", Class: job.ClassTransient, Lane: job.LaneRedis, Host: "h", PID: 42, ReadyAt: ref(0), StartedAt: ref(40), EndedAt: ref(41)},
			{Attempt: 2, Outcome: "done", Lane: job.LanePostgres, ReadyAt: ref(50), StartedAt: ref(55), EndedAt: ref(56)},
		},
		Holds: []inspect.Hold{
			{Org: "acme", Owner: "over", CreatedAt: at(-20), ReleasedAt: ref(-10)},
			{Org: "acme", Owner: "erin", Reason: "INC-812", CreatedAt: at(-5), ReleasedAt: ref(20), ReleasedBy: "dana"},
			{Queue: job.WhatsApp, Owner: "local:0", CreatedAt: at(10), ExpiresAt: ref(30)},
		},
		Message: &inspect.Message{ID: 7, JobID: 1, Status: inbox.Delivered, SentAt: ref(57), DeliveredAt: ref(58)},
	}
	var got []string
	for _, m := range why.Life(d, at(59)) {
		line := m.At.Format("05 ") + m.Event
		if m.Took != nil {
			line += " " + m.Took.String()
		}
		got = append(got, line+": "+m.Text)
	}
	require.Empty(t, cmp.Diff([]string{
		"00 created: send_message of acme by dana, interactive",
		"00 wait 40s: ready; 30s of it held by operators, 10s for its turn, a token or a slot",
		"00 hold 20s: acme is paused: INC-812; released by dana",
		"10 hold 20s: whatsapp is paused; it ended by itself",
		"40 attempt 1s: attempt 1 on h:42 by redis: failed (transient)",
		"41 backoff 9s: waited before the next attempt",
		"50 wait 5s: ready",
		"55 attempt 1s: attempt 2 by postgres: done",
		"56 finished: done",
		"57 sent: message 7 sent",
		"58 delivered: message 7 delivered",
	}, got))
}

// What a live job waits for goes on until now.
func TestLifeGoesOn(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	created := now.Add(-time.Hour)
	d := inspect.Detail{
		Job:   inspect.Job{Org: "acme", State: job.Ready, CreatedAt: created, ReadyAt: &created},
		Holds: []inspect.Hold{{Org: "acme", Owner: "dana", CreatedAt: created.Add(time.Minute)}},
	}
	moments := why.Life(d, now)
	last := moments[len(moments)-1]
	require.Equal(t, "hold", last.Event)
	require.Equal(t, "acme is paused; until somebody releases it", last.Text)
	require.Equal(t, 59*time.Minute, *last.Took)
}
