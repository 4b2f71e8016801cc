package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// seen is an alert as a process sees it that has known it for so long.
func seen(id string, age time.Duration) inbox.Alert {
	now := time.Now()
	return inbox.Alert{ID: id, Severity: "warning", Rule: "jobs wait", Scope: "whatsapp", Text: "20s > 15s", Value: new(20_000.0), Threshold: new(15_000.0), Unit: "ms", Since: now.Add(-age), SeenAt: now}
}

func (b *bundle) sync(gone time.Duration, alerts ...inbox.Alert) map[string]inbox.Alert {
	b.tb.Helper()
	known, err := b.SyncAlerts(b.ctx, alerts, gone)
	require.NoError(b.tb, err)
	all := map[string]inbox.Alert{}
	for _, a := range known {
		all[a.ID] = a
	}
	return all
}

// unseen makes as if nobody had seen any alert for so long.
func (b *bundle) unseen(d time.Duration) {
	_, err := b.pool.Exec(b.ctx, `UPDATE alerts SET seen_at = seen_at - $1::interval`, d)
	require.NoError(b.tb, err)
}

func pace() inbox.NoticePace {
	return inbox.NoticePace{Repeat: time.Hour, Lease: time.Minute, Backoff: time.Minute}
}

func (b *bundle) claim() inbox.Notices {
	b.tb.Helper()
	n, err := b.ClaimNotices(b.ctx, pace())
	require.NoError(b.tb, err)
	return n
}

func (b *bundle) told(n inbox.Notices) {
	b.tb.Helper()
	require.NotZero(b.tb, n.Claim)
	require.NoError(b.tb, b.NoticesTold(b.ctx, n, 0))
}

// All processes say since when alike, and a process that starts again goes on with
// it: else the time on the screen jumps with the process that answers.
func TestAlertsAgreeOnSince(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.sync(0, seen("a", 10*time.Minute))["a"]
	require.WithinDuration(t, time.Now().Add(-10*time.Minute), first.Since, 30*time.Second)
	require.Equal(t, first.Since, b.sync(0, seen("a", 0))["a"].Since, "a process that saw it later")
	require.True(t, b.sync(0, seen("a", time.Hour))["a"].Since.Before(first.Since), "one that saw it before")

	b.unseen(time.Hour)
	require.True(t, b.sync(0)["a"].Open(), "who has just started resolves nothing")
	over := b.sync(30 * time.Second)["a"]
	require.False(t, over.Open())
	require.WithinDuration(t, time.Now(), b.sync(0, seen("a", 0))["a"].Since, 30*time.Second, "it begins anew")
}

// An acknowledgement ends with its alert; a mute does not; both are of who may see it.
func TestMarksOfAlerts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	own := seen("sla_missed/acme", 0)
	own.Org = b.org.Name
	b.sync(0, seen("a", 0), own)
	a, err := b.AckAlert(b.ctx, 0, "a", "local:0", "at it")
	require.NoError(t, err)
	require.Equal(t, []string{"local:0", "at it"}, []string{a.AckedBy, a.AckReason})
	a, err = b.MuteAlert(b.ctx, 0, "a", "local:0", "", time.Hour)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(time.Hour), a.MutedUntil, time.Minute)

	_, err = b.AckAlert(b.ctx, b.org.ID, "a", "token:1", "")
	require.Equal(t, inbox.NotFound, inbox.KindOf(err), "it is not this org's")
	_, err = b.AckAlert(b.ctx, b.org.ID, own.ID, "token:1", "")
	require.NoError(t, err)
	_, err = b.MuteAlert(b.ctx, b.org.ID+1000, own.ID, "token:1", "", time.Hour)
	require.Equal(t, inbox.NotFound, inbox.KindOf(err))

	b.unseen(time.Hour)
	over := b.sync(30 * time.Second)["a"]
	require.Empty(t, over.AckedBy)
	require.True(t, over.AckedAt.IsZero())
	require.Equal(t, "local:0", over.MutedBy)
	_, err = b.AckAlert(b.ctx, 0, "a", "local:0", "")
	require.Equal(t, inbox.Conflict, inbox.KindOf(err))
	a, err = b.MuteAlert(b.ctx, 0, "a", "", "", 0)
	require.NoError(t, err)
	require.Empty(t, a.MutedBy)
}

// One process announces what fires, once, and what is over, once; a mute and an
// acknowledgement keep it quiet; who dies with a claim is replaced.
func TestNoticesAreClaimedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Zero(t, b.claim().Claim, "nothing is wrong")
	b.sync(0, seen("a", 0), seen("b", 0), seen("c", 0), seen("d", 0))
	_, err := b.AckAlert(b.ctx, 0, "c", "local:0", "")
	require.NoError(t, err)
	_, err = b.MuteAlert(b.ctx, 0, "d", "local:0", "", time.Hour)
	require.NoError(t, err)

	n := b.claim()
	require.Len(t, n.Firing, 2)
	require.Zero(t, b.claim().Claim, "another process waits")
	_, err = b.pool.Exec(b.ctx, `UPDATE alert_post SET held_until = clock_timestamp()`)
	require.NoError(t, err)
	again := b.claim()
	require.Len(t, again.Firing, 2, "the first one died")
	require.NoError(t, b.NoticesFailed(b.ctx, n, 0, 0), "too late: it does not end the claim of the other")
	require.Zero(t, b.claim().Claim)
	b.told(again)
	require.Zero(t, b.claim().Claim)

	b.unseen(time.Hour)
	b.sync(30*time.Second, seen("b", 0))
	n = b.claim()
	require.Empty(t, n.Firing)
	require.Equal(t, []string{"a"}, []string{n.Over[0].ID})
	require.Len(t, n.Over, 1, "nobody was told of c and d")
	b.told(n)
	require.Zero(t, b.claim().Claim)

	_, err = b.pool.Exec(b.ctx, `UPDATE alerts SET told_at = told_at - interval '2 hours'`)
	require.NoError(t, err)
	require.Len(t, b.claim().Firing, 1, "it is repeated")
}

// A webhook that does not take it is asked again later and later, however many
// processes there are; what comes back before its end was told is no news.
func TestNoticesAreTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.sync(0, seen("a", 0))
	var before time.Duration
	for range 4 {
		n := b.claim()
		require.Len(t, n.Firing, 1)
		require.NoError(t, b.NoticesFailed(b.ctx, n, 0, time.Minute))
		var wait time.Duration
		require.NoError(t, b.pool.QueryRow(b.ctx, `SELECT next_at - clock_timestamp() FROM alert_post`).Scan(&wait))
		require.Greater(t, wait, before)
		require.LessOrEqual(t, wait, inbox.LongestBackoff)
		before = wait
		require.Zero(t, b.claim().Claim)
		_, err := b.pool.Exec(b.ctx, `UPDATE alert_post SET next_at = clock_timestamp()`)
		require.NoError(t, err)
	}
	n := b.claim()
	require.NoError(t, b.NoticesFailed(b.ctx, n, time.Hour, time.Second))
	var wait time.Duration
	require.NoError(t, b.pool.QueryRow(b.ctx, `SELECT next_at - clock_timestamp() FROM alert_post`).Scan(&wait))
	require.Greater(t, wait, 50*time.Minute, "what the webhook asks for holds")
	_, err := b.pool.Exec(b.ctx, `UPDATE alert_post SET next_at = clock_timestamp()`)
	require.NoError(t, err)
	b.told(b.claim())

	b.unseen(time.Hour)
	b.sync(time.Second)
	b.sync(0, seen("a", 0))
	require.Zero(t, b.claim().Claim, "it flapped")
}

// What is over for a day goes, unless somebody has muted it: the mute must hold
// when it comes back.
func TestOldAlertsGo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.sync(0, seen("a", 0), seen("b", 0))
	_, err := b.MuteAlert(b.ctx, 0, "b", "local:0", "", 72*time.Hour)
	require.NoError(t, err)
	b.unseen(time.Hour)
	require.Len(t, b.sync(time.Second), 2)
	_, err = b.pool.Exec(b.ctx, `UPDATE alerts SET resolved_at = resolved_at - interval '25 hours'`)
	require.NoError(t, err)
	left := b.sync(time.Second)
	require.Len(t, left, 1)
	require.Equal(t, "local:0", left["b"].MutedBy)
}

// What a process has announced while the database was away is not announced again
// when it is back, by whichever process, nor by one that comes later; what nobody
// was told of is. The end is told as of any other.
func TestWhatWasToldInAnOutage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := seen("before", time.Hour)
	b.sync(0, before)
	b.told(b.claim())

	alone := seen("alone", time.Minute)
	alone.ToldAt = alone.SeenAt
	known := b.sync(0, before, alone, seen("late", 0))
	require.False(t, known["alone"].ToldAt.IsZero())
	require.True(t, known["late"].ToldAt.IsZero())
	b.sync(0, before, seen("alone", 0)) // another process has not announced it
	n := b.claim()
	require.Equal(t, []string{"late"}, []string{n.Firing[0].ID})
	require.Len(t, n.Firing, 1)
	b.told(n)

	b.unseen(time.Hour)
	b.sync(time.Second, before)
	n = b.claim()
	require.Empty(t, n.Firing)
	require.ElementsMatch(t, []string{"alone", "late"}, []string{n.Over[0].ID, n.Over[1].ID})
	b.told(n)
	b.sync(0, before, alone) // away again, and announced alone again
	require.Zero(t, b.claim().Claim)
}

// Those who say what they see and those who note what was announced lock alerts in
// one order, whatever order they were given: else two of them wait for each other,
// and PostgreSQL ends one.
func TestAlertsAreLockedInOneOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.sync(0, seen("a", 0), seen("b", 0), seen("c", 0))
	n := b.claim()
	require.Len(t, n.Firing, 3)
	for name, work := range map[string]func() error{
		"Sync": func() error {
			_, err := b.SyncAlerts(b.ctx, []inbox.Alert{seen("c", 0), seen("b", 0), seen("a", 0)}, 0)
			return err
		},
		"Told": func() error {
			return b.NoticesTold(b.ctx, inbox.Notices{Claim: n.Claim, Firing: []inbox.Alert{{ID: "c"}}, Over: []inbox.Alert{{ID: "b"}, {ID: "a"}}}, 0)
		},
	} {
		holder, err := b.pool.Begin(b.ctx)
		require.NoError(t, err)
		defer func() { _ = holder.Rollback(b.ctx) }()
		var pid int
		require.NoError(t, holder.QueryRow(b.ctx, `SELECT pg_backend_pid() FROM alerts WHERE id = 'a' FOR UPDATE`).Scan(&pid))
		ended := make(chan error, 1)
		go func() { ended <- work() }()
		require.Eventually(t, func() bool {
			return b.count(`SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))`, pid) == 1
		}, 30*time.Second, 5*time.Millisecond, name)
		_, err = holder.Exec(b.ctx, `SELECT FROM alerts WHERE id IN ('b', 'c') FOR UPDATE NOWAIT`)
		require.NoError(t, err, "%s waits for the first and holds none behind it", name)
		require.NoError(t, holder.Rollback(b.ctx))
		require.NoError(t, <-ended, name)
	}
}
