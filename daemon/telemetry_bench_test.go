package daemon_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
)

// backlog makes n jobs that cost the engine what every job does and their
// processor next to nothing: what is spent on watching weighs most beside them.
// One in ten is traced.
const backlog = `
INSERT INTO jobs (org_id, queue, job_type, priority, state, max_attempts, subject_id, args, ready_at, deadline_at)
SELECT (SELECT id FROM orgs WHERE name = 'acme'), 3, 3, 2, 1, 5, 1000000 + g,
       CASE WHEN $2 AND g % 10 = 0 THEN jsonb_build_object('trace', '00-' || md5(g::text) || '-00f067aa0ba902b7-01') END,
       clock_timestamp(), clock_timestamp() + interval '1 day'
FROM generate_series(1, $1::int) g`

// watching are the frames under which a process counts, times, traces, logs, reads
// history and answers a scrape.
const watching = `prometheus/client_golang|opentelemetry|internal/telemetry|internal/latency|internal/trace|queryTracer|log/slog`

// A process at a quarter of what it can do, as the target says: what it does by
// the second, looking at history, weighs more there than at its best.
const (
	jobsASecond = 1000
	costSeconds = 20
)

// BenchmarkTelemetryCost gives one process 1,000 jobs a second; it logs and is
// scraped as in production. It tells what being watched costs, in two ways: of a
// core, which is what a machine loses, and of all CPU of the process, whose jobs do
// nothing here. It is a share of a profile, so a busy machine changes little of it.
func BenchmarkTelemetryCost(b *testing.B) {
	for _, traced := range []bool{false, true} {
		b.Run(map[bool]string{false: "metrics", true: "metrics-and-traces"}[traced], func(b *testing.B) {
			for b.Loop() {
				telemetryCost(b, traced)
			}
		})
	}
}

func telemetryCost(b *testing.B, traced bool) {
	b.Helper()
	h := newHouse(b)
	h.level = slog.LevelInfo
	h.redis, h.dial = stacktest.Redis(b), 50
	settings := []string{"INBOXD_SLOTS=256"}
	if traced {
		collector := &otlpReceiver{}
		settings = append(settings, "INBOXD_TRACING_ENDPOINT="+serve(b, collector), "INBOXD_TRACING_SHARE=0.1")
	}
	p, err := h.tryStart("all", settings...)
	require.NoError(b, err)
	h.furnish()
	status, err := h.operator().Status(b.Context())
	require.NoError(b, err)
	conn, err := pgx.Connect(b.Context(), h.dsn)
	require.NoError(b, err)
	defer func() { _ = conn.Close(b.Context()) }()

	file := filepath.Join(b.TempDir(), "cpu")
	out, err := os.Create(file)
	require.NoError(b, err)
	require.NoError(b, pprof.StartCPUProfile(out))
	began, tick := time.Now(), time.NewTicker(time.Second)
	defer tick.Stop()
	for second := range costSeconds {
		_, err = conn.Exec(b.Context(), backlog, jobsASecond, traced)
		require.NoError(b, err)
		if second%15 == 0 { // as often as configs/prometheus does
			scrapeInto(b, *status.Item.MetricsURL, io.Discard)
		}
		<-tick.C
	}
	left := 1
	for left > 0 {
		require.NoError(b, conn.QueryRow(b.Context(), `SELECT count(*) FROM jobs WHERE job_type = 3`).Scan(&left))
		<-time.After(100 * time.Millisecond)
	}
	took := time.Since(began).Seconds()
	pprof.StopCPUProfile()
	require.NoError(b, out.Close())
	share, total := profiled(b, file)
	const jobs = jobsASecond * costSeconds
	b.ReportMetric(jobs/took, "jobs/s")
	b.ReportMetric(share, "%of-process")
	b.ReportMetric(share*total/costSeconds, "%of-core")
	b.ReportMetric(1000*total/jobs, "cpu-ms/job")
	b.ReportMetric(share/100*1e6*total/jobs, "telemetry-us/job")
	require.NoError(b, p.stop())
}

func serve(b *testing.B, h http.Handler) string {
	b.Helper()
	server := httptest.NewServer(h)
	b.Cleanup(server.Close)
	return server.URL
}

// scrapeInto scrapes as Prometheus does.
func scrapeInto(b *testing.B, url string, w io.Writer) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
	require.NoError(b, err)
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	require.NoError(b, err)
	_, err = io.Copy(w, resp.Body)
	require.NoError(b, err)
	require.NoError(b, resp.Body.Close())
}

// profiled returns the percentage of the profile that is under watching, and its
// whole CPU time in seconds.
func profiled(b *testing.B, file string) (share, total float64) {
	b.Helper()
	// What the test itself does, the simulator and the collector, is nobody's cost.
	raw, err := exec.CommandContext(b.Context(), "go", "tool", "pprof", "-top", "-unit=ms", "-nodecount=100000", "-nodefraction=0", "-focus="+watching, "-ignore=metasim|daemon_test", file).CombinedOutput()
	require.NoError(b, err, "%s", raw)
	all, err := exec.CommandContext(b.Context(), "go", "tool", "pprof", "-top", "-unit=ms", "-nodecount=100000", "-nodefraction=0", "-ignore=metasim|daemon_test", file).CombinedOutput()
	require.NoError(b, err, "%s", all)
	return sum(b, raw) / sum(b, all) * 100, sum(b, all) / 1000
}

// sum adds up the flat times of a table of pprof.
func sum(b *testing.B, out []byte) (ms float64) {
	b.Helper()
	for _, line := range regexp.MustCompile(`(?m)^ +([\d.]+)(ms|s)? +[\d.]+%`).FindAllSubmatch(out, -1) {
		n, err := strconv.ParseFloat(string(line[1]), 64)
		require.NoError(b, err)
		ms += n
	}
	require.Positive(b, ms, "%s", out)
	return ms
}
