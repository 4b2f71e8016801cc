package daemon_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// What a worker did must be seen in an api that ran none of it, within seconds
// and as a figure that survives a restart: nobody else counts it.
func TestLatencyIsSeenAndRebuilt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("worker")
	api := h.start("api")
	h.furnish()
	h.seesLatency(0) // from now on it counts
	for i := range 3 {
		r := h.reply(h.customer(waNumber, fmt.Sprint("120255501", 10+i), "hello"), "how can I help?")
		h.awaitStatus(r.Message.ID, "delivered", "read")
	}
	h.seesLatency(3)
	c := h.operator()
	status, err := c.Status(t.Context())
	require.NoError(t, err)
	require.Eventually(t, func() bool { // a status is a second old at most
		status, err = c.Status(t.Context())
		return err == nil && status.Item.Queues[0].Latency.E2E.N == 3
	}, patience, 100*time.Millisecond)
	const ofAcme = `job_duration_seconds_count{job_type="send_message",org_id="acme",status="done"}`
	lines := jobLines(t, *status.Item.MetricsURL)
	require.Contains(t, lines, ofAcme+" 3")
	require.Contains(t, lines, `job_retry_count{job_type="send_message",org_id="_other"} 0`)
	require.Contains(t, lines, `job_queue_depth{job_type="refresh_token",org_id="_other"} 0`)

	require.NoError(t, api.stop())
	h.start("api")
	h.seesLatency(3)
	status, err = h.operator().Status(t.Context())
	require.NoError(t, err)
	lines = jobLines(t, *status.Item.MetricsURL)
	require.Contains(t, lines, `job_duration_seconds_count{job_type="send_message",org_id="_other",status="done"} 0`)
	require.NotContains(t, strings.Join(lines, " "), ofAcme, "counters begin with the process")
}

// jobLines are the series of jobs, without their buckets.
func jobLines(t *testing.T, url string) (lines []string) {
	t.Helper()
	for line := range strings.Lines(get(t, url)) {
		if strings.HasPrefix(line, "job_") && !strings.Contains(line, "_bucket{") && !strings.Contains(line, "_sum{") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// seesLatency waits until each of the three times of sends has n samples, by
// every split.
func (h *house) seesLatency(n int64) {
	h.t.Helper()
	c := h.operator()
	for by, name := range map[string]string{"type": job.SendMessage.String(), "queue": job.WhatsApp.String(), "org": "acme"} {
		for _, window := range []string{"1h", "24h"} {
			require.EventuallyWithT(h.t, func(t *collect) {
				got, err := c.Latency(h.t.Context(), admin.LatencyQuery{By: by, Window: window, Org: "acme", Type: "send_message"})
				require.NoError(t, err)
				if n == 0 {
					require.Empty(t, got.Items)
					return
				}
				require.Len(t, got.Items, 3)
				for _, item := range got.Items {
					require.Equal(t, []any{name, n}, []any{item.Name, item.N}, item.Metric)
				}
			}, patience, 100*time.Millisecond, "%s %s", by, window)
		}
	}
}
