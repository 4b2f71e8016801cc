package latency_test

import (
	"bytes"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/latency"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

func gather(tb testing.TB, registry *prometheus.Registry) map[string]*dto.MetricFamily {
	tb.Helper()
	families, err := registry.Gather()
	require.NoError(tb, err)
	all := map[string]*dto.MetricFamily{}
	for _, f := range families {
		all[f.GetName()] = f
	}
	return all
}

func value(tb testing.TB, registry *prometheus.Registry, name string) float64 {
	tb.Helper()
	return gather(tb, registry)[name].GetMetric()[0].GetGauge().GetValue()
}

// labelSets lists the series of a family.
func labelSets(f *dto.MetricFamily) (sets []string) {
	for _, m := range f.GetMetric() {
		var set []string
		for _, l := range m.GetLabel() {
			set = append(set, l.GetName()+"="+l.GetValue())
		}
		sets = append(sets, strings.Join(set, " "))
	}
	slices.Sort(sets)
	return sets
}

// Dashboards are built on these names and labels: they are there from the first
// scrape, and no other label comes in.
func TestLabelsArePinned(t *testing.T) {
	t.Parallel()
	l := &ledger{now: noon}
	tail, registry := newTail(t, l, options{})
	names := slices.Sorted(maps.Keys(gather(t, registry)))
	require.Equal(t, []string{
		"inboxd_latency_bytes", "inboxd_oldest_ready_seconds", "inboxd_tail_read_timestamp_seconds", "inboxd_tail_rows_total",
		"job_duration_seconds", "job_queue_depth", "job_retry_count",
	}, names)
	all := gather(t, registry)
	require.Len(t, labelSets(all["job_duration_seconds"]), 20)
	require.Contains(t, labelSets(all["job_duration_seconds"]), "job_type=send_template org_id=_other status=uncertain")
	require.Len(t, labelSets(all["job_queue_depth"]), 5)
	require.Contains(t, labelSets(all["job_retry_count"]), "job_type=sync_spend org_id=_other")

	require.NoError(t, tail.Turn(t.Context()))
	retry := ended(1, noon, time.Second)
	retry.Attempt, retry.Status = 3, latency.Uncertain
	failed := ended(1, noon, time.Second)
	failed.Status = latency.Failed // no status of its own: the next attempt has one
	settled := ended(1, noon, time.Second)
	settled.Attempt, settled.Wait, settled.Run = 0, latency.None, latency.None
	l.rows = []latency.Ended{ended(1, noon, time.Second), retry, failed, settled}
	require.NoError(t, tail.Turn(t.Context()))
	all = gather(t, registry)
	require.Len(t, labelSets(all["job_duration_seconds"]), 22)
	for _, set := range []string{"job_type=send_message org_id=org1 status=done", "job_type=send_message org_id=org1 status=uncertain"} {
		require.Contains(t, labelSets(all["job_duration_seconds"]), set)
	}
	require.Equal(t, []string{"job_type=send_message org_id=org1"}, slices.DeleteFunc(labelSets(all["job_retry_count"]), other))
}

func other(set string) bool { return strings.Contains(set, telemetry.OtherLabel) }

// What waits is shown as it is, and an org whose backlog is gone shows 0: a graph
// that just ends says nothing.
func TestDepthIsOfNow(t *testing.T) {
	t.Parallel()
	key := latency.Key{OrgID: 1, Queue: job.WhatsApp, Type: job.SendMessage}
	l := &ledger{now: noon, depths: []latency.Depth{
		{Key: key, Waiting: 7, OldestReady: 90 * time.Second},
		{Key: latency.Key{OrgID: 1, Queue: job.Instagram, Type: job.SendMessage}, Waiting: 3, OldestReady: latency.None},
	}}
	tail, registry := newTail(t, l, options{})
	require.NoError(t, tail.ReadDepths(t.Context()))
	depth := func(want string) (n float64) {
		for _, m := range gather(t, registry)["job_queue_depth"].GetMetric() {
			if m.GetLabel()[1].GetValue() == want {
				n += m.GetGauge().GetValue()
			}
		}
		return n
	}
	require.InDelta(t, 10, depth("org1"), 0)
	require.Zero(t, depth(telemetry.OtherLabel))
	l.depths = nil
	require.NoError(t, tail.ReadDepths(t.Context()))
	require.Zero(t, depth("org1"))
	require.Len(t, labelSets(gather(t, registry)["job_queue_depth"]), 6)
}

// An org that loses its place loses its series: at most so many are ever there.
func TestSeriesOfIdleOrgsGo(t *testing.T) {
	t.Parallel()
	now := noon
	l := &ledger{now: noon}
	tail, registry := newTail(t, l, options{labels: telemetry.LabelOptions{Top: 3, Now: func() time.Time { return now }}})
	require.NoError(t, tail.Turn(t.Context()))
	for org := range int64(100) {
		l.rows = append(l.rows, ended(1+org, noon, time.Second))
	}
	require.NoError(t, tail.Turn(t.Context()))
	named := func(family string) int {
		require.NoError(t, tail.ReadDepths(t.Context()))
		return len(slices.DeleteFunc(labelSets(gather(t, registry)[family]), other))
	}
	require.Equal(t, 3, named("job_duration_seconds"))
	require.Equal(t, 3, named("job_queue_depth"), "nothing of them waits, which is worth a 0")
	now = now.Add(time.Hour)
	require.NoError(t, tail.Turn(t.Context()))
	require.Zero(t, named("job_duration_seconds"))
	require.Zero(t, named("job_queue_depth"))
}

// crowd fills the metrics as 10,000 orgs would.
func crowd(tb testing.TB, orgs int64, mode telemetry.LabelMode) *prometheus.Registry {
	tb.Helper()
	l := &ledger{now: noon}
	tail, registry := newTail(tb, l, options{labels: telemetry.LabelOptions{Mode: mode}})
	require.NoError(tb, tail.Turn(tb.Context()))
	for org := range orgs {
		for _, typ := range job.Types() {
			for status := latency.Done; status <= latency.Uncertain; status++ {
				e := ended(1+org, noon, time.Duration(org)*time.Millisecond)
				e.Type, e.Queue, e.Status, e.Attempt = typ, typ.Queues()[0], status, 2
				l.rows = append(l.rows, e)
			}
			l.depths = append(l.depths, latency.Depth{Key: latency.Key{OrgID: 1 + org, Queue: typ.Queues()[0], Type: typ}, Waiting: org})
		}
	}
	require.NoError(tb, tail.Turn(tb.Context()))
	require.NoError(tb, tail.ReadDepths(tb.Context()))
	return registry
}

func scrape(tb testing.TB, registry *prometheus.Registry) []byte {
	tb.Helper()
	w := httptest.NewRecorder()
	telemetry.Handler(telemetry.NewHealth(nil), registry, false).ServeHTTP(w, httptest.NewRequestWithContext(tb.Context(), "GET", "/metrics", nil))
	require.Equal(tb, 200, w.Code)
	return w.Body.Bytes()
}

func series(body []byte) (n int) {
	for line := range bytes.Lines(body) {
		if line[0] != '#' {
			n++
		}
	}
	return n
}

// Monitoring must not be what brings the monitored down: with every status of
// every type of 2,000 orgs the page stays below what was promised, and does
// not grow with more orgs.
func TestScrapeIsBounded(t *testing.T) {
	t.Parallel()
	body := scrape(t, crowd(t, 2_000, telemetry.LabelsTop))
	t.Logf("%d series, %d bytes", series(body), len(body))
	require.LessOrEqual(t, series(body), 15_000)
	require.LessOrEqual(t, len(body), 2<<20)
	few := scrape(t, crowd(t, 200, telemetry.LabelsTop))
	require.Equal(t, series(few), series(body))
	const handler = 2 // the handler's own
	require.Equal(t, 20*13+5+5+5+3+handler, series(scrape(t, crowd(t, 100, telemetry.LabelsOff))))
}

func BenchmarkScrape(b *testing.B) {
	registry := crowd(b, 10_000, telemetry.LabelsTop)
	var took []time.Duration
	var body []byte
	used := usedCPU(b)
	for b.Loop() {
		begin := time.Now()
		body = scrape(b, registry)
		took = append(took, time.Since(begin))
	}
	b.ReportMetric(float64((usedCPU(b)-used).Microseconds())/1000/float64(b.N), "cpu-ms")
	slices.Sort(took)
	b.ReportMetric(float64(series(body)), "series")
	b.ReportMetric(float64(len(body)), "bytes")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// usedCPU is what this process has used: on a busy machine it says more than the
// clock.
func usedCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkTail counts 1,000 rows of 1,000 orgs per turn, the load of 1,000
// jobs a second, without the database.
func BenchmarkTail(b *testing.B) {
	l := &ledger{now: noon}
	tail, _ := newTail(b, l, options{})
	require.NoError(b, tail.Turn(b.Context()))
	for b.Loop() {
		l.now = l.now.Add(time.Second)
		for i := range int64(1000) {
			l.rows = append(l.rows, ended(1+i, l.now, time.Duration(i*i)*time.Microsecond))
		}
		require.NoError(b, tail.Turn(b.Context()))
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "us/1000rows")
}
