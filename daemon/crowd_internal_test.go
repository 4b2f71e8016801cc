package daemon

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/sla"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

// crowded is what an api shows of ten agents in each of so many orgs.
func crowded(tb testing.TB, orgs int) *Daemon {
	tb.Helper()
	d := &Daemon{registry: telemetry.Registry(Build{}), health: telemetry.NewHealth(nil)}
	p := newPunctuality(d)
	sums := map[agent]sla.Figures{}
	for i := range orgs {
		org := "org-" + strconv.Itoa(i)
		p.episodes.WithLabelValues(p.org(org), "met").Inc()
		p.episodes.WithLabelValues(p.org(org), "missed").Inc()
		for user := range 10 {
			l := p.label(agent{"user-" + strconv.Itoa(user), org}, 1)
			p.responses.WithLabelValues(l.user, l.org).Observe(float64(user))
			sum := sums[l]
			sum.Met++
			sums[l] = sum
		}
	}
	p.show(sums)
	return d
}

func (d *Daemon) scrapeForTest(tb testing.TB) string {
	tb.Helper()
	w := httptest.NewRecorder()
	telemetry.Handler(d.health, d.registry, false).ServeHTTP(w, httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/metrics", nil))
	require.Equal(tb, http.StatusOK, w.Code)
	return w.Body.String()
}

// A hundred thousand agents must not become a hundred thousand histograms.
func TestAgentsAreBounded(t *testing.T) {
	t.Parallel()
	few, many := crowded(t, 100).scrapeForTest(t), crowded(t, 10_000).scrapeForTest(t)
	ours := func(body string) int { return strings.Count(body, "\ninbox_") + strings.Count(body, "\ninboxd_sla_") }
	require.Equal(t, ours(few), ours(many), "no growth with more orgs")
	require.LessOrEqual(t, ours(many), 2_000)
}

func BenchmarkScrapeAgents(b *testing.B) {
	d := crowded(b, 10_000)
	var took []time.Duration
	var body string
	for b.Loop() {
		began := time.Now()
		body = d.scrapeForTest(b)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(strings.Count(body, "\n")), "lines")
	b.ReportMetric(float64(len(body)), "bytes")
}
