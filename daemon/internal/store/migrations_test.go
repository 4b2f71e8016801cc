package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// While a release rolls out, two versions run on one schema: the one before must
// go on working after the migration. So a step may add, and may not take away,
// rename or narrow, unless it says which released version has stopped using what
// it takes: `-- contract: unused since v1.4.0` on the line before. A step that
// breaks this takes the whole inbox down in the middle of an upgrade.
func TestMigrationsLetTheVersionBeforeWork(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("migrations/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Empty(t, breaking(string(text)), "%s: expand now, contract in a later release (docs/operate.md)", file)
	}
}

// breaking returns the statements of a step, not of its way back, that a version
// before would stumble over.
func breaking(step string) (faults []string) {
	up, _, _ := strings.Cut(step, "-- +goose Down")
	created := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?i)CREATE TABLE (?:IF NOT EXISTS )?(\w+)`).FindAllStringSubmatch(up, -1) {
		created[m[1]] = true
	}
	lines := strings.Split(up, "\n")
	table := ""
	for i, line := range lines {
		code, _, _ := strings.Cut(line, "--")
		if m := regexp.MustCompile(`(?i)ALTER TABLE (?:IF EXISTS )?(?:ONLY )?(\w+)`).FindStringSubmatch(code); m != nil {
			table = m[1]
		}
		allowed := i > 0 && contract.MatchString(lines[i-1])
		for what, pattern := range narrowing() {
			if pattern.MatchString(code) && !allowed && !created[table] {
				faults = append(faults, fmt.Sprintf("line %d %s: %s", i+1, what, strings.TrimSpace(line)))
			}
		}
	}
	return faults
}

var contract = regexp.MustCompile(`-- contract: unused since v\d+\.\d+\.\d+`)

func narrowing() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"drops a table":                   regexp.MustCompile(`(?i)\bDROP TABLE\b`),
		"drops a column":                  regexp.MustCompile(`(?i)\bDROP COLUMN\b`),
		"renames":                         regexp.MustCompile(`(?i)\bRENAME (TO|COLUMN|CONSTRAINT)\b`),
		"changes a type":                  regexp.MustCompile(`(?i)\bALTER COLUMN \w+ (SET DATA )?TYPE\b`),
		"refuses NULL":                    regexp.MustCompile(`(?i)\bSET NOT NULL\b`),
		"takes a default away":            regexp.MustCompile(`(?i)\bDROP DEFAULT\b`),
		"adds a column that inserts lack": regexp.MustCompile(`(?i)\bADD COLUMN\b[^,;]*\bNOT NULL\b(?:[^,;D]|D[^E])*[,;]?$`),
	}
}

// The test above is worth what it finds.
func TestBreakingStepsAreFound(t *testing.T) {
	t.Parallel()
	for sql, faults := range map[string]int{
		"ALTER TABLE jobs DROP COLUMN lane;":                                                     1,
		"ALTER TABLE jobs\n  ADD COLUMN a int NOT NULL,\n  ADD COLUMN b int NOT NULL DEFAULT 0;": 1,
		"ALTER TABLE jobs ADD COLUMN c int;":                                                     0,
		"-- contract: unused since v1.4.0\nALTER TABLE jobs DROP COLUMN lane;":                   0,
		"CREATE TABLE x (a int);\nALTER TABLE x ALTER COLUMN a SET NOT NULL;":                    0,
		"-- +goose Down\nDROP TABLE jobs;":                                                       0,
		"ALTER TABLE jobs RENAME COLUMN lane TO road;":                                           1,
		"ALTER TABLE jobs ALTER COLUMN lane TYPE int;":                                           1,
	} {
		require.Len(t, breaking(sql), faults, sql)
	}
}
