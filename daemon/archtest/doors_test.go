package archtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A library with one door can be replaced behind it.
func TestLibrariesHaveTheirDoors(t *testing.T) {
	t.Parallel()

	for library, doors := range map[string][]string{
		"github.com/hibiken/asynq":  {"daemon/internal/lane"},
		"github.com/redis/go-redis": {"daemon/internal/lane", "daemon/internal/limit", "daemon/internal/devstack"},
		// audit writes its record in the transaction of the change, be it the store's
		// or the ledger's, and neither of them may import the other.
		"github.com/jackc/pgx":     {"daemon/internal/ledger", "daemon/internal/store", "daemon/internal/audit", "daemon/internal/devstack"},
		"github.com/pressly/goose": {"daemon/internal/store"},
		"github.com/charmbracelet": {"tui"},
		"github.com/spf13/cobra":   {"cmd"},
		"go.opentelemetry.io":      {"daemon/internal/trace"},
		"github.com/danielgtaylor": {"daemon/internal/httpapi", "daemon/internal/adminapi"},
		"github.com/mattn":         {}, // Widths come from charmbracelet/x/ansi alone.
		modulePath + "/tui":        {"cmd/inboxctl", "tui"},
		modulePath + "/admin":      {"cmd/inboxctl", "tui", "daemon/internal/adminapi", "daemon/internal/dev"},
		modulePath + "/daemon":     {"cmd/inboxd", "daemon"},
		"github.com/alicebob":      {"daemon/internal/devstack"},
		"github.com/knadh/koanf":   {"daemon/internal/config"},
		"github.com/pkg/errors":    {},
		"github.com/stretchr":      {"daemon/internal/devstack/stacktest"},
		"net/http/httptest":        {},
		"log":                      {},
		"math/rand":                {},
	} {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			var offenders []string
			for _, p := range load(t).own {
				at := slices.IndexFunc(p.Imports, func(path string) bool { return matches(path, library) })
				if at >= 0 && !isDoor(p, doors) {
					offenders = append(offenders, p.short()+" imports "+p.Imports[at])
				}
			}
			require.Empty(t, offenders, "only these may: %v. Declare a small interface where you call it, and let daemon connect it", doors)
		})
	}
}

func isDoor(p pkg, doors []string) bool {
	return slices.ContainsFunc(doors, func(door string) bool { return under(p.short(), door) })
}

// matches treats a library of the standard library as exactly itself: log is
// not log/slog.
func matches(path, library string) bool {
	if !strings.Contains(library, ".") {
		return path == library
	}
	return under(path, library)
}

// The contract and the domain are what everything else stands on.
func TestFoundationsUseOnlyTheStandardLibrary(t *testing.T) {
	t.Parallel()

	for foundation, mayAlso := range map[string][]string{
		"admin":                 nil,
		"daemon/internal/inbox": nil,
		"daemon/internal/job":   {modulePath + "/daemon/internal/inbox"},
		"tui/internal/keys":     nil,
	} {
		t.Run(foundation, func(t *testing.T) {
			t.Parallel()
			for _, p := range load(t).own {
				if p.short() != foundation {
					continue
				}
				for _, path := range p.Imports {
					first, _, _ := strings.Cut(path, "/")
					require.True(t, !strings.Contains(first, ".") || slices.Contains(mayAlso, path),
						"%s imports %s; it may import the standard library and %v", foundation, path, mayAlso)
				}
			}
		})
	}
}
