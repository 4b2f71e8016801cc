package httpapi_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/httpapi"
)

// TestMetricsExistFromTheFirstScrape: dashboards and alerts must not wait for
// traffic.
func TestMetricsExistFromTheFirstScrape(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, least := range map[string]int{
		"api_request_duration_seconds": 14, "api_request_count": 14, "inboxd_webhook_posts_total": 5,
		"inboxd_webhook_updates_total": 8, "inboxd_webhook_unusable_total": 8, "inbox_rate_limit_hits": 4,
	} {
		n, err := testutil.GatherAndCount(b.registry, name)
		require.NoError(t, err)
		require.GreaterOrEqual(t, n, least, name)
	}
}

// TestMetricLabelsAreAClosedSet: nobody outside can make our metrics grow.
func TestMetricLabelsAreAClosedSet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before, err := testutil.GatherAndCount(b.registry, "api_request_count")
	require.NoError(t, err)
	for _, path := range []string{"/a", "/b", "/v1/conversations/7/x", "/v1/../etc"} {
		b.do(t, "GET", path, "")
		b.do(t, "BREW", path, "")
	}
	b.do(t, "GET", "/v1/conversations/7", "", as(orgToken)...)
	b.do(t, "GET", "/v1/conversations/8", "", as(orgToken)...)
	after, err := testutil.GatherAndCount(b.registry, "api_request_count")
	require.NoError(t, err)
	require.LessOrEqual(t, after-before, 4)
	require.NoError(t, testutil.GatherAndCompare(b.registry, strings.NewReader(""), "api_no_such"))
	count := func(endpoint, method, status string) float64 {
		families, err := b.registry.Gather()
		require.NoError(t, err)
		for _, family := range families {
			if family.GetName() != "api_request_count" {
				continue
			}
			for _, m := range family.GetMetric() {
				labels := map[string]string{}
				for _, l := range m.GetLabel() {
					labels[l.GetName()] = l.GetValue()
				}
				if labels["endpoint"] == endpoint && labels["method"] == method && labels["status"] == status {
					return m.GetCounter().GetValue()
				}
			}
		}
		return -1
	}
	require.InDelta(t, 2, count("/v1/conversations/{id}", "GET", "200"), 0)
	require.GreaterOrEqual(t, count("other", "other", "404"), 3.0)
	require.InDelta(t, 0, count("/v1/messages/{id}/retry", "POST", "202"), 0)
}

func TestHealthIsServedIfGiven(t *testing.T) {
	t.Parallel()
	b := setup(t)
	requireProblem(t, b.do(t, "GET", "/livez", ""), 404, "no_such_route")
	health := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	api, err := httpapi.New(httpapi.Options{
		Authenticator: b.store, Conversations: b.store, Sends: b.store, Spending: b.store, SLA: b.store, Automations: b.store, Ingester: b.ingester, Webhooks: fakeHooks{},
		Limiter: b.limiter, Limits: func() *control.Snapshot { return control.New(0, nil, nil, nil) }, Repeats: b.store,
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Health: health,
	})
	require.NoError(t, err)
	b.api = api
	for _, path := range []string{"/livez", "/readyz"} {
		require.Equal(t, http.StatusNoContent, b.do(t, "GET", path, "").StatusCode)
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := httpapi.New(httpapi.Options{})
	for _, name := range []string{"Authenticator", "Conversations", "Sends", "Ingester", "Webhooks", "Limiter", "Limits", "Repeats", "Logger", "Registerer"} {
		require.ErrorContains(t, err, name)
	}
}

// TestServerRefusesHugeHeaders: a header flood ends at the door.
func TestServerRefusesHugeHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	url := listen(t, httpapi.Server(b.api, slog.New(slog.DiscardHandler)))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/conversations", nil)
	require.NoError(t, err)
	r.Header.Set("X-Pad", strings.Repeat("a", 32<<10))
	answer, err := client(t).Do(r)
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, readReply(t, answer).StatusCode)
}
