package store_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

func (b *bundle) enqueueSpend() int {
	b.tb.Helper()
	n, err := b.EnqueueSpend(b.ctx)
	require.NoError(b.tb, err)
	return n
}

// done ends all jobs of a type.
func (b *bundle) done(t job.Type) {
	b.tb.Helper()
	b.exec(`DELETE FROM jobs WHERE job_type = $1`, int16(t))
}

// Each account is synced once an hour, whoever looks and however often; after
// hours away it is synced once, not once per hour missed.
func TestSpendEveryHour(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.adAccount("5")
	require.Equal(t, 1, b.enqueueSpend(), "a new account does not wait")
	require.Zero(t, b.enqueueSpend())
	b.clock.add(time.Hour)
	require.Zero(t, b.enqueueSpend(), "the job of the hour before is still there: another would only queue behind it")
	b.done(job.SyncSpend)
	require.Equal(t, 1, b.enqueueSpend())
	b.done(job.SyncSpend)
	require.Zero(t, b.enqueueSpend(), "it was done in this hour")
	b.clock.add(10 * time.Hour)
	require.Equal(t, 1, b.enqueueSpend())
	b.done(job.SyncSpend)
	require.Zero(t, b.enqueueSpend())
	require.Equal(t, 3, b.count(`SELECT count(*) FROM periodic_runs r WHERE r.name = 'sync_spend' AND r.scope_id = $1 AND r.job_id > 0`, c.ID))

	b.clock.add(time.Hour)
	b.exec(`UPDATE channels SET state = 'paused'`)
	require.Zero(t, b.enqueueSpend())
}

func TestSpendIsSpreadOverTheHour(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(`INSERT INTO channels (org_id, kind, external_id, token_sealed) SELECT $1, 'ad_account', 'x' || n, 'x' FROM generate_series(1, 500) n`, b.org.ID)
	require.Equal(t, 500, b.enqueueSpend(), "more than one chunk")
	b.done(job.SyncSpend)
	most := 0
	for range 12 {
		b.clock.add(5 * time.Minute)
		n := b.enqueueSpend()
		b.done(job.SyncSpend)
		most = max(most, n)
	}
	require.Less(t, most, 100, "of 500 in an hour, in five minutes")
	require.Equal(t, 1000, b.count(`SELECT count(*) FROM periodic_runs`))
}

// Any number of workers look at once: one job.
func TestPeriodicRace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 20 {
		b.adAccount(time.Now().Format("150405.000000000")[7:])
	}
	for range 5 {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { b.enqueueSpend() })
		}
		wg.Wait()
		require.Equal(t, 20, b.count(`SELECT count(*) FROM jobs WHERE job_type = 4`))
		require.Equal(t, 20, b.count(`SELECT count(DISTINCT serial_key) FROM jobs WHERE job_type = 4 AND serial_key = subject_id`))
		b.done(job.SyncSpend)
		b.clock.add(time.Hour)
	}
	require.Equal(t, 100, b.count(`SELECT count(*) FROM periodic_runs`))
	b.clock.add(40 * 24 * time.Hour)
	require.NoError(t, b.Prune(t.Context()))
	require.Zero(t, b.count(`SELECT count(*) FROM periodic_runs`))
}

func (b *bundle) enqueueRefreshes(facebook bool) int {
	b.tb.Helper()
	n, err := b.EnqueueRefreshes(b.ctx, facebook)
	require.NoError(b.tb, err)
	return n
}

func TestRefreshWhenDue(t *testing.T) {
	t.Parallel()
	b := setup(t) // a WhatsApp and an Instagram token, both new
	require.Zero(t, b.enqueueRefreshes(true), "nothing is due at once")
	b.clock.add(time.Hour)
	require.Zero(t, b.enqueueRefreshes(false), "without an app the token endpoints do not know us")
	require.Equal(t, 1, b.enqueueRefreshes(true), "the WhatsApp token is asked about within the first hour")
	b.clock.add(25 * time.Hour)
	require.Equal(t, 1, b.enqueueRefreshes(false), "an Instagram token can be renewed a day after it was made")
	require.Equal(t, 2, b.count(`SELECT count(*) FROM jobs WHERE job_type = 5 AND queue = 5`))
	require.Zero(t, b.enqueueRefreshes(true))

	b.exec(`UPDATE jobs SET state = 6`) // both are dead
	require.LessOrEqual(t, b.enqueueRefreshes(true), 1, "not again and again")
	b.done(job.RefreshToken)
	b.clock.add(7 * time.Hour)
	require.Equal(t, 2, b.enqueueRefreshes(true), "but some hours later")
	b.done(job.RefreshToken)
	b.exec(`UPDATE channels SET token_refused = true`)
	b.clock.add(24 * time.Hour)
	require.Zero(t, b.enqueueRefreshes(true), "a refused token cannot be renewed")
}

func (b *bundle) token(c inbox.Channel) inbox.ChannelToken {
	b.tb.Helper()
	t, err := b.ChannelToken(b.ctx, c.OrgID, c.ID)
	require.NoError(b.tb, err)
	return t
}

// The token a channel was seen with may be replaced once. Whoever comes later
// must not put an older token in the place of a newer one.
func TestReplaceTokenOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen := b.token(b.insta)
	require.Equal(t, inbox.TokenInstagramLong, seen.Kind)
	require.Equal(t, "IGtoken", seen.Token)
	life := inbox.TokenLife{Kind: inbox.TokenInstagramLong, IssuedAt: noon(), ExpiresAt: noon().Add(60 * 24 * time.Hour), CheckedAt: noon()}
	won := 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, fresh := range []string{"IGa", "IGb", "IGc", "IGd"} {
		wg.Go(func() {
			ok, err := b.ReplaceToken(b.ctx, seen, fresh, life)
			mu.Lock()
			defer mu.Unlock()
			require.NoError(t, err)
			if ok {
				won++
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, won)
	now := b.token(b.insta)
	require.EqualValues(t, 2, now.Version)
	require.WithinDuration(t, life.ExpiresAt, now.ExpiresAt, 0)
	require.WithinRange(t, now.RefreshAt, noon().Add(30*24*time.Hour), noon().Add(45*24*time.Hour))
	require.NoError(t, b.NoteToken(b.ctx, seen, inbox.TokenLife{Kind: inbox.TokenPage}))
	require.Equal(t, inbox.TokenInstagramLong, b.token(b.insta).Kind, "what is learnt of an old token says nothing of the new one")
}

// A refusal pauses the channel once, with the reason, and only if it speaks of
// the token the channel still has.
func TestPauseChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pause := func(version int64) bool {
		paused, err := b.PauseChannel(t.Context(), b.org.ID, b.whatsapp.ID, version, "the access token does not work")
		require.NoError(t, err)
		return paused
	}
	require.False(t, pause(7), "another token than this one was refused")
	require.True(t, pause(1))
	require.False(t, pause(1), "one alert")
	got := b.token(b.whatsapp)
	require.True(t, got.Refused)
	require.Equal(t, inbox.ChannelPaused, got.Channel.State)
	require.Equal(t, "the access token does not work", got.Channel.StateReason)
	_, err := b.ChannelToken(t.Context(), b.org.ID+1000, b.whatsapp.ID)
	require.Equal(t, inbox.NotFound, inbox.KindOf(err))
	ok, err := b.PauseChannel(t.Context(), b.org.ID+1000, b.insta.ID, 1, "x")
	require.NoError(t, err)
	require.False(t, ok, "not another org's")
}

// Seven days and one day before a token expires somebody is told, once.
func TestTokenAlerts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	expires := noon().Add(10 * 24 * time.Hour)
	b.exec(`UPDATE channels SET token_expires_at = $1 WHERE id = $2`, expires, b.insta.ID)
	alerts := func() []inbox.TokenAlert {
		all, err := b.AlertTokens(t.Context())
		require.NoError(t, err)
		return all
	}
	require.Empty(t, alerts())
	b.clock.set(expires.Add(-6 * 24 * time.Hour))
	got := alerts()
	require.Len(t, got, 1)
	require.False(t, got[0].Urgent)
	require.Equal(t, b.org.Name, got[0].Org)
	require.Empty(t, alerts())
	b.clock.set(expires.Add(-time.Hour))
	require.True(t, alerts()[0].Urgent)
	require.Empty(t, alerts())
	require.Equal(t, 2, b.count(`SELECT count(*) FROM channel_notices WHERE field = 'token_expires' AND channel_id = $1`, b.insta.ID))
	week, dayLeft, err := b.ExpiringTokens(t.Context())
	require.NoError(t, err)
	require.Equal(t, [2]int{1, 1}, [2]int{week, dayLeft})
	ok, err := b.ReplaceToken(t.Context(), b.token(b.insta), "IGnew", inbox.TokenLife{Kind: inbox.TokenInstagramLong, ExpiresAt: expires.Add(time.Hour * 24 * 60)})
	require.NoError(t, err)
	require.True(t, ok)
	require.Zero(t, b.count(`SELECT token_alert FROM channels WHERE id = $1`, b.insta.ID), "the next token is warned of again")
}

// Our own app secret is refused: that stops all renewals, with one alert.
func TestRefreshesStopOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	since, err := b.RefreshStopped(t.Context())
	require.NoError(t, err)
	require.Zero(t, since)
	for _, want := range []bool{true, false} {
		first, err := b.StopRefreshes(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, first)
		since, err = b.RefreshStopped(t.Context())
		require.NoError(t, err)
		require.WithinDuration(t, b.clock.Now(), since, 0)
		b.clock.add(time.Minute)
	}
	for _, want := range []bool{true, false} {
		was, err := b.ResumeRefreshes(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, was)
	}
}
