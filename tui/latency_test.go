package tui

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A day of single orgs is not in the picture: that is no 0.
func TestMissingWindowIsNoZero(t *testing.T) {
	t.Parallel()

	answer := busy()
	for i := range answer.Item.Orgs {
		delete(answer.Item.Orgs[i].Windows, "24h")
	}
	m, _ := changing("4", "o", "t", "t", "t")
	m = send(pass(m, 1), answered(pass(m, 1), answer))
	require.Contains(t, m.View(), "last 24h: Enter")
	require.Contains(t, m.View(), "Enter: its last 24h")
	require.Regexp(t, `▌umbrella +– +– +– +–`, m.View())
	require.NotContains(t, m.View(), "\n 24h")
	require.NotContains(t, sized(send(m, press("5")), 160, 48).View(), "24h")
}
