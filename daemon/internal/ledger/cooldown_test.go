package ledger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// A throttle cools exactly what Meta named: a number, the business account with
// all its numbers, the app, or a provider that does not answer.
func TestCoolDownScopes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		cool     job.Cooldown
		channels []int64
		queues   []job.Queue
	}{
		"Number":          {job.Cooldown{Scope: job.ScopeNumber, ChannelID: 1}, []int64{1}, nil},
		"Account":         {job.Cooldown{Scope: job.ScopeAccount, ChannelID: 3}, []int64{3}, nil},
		"Business":        {job.Cooldown{Scope: job.ScopeWABA, ChannelID: 1}, []int64{1, 2}, nil},
		"BusinessUnknown": {job.Cooldown{Scope: job.ScopeWABA, ChannelID: 3}, []int64{3}, nil},
		"App":             {job.Cooldown{Scope: job.ScopeApp, Queue: job.WhatsApp, ChannelID: 1}, nil, []job.Queue{job.WhatsApp, job.Instagram}},
		"AppOfSpend":      {job.Cooldown{Scope: job.ScopeApp, Queue: job.MetaSpend, ChannelID: 1, RetryAfter: 24 * time.Hour}, nil, []job.Queue{job.MetaSpend}},
		"Provider":        {job.Cooldown{Scope: job.ScopeProvider, Queue: job.Instagram}, nil, []job.Queue{job.Instagram}},
		"Pair":            {job.Cooldown{Scope: job.ScopePair, ChannelID: 1}, nil, nil},
		"NoChannel":       {job.Cooldown{Scope: job.ScopeNumber}, nil, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.channels(t)
			began, err := b.CoolDown(t.Context(), c.cool)
			require.NoError(t, err)
			require.Equal(t, len(c.channels)+len(c.queues) > 0, began)
			view, err := b.poll(t.Context())
			require.NoError(t, err)
			require.ElementsMatch(t, c.channels, view.Channels)
			require.ElementsMatch(t, c.queues, view.Queues)
		})
	}
}

// channels makes 1 and 2 of one business account and 3 of none.
func (b *bundle) channels(tb testing.TB) {
	tb.Helper()
	b.org(tb, 1)
	b.exec(tb, `INSERT INTO channels (id, org_id, kind, external_id, business_id)
		VALUES (1, 1, 'whatsapp', '1', 'waba'), (2, 1, 'whatsapp', '2', 'waba'), (3, 1, 'instagram', '3', '')`)
}

// Each throttle in a row rests longer, up to a bound; calls that were under way
// when a rest began change nothing; after a quiet minute it begins small again.
func TestCoolDownGrowsAndForgets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.channels(t)
	cool := job.Cooldown{Scope: job.ScopeNumber, ChannelID: 1, Class: job.ClassThrottleNumber, Code: 130429}
	rest := func() (d time.Duration) {
		var ms float64
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT extract(epoch FROM until - clock_timestamp()) * 1000 FROM cooldowns`).Scan(&ms))
		return time.Duration(ms) * time.Millisecond
	}
	for i, want := range []float64{1, 2, 4, 8, 16, 30, 30} {
		began, err := b.CoolDown(t.Context(), cool)
		require.NoError(t, err)
		require.True(t, began)
		require.InDelta(t, want, rest().Seconds(), 1.0, "in a row: %d", i)
		again, err := b.CoolDown(t.Context(), cool)
		require.NoError(t, err)
		require.False(t, again, "a call that was under way")
		b.exec(t, `UPDATE cooldowns SET until = clock_timestamp()`)
	}
	b.exec(t, `UPDATE cooldowns SET until = clock_timestamp() - interval '2 minutes'`)
	cool.RetryAfter = 10 * time.Second // what Meta says counts, if it says more
	_, err := b.CoolDown(t.Context(), cool)
	require.NoError(t, err)
	require.InDelta(t, 10, rest().Seconds(), 1)
}

// Jobs of a channel that rests stay ready; those of another number of the org
// leave.
func TestBlockedChannelsStay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stays := b.add(t, job.New{ChannelID: 1})[0]
	goes := b.add(t, job.New{ChannelID: 2}, job.New{})
	p := all(5)
	p.Blocked = []int64{1}
	got, err := b.Take(t.Context(), p, b.w1)
	require.NoError(t, err)
	require.ElementsMatch(t, goes, ids(got))
	require.Equal(t, job.Ready, b.state(t, stays))
}
