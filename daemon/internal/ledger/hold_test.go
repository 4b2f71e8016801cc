package ledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// hold inserts a hold; zero means any.
func (b *bundle) hold(tb testing.TB, org int64, q job.Queue, t job.Type, life string) (id int64) {
	tb.Helper()
	require.NoError(tb, b.pool.QueryRow(tb.Context(), `
INSERT INTO holds (org_id, queue, job_type, owner, expires_at)
VALUES (nullif($1::bigint, 0), nullif($2::int, 0), nullif($3::int, 0), 'test', clock_timestamp() + nullif($4, '')::interval) RETURNING id`,
		org, int(q), int(t), life).Scan(&id))
	return id
}

func (b *bundle) org(tb testing.TB, id int64) {
	tb.Helper()
	b.exec(tb, `INSERT INTO orgs (id, name) VALUES ($1::bigint, 'org' || $1::bigint)`, id)
}

// A hold that was committed holds, whatever dispatchers believe: nothing it
// covers leaves ready by either lane (T3, T5), and a copy that is on its way
// already is not started but ready again (T6). Jobs' rows are not touched by the
// hold itself.
func TestDesign3HoldsAreReadInTheClaim(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.org(t, 1)
	held := b.add(t, job.New{}, job.New{})
	ticket := b.dispatch(t, 1)[0]
	id := b.hold(t, 1, 0, 0, "")
	require.Empty(t, b.dispatch(t, 5))
	require.Empty(t, b.take(t, 5))
	_, ok, err := b.committer(t, b.w1).Start(t.Context(), ticket)
	require.NoError(t, err)
	require.False(t, ok)
	for _, j := range held {
		require.Equal(t, job.Ready, b.state(t, j))
	}
	require.Zero(t, b.count(t, `SELECT sum(attempt) FROM jobs`))
	b.exec(t, `UPDATE holds SET released_at = clock_timestamp() WHERE id = $1`, id)
	require.Len(t, b.take(t, 5), 2)
}

// A job that runs when the hold comes goes on, and its start may be repeated.
func TestHoldLeavesRunningJobsAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.org(t, 1)
	b.add(t, job.New{})
	ticket, c := b.dispatch(t, 1)[0], b.committer(t, b.w1)
	_, ok, err := c.Start(t.Context(), ticket)
	require.NoError(t, err)
	require.True(t, ok)
	b.hold(t, 1, 0, 0, "")
	got, ok, err := c.Start(t.Context(), ticket)
	require.NoError(t, err)
	require.True(t, ok, "its answer was lost: it comes again")
	ok, err = c.Finish(t.Context(), got, job.Result{Verdict: job.Succeed})
	require.NoError(t, err)
	require.True(t, ok)
}

// The rule of what a hold covers is written twice, in Go for dispatchers and in
// SQL for claims: they must agree.
func TestHoldsMeanTheSameInGoAndSQL(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.org(t, 1)
	b.org(t, 2)
	rapid.Check(t, func(rt *rapid.T) {
		b.exec(t, `DELETE FROM holds`)
		b.exec(t, `DELETE FROM jobs`)
		h := control.Hold{
			OrgID: rapid.SampledFrom([]int64{0, 1, 2}).Draw(rt, "org"),
			Queue: rapid.SampledFrom([]job.Queue{0, job.WhatsApp, job.Automations, job.TokenRefresh}).Draw(rt, "queue"),
			Type:  rapid.SampledFrom([]job.Type{0, job.SendMessage, job.RunAutomation, job.RefreshToken}).Draw(rt, "type"),
		}
		if h.OrgID == 0 && h.Queue == 0 && h.Type == 0 {
			rt.Skip("holds nothing: refused by the table")
		}
		life := rapid.SampledFrom([]string{"", "1 hour", "-1 s"}).Draw(rt, "life")
		if life == "-1 s" {
			h.ExpiresAt = time.Now().Add(-time.Second)
		}
		b.hold(t, h.OrgID, h.Queue, h.Type, life)
		n := rapid.SampledFrom([]job.New{
			{OrgID: 1, Queue: job.WhatsApp, Type: job.SendMessage},
			{OrgID: 2, Queue: job.Automations, Type: job.RunAutomation},
			{OrgID: 1, Queue: job.TokenRefresh, Type: job.RefreshToken},
		}).Draw(rt, "job")
		b.add(t, n)
		got, err := b.Take(t.Context(), job.Pick{Queue: n.Queue, Type: n.Type, DialTo: 100, Shares: []job.Share{{OrgID: n.OrgID, Limit: 1}}}, b.w1)
		require.NoError(rt, err)
		require.Equal(rt, h.Holds(n.OrgID, n.Queue, n.Type, time.Now()), len(got) == 0)
	})
}

// A process may say "applied" only when no claim that began before can still
// hand anything out.
func TestSettleClaimsWaitsForOlderClaims(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, job.New{})
	require.NoError(t, b.SettleClaims(t.Context()), "nothing is under way")
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)
	taken := make(chan int)
	go func() { taken <- len(b.takeQuietly(1)) }()
	require.Eventually(t, func() bool {
		return b.count(t, `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`) == 1
	}, patience, time.Millisecond)
	impatient, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, b.SettleClaims(impatient), context.DeadlineExceeded)
	settled := make(chan error, 1) // asked again: the claim has not ended meanwhile
	go func() { settled <- b.SettleClaims(t.Context()) }()
	select {
	case <-settled:
		t.Fatal("the claim is still under way")
	case <-time.After(50 * time.Millisecond):
	}
	require.NoError(t, tx.Rollback(t.Context()))
	require.Equal(t, 1, <-taken)
	require.NoError(t, <-settled)
}

// A token belongs to its window: a hand-out that comes to a slot much later is
// not started but goes back, at no cost (R5). Types without limits do not mind.
func TestDesign3OldTicketsExpire(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, job.New{}, job.New{Queue: job.TokenRefresh, Type: job.RefreshToken})
	limited := b.dispatch(t, 1)[0]
	out, err := b.Dispatch(t.Context(), job.Pick{Queue: job.TokenRefresh, Type: job.RefreshToken, DialTo: 100, Shares: []job.Share{{OrgID: 1, Limit: 1}}}, b.w1)
	require.NoError(t, err)
	b.exec(t, `UPDATE jobs SET dispatched_at = dispatched_at - interval '16 s'`)
	c := b.committer(t, b.w1)
	_, ok, err := c.Start(t.Context(), limited)
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, job.Ready, b.state(t, limited.ID))
	require.Equal(t, 1, b.Expired())
	require.Zero(t, b.Expired())
	_, ok, err = c.Start(t.Context(), out[0].Ticket)
	require.NoError(t, err)
	require.True(t, ok)
	require.NotEmpty(t, b.take(t, 1), "it goes out again, under a new epoch")
	_, ok, err = c.Start(t.Context(), limited)
	require.NoError(t, err)
	require.False(t, ok)
}
