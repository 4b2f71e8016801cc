package archtest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the binaries link is what people download, audit and wait for at start.
func TestBinariesLinkOnlyWhatTheyUse(t *testing.T) {
	t.Parallel()

	testOnly := []string{"testing", "net/http/httptest", "github.com/stretchr/testify", "pgregory.net/rapid", "go.uber.org/goleak"}
	for _, tc := range []struct {
		binary string
		why    string
		banned []string
	}{
		{
			binary: "cmd/inboxctl",
			why:    "the operator's tool talks to the admin API and to nothing else",
			banned: append([]string{
				"github.com/jackc/pgx", "github.com/hibiken/asynq", "github.com/redis/go-redis", "github.com/alicebob/miniredis",
				"github.com/prometheus/client_golang", "github.com/danielgtaylor/huma", "github.com/pressly/goose",
				"github.com/knadh/koanf", modulePath + "/daemon",
			}, testOnly...),
		},
		{
			binary: "cmd/inboxd",
			why:    "the daemon draws nothing, and tests stay out of it",
			banned: append([]string{"github.com/charmbracelet", "charm.land", modulePath + "/tui"}, testOnly...),
		},
	} {
		t.Run(tc.binary, func(t *testing.T) {
			t.Parallel()
			m := load(t)
			path := modulePath + "/" + tc.binary
			_, exists := m.byPath[path]
			require.True(t, exists, "%s is gone", tc.binary)
			for _, banned := range tc.banned {
				way := m.chain(path, func(p string) bool { return under(p, banned) })
				require.Empty(t, way, "%s: %s must not link %s; it does through\n  %s",
					tc.why, tc.binary, banned, strings.Join(way, "\n  -> "))
			}
		})
	}
}
