package daemon_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
)

// town is work in so many orgs with ten users each, as every part of a process
// that counts would find it: $1 orgs.
func town() []string {
	return []string{
		`INSERT INTO orgs (name) SELECT 'org-' || n FROM generate_series(1, $1::int) n`,
		`INSERT INTO users (org_id, name) SELECT o.id, 'user-' || n FROM orgs o, generate_series(1, 10) n WHERE o.name LIKE 'org-%' AND $1::int > 0`,
		`INSERT INTO channels (org_id, kind, external_id) SELECT o.id, 'whatsapp', o.name FROM orgs o WHERE o.name LIKE 'org-%' AND $1::int > 0`,
		`INSERT INTO contacts (org_id, channel_id, wa_id) SELECT h.org_id, h.id, 'x' FROM channels h WHERE h.external_id LIKE 'org-%' AND $1::int > 0`,
		`INSERT INTO conversations (org_id, channel_id, contact_id, last_message_at) SELECT c.org_id, c.channel_id, c.id, now() FROM contacts c WHERE c.wa_id = 'x' AND $1::int > 0`,
		// What waits, of every org and type.
		`INSERT INTO jobs (org_id, queue, job_type, priority, state, max_attempts, subject_id, run_at, deadline_at)
		SELECT o.id, x.queue, x.typ, 2, 0, 5, o.id, now() + interval '1 day', now() + interval '2 days'
		FROM orgs o, (VALUES (1, 1), (1, 2), (3, 3), (4, 4), (5, 5)) x(queue, typ) WHERE o.name LIKE 'org-%' AND $1::int > 0`,
		// What has ended, in every way.
		`INSERT INTO job_history (id, org_id, queue, job_type, priority, outcome, run_epoch, attempt, lane, created_at, ready_at, started_at)
		SELECT -o.id, o.id, x.queue, x.typ, 1, x.outcome, 1, 2, 1, now() - interval '3 seconds', now() - interval '2 seconds', now() - interval '1 second'
		FROM orgs o, (VALUES (1, 1, 1), (1, 2, 2), (3, 3, 1), (4, 4, 1), (5, 5, 1)) x(queue, typ, outcome) WHERE o.name LIKE 'org-%' AND $1::int > 0`,
		`INSERT INTO job_events (job_id, org_id, queue, job_type, kind, epoch, attempt, lane, error_class, ready_at, started_at)
		SELECT -o.id, o.id, 1, 1, k, 1, 1, 1, 'media', now() - interval '2 seconds', now() - interval '1 second'
		FROM orgs o, generate_series(2, 3) k WHERE o.name LIKE 'org-%' AND $1::int > 0`,
		// An answer of every user; the evaluator judges it.
		`INSERT INTO episodes (org_id, conversation_id, channel_id, first, started_at, received_at, target_ms, due_at, answered_at, answered_by)
		SELECT u.org_id, v.id, v.channel_id, false, now() - interval '10 minutes', now() - interval '10 minutes', 300000, now() - interval '5 minutes', now() - u.id % 10 * interval '1 minute', u.id
		FROM users u JOIN conversations v ON v.org_id = u.org_id WHERE $1::int > 0`,
	}
}

// BenchmarkScrape scrapes one process that is everything, over HTTP, with work in
// so many orgs: every family there is, as Prometheus gets it.
func BenchmarkScrape(b *testing.B) {
	for _, orgs := range []int{10_000, 20_000} {
		b.Run(fmt.Sprintf("%dOrgs", orgs), func(b *testing.B) {
			url := inhabited(b, orgs)
			var took []time.Duration
			var body string
			for b.Loop() {
				began := time.Now()
				body = scraped(b, url)
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(len(body)), "bytes")
			families, family, series := map[string]int{}, "", 0
			for line := range strings.Lines(body) {
				if name, is := strings.CutPrefix(line, "# TYPE "); is {
					family, _, _ = strings.Cut(name, " ")
				} else if !strings.HasPrefix(line, "#") {
					families[family]++
					series++
				}
			}
			b.ReportMetric(float64(series), "series")
			largest := slices.SortedFunc(maps.Keys(families), func(x, y string) int { return families[y] - families[x] })
			for _, name := range largest[:8] {
				b.Logf("%6d series: %s", families[name], name)
			}
		})
	}
}

// inhabited starts a process, gives it a town, and returns where its metrics are
// when they show all of it.
func inhabited(b *testing.B, orgs int) string {
	b.Helper()
	h := newHouse(b)
	h.redis, h.dial = stacktest.Redis(b), 50
	h.start("all")
	h.furnish()
	status, err := h.operator().Status(b.Context())
	require.NoError(b, err)
	for _, sql := range town() {
		h.exec(sql, orgs)
	}
	known := func(pattern string) bool {
		return len(regexp.MustCompile(`(?m)^`+pattern).FindAllString(scraped(b, *status.Item.MetricsURL), 60)) >= 40
	}
	for _, pattern := range []string{ // a place for each of the top 50, but for those of the town itself
		`job_duration_seconds_count\{job_type="run_automation",org_id="org-\d+",status="done"\}`, `job_duration_seconds_count\{job_type="send_message",org_id="org-\d+",status="uncertain"\}`,
		`job_queue_depth\{job_type="sync_spend",org_id="org-\d+"\}`, `job_retry_count\{job_type="sync_spend",org_id="org-\d+"\}`,
		`inbox_first_response_time_seconds_count\{org_id="org-\d+",user_id="user-\d+"\}`, `inbox_sla_compliance_rate\{org_id="org-\d+",user_id="user-\d+"\} [01]`,
		`inboxd_sla_episodes_total\{org_id="org-\d+",outcome="missed"\}`,
	} {
		require.Eventually(b, func() bool { return known(pattern) }, 5*time.Minute, time.Second, "%s", pattern)
	}
	return *status.Item.MetricsURL
}

// scraped reads the metrics as Prometheus does, whole.
func scraped(b *testing.B, url string) string {
	b.Helper()
	var body strings.Builder
	scrapeInto(b, url, &body)
	return body.String()
}
