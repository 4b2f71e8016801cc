package archtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rows is the house, roof first. A package may import packages of lower rows
// and its own subtree, never its own row. The longest match counts.
var rows = map[string]int{
	"cmd":                       70,
	"cmd/inboxctl/internal/cli": 60,
	"cmd/internal/manual":       10,
	"tui":                       50,
	"tui/internal/screen":       40,
	"tui/internal/widget":       30,
	"tui/internal/theme":        20,
	"tui/internal/keys":         20,
	"tui/internal/termguard":    0,
	"tui/internal/termshot":     0,
	"tui/triage":                18,
	"tui/text":                  10,
	"daemon":                    50,
	"daemon/archtest":           90,
	"daemon/faultstest":         90,
	"daemon/internal/dev":       40,
	// What the development report needs of the servers: it answers an interface
	// of dev, behind the doors of devstack.
	"daemon/internal/devstack/records": 45,

	"daemon/internal/httpapi":  30,
	"daemon/internal/adminapi": 30,
	"daemon/internal/worker":   30,
	"daemon/internal/dispatch": 30,

	"daemon/internal/store":         20,
	"daemon/internal/ledger":        20,
	"daemon/internal/lane":          20,
	"daemon/internal/limit":         20,
	"daemon/internal/meta":          20,
	"daemon/internal/meta/fixtures": 0,
	"daemon/internal/devstack":      20,
	"daemon/internal/config":        20,

	"daemon/internal/telemetry":  15,
	"daemon/internal/secret":     15,
	"daemon/internal/activation": 15,
	"admin":                      15,
	"daemon/internal/latency":    16,

	"daemon/internal/trace":   14,
	"daemon/internal/why":     14,
	"daemon/internal/notice":  12,
	"daemon/internal/control": 12,
	"daemon/internal/audit":   12, // beneath the two that make changes
	"daemon/internal/job":     10,

	"daemon/internal/sla":        8,
	"daemon/internal/automation": 5,
	"daemon/internal/inbox":      0,
}

// A row that imports its own row, or one above, cannot be tested alone, and
// soon cannot be changed alone.
func TestImportsOnlyGoDown(t *testing.T) {
	t.Parallel()

	var offenders []string
	for _, p := range load(t).own {
		place, row := rowOf(p.short())
		if place == "" {
			offenders = append(offenders, p.short()+" has no row: give it one in daemon/archtest/layers_test.go")
			continue
		}
		for _, path := range p.Imports {
			short, ours := strings.CutPrefix(path, modulePath+"/")
			if !ours {
				continue
			}
			otherPlace, otherRow := rowOf(short)
			if place != otherPlace && otherRow >= row {
				offenders = append(offenders, fmt.Sprintf("%s (row %d) imports %s (row %d)", p.short(), row, short, otherRow))
			}
		}
	}
	require.Empty(t, offenders, "imports only go down: declare an interface where you call it, and let daemon connect it")
}

// rowOf returns the entry of rows that a package falls under; "" for none. The
// bare roots cover themselves only, so that a new package needs a decision.
func rowOf(short string) (place string, row int) {
	for candidate, r := range rows {
		bare := candidate == "daemon" || candidate == "tui"
		if (short == candidate || !bare && under(short, candidate)) && len(candidate) > len(place) {
			place, row = candidate, r
		}
	}
	return place, row
}
