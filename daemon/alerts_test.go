package daemon_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// chat is a webhook that remembers what it was told.
type chat struct {
	mu    sync.Mutex
	texts []string
	fail  bool
}

func (c *chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m map[string]string
	raw, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(raw, &m)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	c.texts = append(c.texts, m["text"])
}

func (c *chat) told(pattern string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range c.texts {
		n += len(regexp.MustCompile(pattern).FindAllString(text, -1))
	}
	return n
}

// Three processes see the same trouble, and people are told once that it began and
// once that it is over; who is at it is seen in all of them.
func TestAlertsReachPeople(t *testing.T) {
	t.Parallel()
	c := &chat{fail: true}
	hook := httptest.NewServer(c)
	t.Cleanup(hook.Close)
	h := newHouse(t)
	var clients []*admin.Client
	for range 3 {
		_, err := h.tryStart("api", "INBOXD_ALERT_WEBHOOK_URL="+hook.URL+"/services/canary")
		require.NoError(t, err)
		clients = append(clients, h.operator())
	}
	h.exec(`INSERT INTO alerts (id, severity, rule, scope, summary, since, seen_at) VALUES ('jobs_wait/whatsapp', 'critical', 'jobs wait', 'whatsapp', '76s > 60s', now() - interval '5 minutes', now() + interval '1 hour')`)

	require.Eventually(t, func() bool { return strings.Contains(h.logs.String(), "it answered 502") }, patience, 50*time.Millisecond, "a webhook that fails is no secret")
	require.NotContains(t, h.logs.String(), "canary")
	c.mu.Lock()
	c.fail = false
	c.mu.Unlock()
	require.Eventually(t, func() bool { return c.told("CRITICAL jobs wait: whatsapp") == 1 }, patience, 50*time.Millisecond)

	for _, client := range clients {
		require.Eventually(t, func() bool { return stateOf(t, client) == admin.AlertFiring }, patience, 100*time.Millisecond)
	}
	_, err := clients[0].AckAlert(t.Context(), "jobs_wait/whatsapp", "INC-1")
	require.NoError(t, err)
	for _, client := range clients {
		require.Eventually(t, func() bool { return stateOf(t, client) == admin.AlertAcked }, patience, 100*time.Millisecond)
	}
	h.exec(`UPDATE alerts SET seen_at = now(), resolved_at = now(), acked_at = NULL, acked_by = '', ack_reason = '' WHERE id = 'jobs_wait/whatsapp'`)
	h.exec(`UPDATE alert_post SET next_at = '-infinity'`)
	require.Eventually(t, func() bool { return c.told("RESOLVED jobs wait: whatsapp") == 1 }, patience, 50*time.Millisecond)
	h.exec(`UPDATE alert_post SET next_at = '-infinity'`)

	got, err := clients[1].TestAlerts(t.Context(), "INC-2")
	require.NoError(t, err)
	require.Equal(t, strings.TrimPrefix(hook.URL, "http://"), got.Item.Host)
	require.Equal(t, 1, c.told("this is a test, nothing is wrong"))
	trail, err := clients[1].Audit(t.Context(), admin.AuditFilter{Action: "alerts.test"}, admin.Page{})
	require.NoError(t, err)
	require.Len(t, trail.Items, 1)
	require.Equal(t, 1, c.told("CRITICAL jobs wait: whatsapp"))
	require.Equal(t, 1, c.told("RESOLVED jobs wait: whatsapp"))
}

func stateOf(t *testing.T, c *admin.Client) string {
	t.Helper()
	list, err := c.Alerts(t.Context(), admin.AlertFilter{})
	require.NoError(t, err)
	for _, a := range list.Items {
		if a.ID == "jobs_wait/whatsapp" {
			return a.State
		}
	}
	return ""
}

// Twenty people who watch during an incident must not be what is wrong with the
// database: they cost what one does.
func TestViewersCostWhatOneDoes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("api")
	h.furnish()
	client := h.operator()
	status, err := client.Status(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var viewers sync.WaitGroup
	defer viewers.Wait()
	defer cancel()
	join := func() {
		body := h.stream(ctx)
		viewers.Go(func() { defer func() { _ = body.Close() }(); _, _ = io.Copy(io.Discard, body) })
	}
	const pictures = 5 // one a second
	cost := func() float64 {
		from, before := seqOf(t, client), statements(t, *status.Item.MetricsURL)
		require.Eventually(t, func() bool { return seqOf(t, client) >= from+pictures }, patience, 100*time.Millisecond)
		return statements(t, *status.Item.MetricsURL) - before
	}
	join()
	require.Eventually(t, func() bool { return seqOf(t, client) >= 2 }, patience, 100*time.Millisecond) // more is read for the first one
	one := cost()
	for range 19 {
		join()
	}
	twenty := cost()
	t.Logf("statements of %d pictures: one viewer %.0f, twenty viewers %.0f", pictures, one, twenty)
	require.LessOrEqual(t, twenty, 1.5*one+20)
}

func seqOf(t *testing.T, c *admin.Client) int64 {
	t.Helper()
	top, err := c.Top(t.Context(), 0)
	require.NoError(t, err)
	return top.Item.Seq
}

// statements is how many the process has sent to the database.
func statements(t *testing.T, metrics string) (n float64) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^db_query_duration_seconds_count\{[^}]*\} (\S+)$`).FindAllStringSubmatch(get(t, metrics), -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		require.NoError(t, err)
		n += v
	}
	return n
}

// stream follows the live picture over the socket.
func (h *house) stream(ctx context.Context) io.ReadCloser {
	h.t.Helper()
	path := h.socket
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://inboxd"+admin.TopStreamPath, http.NoBody)
	require.NoError(h.t, err)
	resp, err := (&http.Client{Transport: transport}).Do(req)
	require.NoError(h.t, err)
	require.Equal(h.t, http.StatusOK, resp.StatusCode)
	return resp.Body
}
