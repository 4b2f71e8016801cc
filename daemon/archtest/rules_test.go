package archtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const prometheusDir = "../../configs/prometheus"

// An alert nobody has seen fire does not; one that always fires is switched
// off. And at three in the morning a link to a page that is not there hurts.
func TestEveryAlertHasTestsAndARunbook(t *testing.T) {
	t.Parallel()
	rules, tests := read(t, prometheusDir+"/rules/alerts.yml"), read(t, prometheusDir+"/tests/alerts_test.yml")+read(t, prometheusDir+"/tests/alerts_slow_test.yml")
	names := regexp.MustCompile(`(?m)^\s+- alert: (\w+)$`).FindAllStringSubmatch(rules, -1)
	require.Greater(t, len(names), 10)
	for _, name := range names {
		require.Contains(t, tests, "name: "+name[1]+" fires")
		require.Contains(t, tests, "name: "+name[1]+" is silent")
	}
	require.Len(t, regexp.MustCompile(`severity: \w+`).FindAllString(rules, -1), len(names))
	books := regexp.MustCompile(`runbook_url: "https://github.com/bandeja/inboxd/blob/main/(docs/runbooks/[a-z-]+\.md)"`).FindAllStringSubmatch(rules, -1)
	require.Len(t, books, len(names))
	for _, book := range books {
		require.FileExists(t, filepath.Join("../..", book[1]))
	}
}

// A rule about a metric that nobody exports is silent for ever.
func TestRulesNameMetricsThatExist(t *testing.T) {
	t.Parallel()
	known := read(t, "../../docs/metrics.md") // compared with a live process by another test
	for _, file := range []string{"recording.yml", "alerts.yml"} {
		for _, name := range regexp.MustCompile(`\b(?:inboxd|inbox|job|api|db)_[a-z0-9_]+`).FindAllString(expressions(read(t, prometheusDir+"/rules/"+file)), -1) {
			base := regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(name, "")
			if !strings.Contains(known, "`"+name+"`") && !strings.Contains(known, "`"+base+"`") {
				t.Errorf("%s names %s, which docs/metrics.md does not know", file, name)
			}
		}
	}
}

// expressions are the rules without the names they record, labels and texts.
func expressions(rules string) string {
	var kept []string
	for line := range strings.SplitSeq(rules, "\n") {
		if regexp.MustCompile(`record:|summary:|runbook_url:|alert:|- name:|^\s*#`).MatchString(line) {
			continue
		}
		line = regexp.MustCompile(`[a-z_]+:[a-z_]+:[a-z0-9_]+|api_request_count:error_ratio5m`).ReplaceAllString(line, "")
		line = regexp.MustCompile(`by \([^)]*\)|on \([^)]*\)|\{[^}]*\}`).ReplaceAllString(line, "")
		kept = append(kept, line)
	}
	return strings.Join(kept, "\n")
}

// The real tool reads the rules and plays every test of theirs.
func TestPromtool(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: `make test` installs it where there is apt")
	}
	rules, err := filepath.Glob(prometheusDir + "/rules/*.yml")
	require.NoError(t, err)
	for _, args := range [][]string{
		append([]string{"check", "rules"}, rules...),
		{"test", "rules", prometheusDir + "/tests/alerts_test.yml", prometheusDir + "/tests/alerts_slow_test.yml"},
		{"check", "config", "--syntax-only", prometheusDir + "/prometheus.yml"},
	} {
		out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput()
		require.NoError(t, err, "promtool %v: %s", args, out)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(raw)
}
