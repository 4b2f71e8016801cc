package daemon

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever skips a version learns it from the log and not from a column that is
// gone.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"v1.4.0", "v1.4.9", true},
		{"v1.4.0", "v1.5.0-rc.1", true},
		{"v1.5.0", "v1.4.2", true},
		{"v1.4.0", "v1.6.0", false},
		{"v1.9.0", "v2.0.0", false},
		{"v0.9.0", "v0.11.0", false},
		{"v1.4.0", "v1.6.0-3-gabcdef0", false},
		{"v1.4.0", "dev", true},
		{"3f2a1bc", "v1.4.0", true},
		{"", "v1.4.0", true},
	} {
		require.Equal(t, tc.want, neighbours(tc.a, tc.b), "%s beside %s", tc.a, tc.b)
		require.Equal(t, tc.want, neighbours(tc.b, tc.a), "%s beside %s", tc.b, tc.a)
	}
}

func TestSkewIsToldOnce(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	var s skew
	for range 3 {
		s.note(t.Context(), log, "v1.4.0", "v1.6.0")
		s.note(t.Context(), log, "v1.4.0", "v1.5.0")
	}
	require.Equal(t, 1, strings.Count(said.String(), "other=v1.6.0"))
	require.NotContains(t, said.String(), "v1.5.0")
}
