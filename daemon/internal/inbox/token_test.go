package inbox_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Renewed too late, a channel falls silent; renewed too early, the provider
// refuses; renewed all at once, the app is throttled.
func TestRefreshBetweenHalfAndThreeQuarters(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(rt *rapid.T) {
		life := time.Duration(rapid.Int64Range(int64(2*time.Hour), int64(90*24*time.Hour)).Draw(rt, "life"))
		channel := rapid.Int64Min(1).Draw(rt, "channel")
		version := rapid.Int64Min(1).Draw(rt, "version")
		l := inbox.TokenLife{Kind: inbox.TokenFacebookLong, IssuedAt: start, ExpiresAt: start.Add(life), CheckedAt: start}
		at := l.RefreshAt(channel, version)
		require.False(rt, at.Before(start.Add(life/2)))
		require.False(rt, at.After(start.Add(life*3/4)))
		require.Equal(rt, at, l.RefreshAt(channel, version), "a restart must not move it")
	})
}

func TestRefreshIsSpread(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)
	l := inbox.TokenLife{Kind: inbox.TokenSystemUser, IssuedAt: start, ExpiresAt: start.Add(60 * 24 * time.Hour), CheckedAt: start}
	days := map[int]int{}
	for channel := range int64(1000) {
		days[int(l.RefreshAt(channel, 1).Sub(start).Hours()/24)]++
	}
	require.Len(t, days, 15, "a quarter of sixty days")
	for day, n := range days {
		require.Less(t, n, 120, "day %d", day)
	}
}

func TestRefreshAt(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)
	cases := map[string]struct {
		life           inbox.TokenLife
		earliest, last time.Duration // after start; both 0: never
	}{
		"NeverExpires":      {inbox.TokenLife{Kind: inbox.TokenSystemUser, IssuedAt: start, CheckedAt: start}, 0, 0},
		"PageToken":         {inbox.TokenLife{Kind: inbox.TokenPage, IssuedAt: start, CheckedAt: start, ExpiresAt: start.Add(time.Hour)}, 0, 0},
		"NothingKnown":      {inbox.TokenLife{Kind: inbox.TokenUnknown, IssuedAt: start}, 0, time.Hour},
		"InstagramIsTooNew": {inbox.TokenLife{Kind: inbox.TokenInstagramLong, IssuedAt: start}, 25 * time.Hour, 26 * time.Hour},
		"InstagramShort":    {inbox.TokenLife{Kind: inbox.TokenInstagramLong, IssuedAt: start, ExpiresAt: start.Add(30 * time.Hour)}, 25 * time.Hour, 25 * time.Hour},
		"OneHour":           {inbox.TokenLife{Kind: inbox.TokenFacebookLong, IssuedAt: start, ExpiresAt: start.Add(time.Hour), CheckedAt: start}, 30 * time.Minute, 45 * time.Minute},
		"IssuedUnknown":     {inbox.TokenLife{Kind: inbox.TokenFacebookLong, ExpiresAt: start.Add(60 * 24 * time.Hour)}, 30 * 24 * time.Hour, 45 * 24 * time.Hour},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := c.life.RefreshAt(7, 1)
			if c.last == 0 {
				require.Zero(t, at)
				return
			}
			require.WithinRange(t, at, start.Add(c.earliest), start.Add(c.last))
		})
	}
}
