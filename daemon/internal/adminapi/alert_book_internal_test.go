package adminapi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Whoever looks while an alert ends must find it somewhere: "nothing is wrong" is
// said only when it has been listed as over.
func TestAnAlertIsNeverNowhere(t *testing.T) {
	t.Parallel()
	seen := time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)
	b := newAlertBook(&handler{})
	b.known, b.at = []inbox.Alert{{ID: "worker_silent/17", Since: seen.Add(-time.Minute), SeenAt: seen}}, map[string]int{"worker_silent/17": 0}
	b.note([]admin.Alert{{ID: "worker_silent/17"}}, seen)
	for s := range 100 {
		now := seen.Add(time.Duration(s) * time.Second)
		open := b.view(0, nil, now)
		over := b.resolved(0, open, now)
		require.Len(t, append(open, over...), 1, "after %d s", s)
		if s <= 70 {
			require.Equal(t, []any{admin.AlertResolved, seen}, []any{over[0].State, *over[0].ResolvedAt}, "after %d s", s)
		}
	}
}
