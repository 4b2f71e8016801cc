package daemon_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
)

// A metric that is not documented does not exist, and the guide must not
// promise one that is gone.
func TestMetricsGuideIsCurrent(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.redis = stacktest.Redis(t)
	_, err := h.tryStart("all", "INBOXD_ALERT_WEBHOOK_URL=http://127.0.0.1:9/nobody",
		"INBOXD_TRACING_ENDPOINT=http://127.0.0.1:1", "INBOXD_TRACING_SHARE=0") // what these add is documented too
	require.NoError(t, err)
	c, err := admin.NewClient(admin.Options{Server: "unix://" + h.socket})
	require.NoError(t, err)
	defer c.Close()
	status, err := c.Status(t.Context())
	require.NoError(t, err)
	require.NotNil(t, status.Item.MetricsURL)

	require.Eventually(t, func() bool { // the engine adds its own when the database has answered
		return strings.Contains(get(t, *status.Item.MetricsURL), "inboxd_slots_busy")
	}, patience, 50*time.Millisecond)
	checkMetrics(t, get(t, *status.Item.MetricsURL))
	exposed := names(t, `(?m)^# TYPE ((?:inboxd|api|db|job|inbox)_[a-z0-9_]+) `, get(t, *status.Item.MetricsURL))
	guide, err := os.ReadFile("../docs/metrics.md")
	require.NoError(t, err)
	require.Equal(t, exposed, names(t, "(?m)^\\| `((?:inboxd|api|db|job|inbox)_[a-z0-9_]+)", string(guide)))
}

func names(t *testing.T, pattern, text string) (found []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	require.NotEmpty(t, found)
	return found
}

func get(t *testing.T, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}

// checkMetrics lets promtool judge what a process exposes. The names that were
// agreed on with their users are what they are.
func checkMetrics(t *testing.T, exposed string) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		return // the tests of the rules say how to get it
	}
	cmd := exec.CommandContext(t.Context(), tool, "check", "metrics")
	cmd.Stdin = strings.NewReader(exposed)
	out, _ := cmd.CombinedOutput() // it fails for what is allowed here, too
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !slices.Contains([]string{"job_retry_count", "inbox_rate_limit_hits", "api_request_count"}, name) {
			t.Errorf("promtool: %s", line)
		}
	}
}
