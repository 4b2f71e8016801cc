package inbox_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// A day that falls between two halves is a day whose spend is never read.
func TestHalvesCoverTheRange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		until := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 800).Draw(rt, "until"))
		r := inbox.LastDays(until, rapid.IntRange(2, 60).Draw(rt, "days"))
		h := r.Halves()
		require.Equal(rt, r.Since, h[0].Since)
		require.Equal(rt, r.Until, h[1].Until)
		require.Equal(rt, h[0].Until.AddDate(0, 0, 1), h[1].Since)
		require.Equal(rt, r.Days(), h[0].Days()+h[1].Days())
		require.Positive(rt, h[0].Days())
		require.Positive(rt, h[1].Days())
	})
}

// Yesterday in New York is today in Madrid: the window is the account's.
func TestDayIsTheAccounts(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 10, 5, 2, 0, 0, 0, time.UTC)
	for zone, want := range map[string]string{"America/New_York": "2026-10-04", "Asia/Tokyo": "2026-10-05", "": "2026-10-05"} {
		a := inbox.SpendAccount{Zone: zone, OrgZone: "Europe/Madrid"}
		require.Equal(t, want, inbox.DayOf(at, a.Location()).Format(inbox.DayLayout), zone)
	}
	require.Equal(t, time.UTC, inbox.SpendAccount{Zone: "Mars/Olympus"}.Location())
}
