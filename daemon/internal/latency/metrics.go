package latency

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

// The names down to job_retry_count were agreed on with their users.
const (
	durationName = "job_duration_seconds"
	depthName    = "job_queue_depth"
	retryName    = "job_retry_count"
)

// statuses are the values of the label status.
func statuses() map[Status]string {
	return map[Status]string{Done: "done", Dead: "dead", Cancelled: "cancelled", Uncertain: "uncertain"}
}

// metrics are what the log says, for Prometheus: the same in every process that
// has a tail, counters from its start.
type metrics struct {
	labels   *telemetry.Labels[int64]
	words    map[Status]string
	duration *prometheus.HistogramVec
	retries  *prometheus.CounterVec
	rows     prometheus.Counter
	oldest   *prometheus.GaugeVec
	depth    *depthCollector
	asOf     atomic.Int64 // unix microseconds
}

func newMetrics(reg prometheus.Registerer, labels *telemetry.Labels[int64], bytes func() float64) *metrics {
	m := &metrics{
		labels: labels, words: statuses(), depth: newDepthCollector(),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: durationName, Help: "Time an attempt ran, by what became of the job.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"job_type", "org_id", "status"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: retryName, Help: "Attempts after a job's first.",
		}, []string{"job_type", "org_id"}),
		rows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "inboxd_tail_rows_total", Help: "Rows of history and events that were counted.",
		}),
		oldest: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "inboxd_oldest_ready_seconds", Help: "How long the oldest ready job of a queue has waited; 0 if none is ready.",
		}, []string{"queue"}),
	}
	for _, t := range job.Types() {
		for _, word := range m.words {
			m.duration.WithLabelValues(t.String(), telemetry.OtherLabel, word)
		}
		m.retries.WithLabelValues(t.String(), telemetry.OtherLabel)
	}
	for _, q := range job.Queues() {
		m.oldest.WithLabelValues(q.String())
	}
	if reg != nil {
		reg.MustRegister(m.duration, m.retries, m.rows, m.oldest, m.depth,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "inboxd_tail_read_timestamp_seconds", Help: "Up to when history was counted, by the database's clock; 0: not yet.",
			}, func() float64 { return float64(m.asOf.Load()) / 1e6 }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "inboxd_latency_bytes", Help: "Memory used for the latency of single orgs.",
			}, bytes))
	}
	return m
}

// observe counts rows. names holds every org in them.
func (m *metrics) observe(_ context.Context, rows []Ended, names map[int64]string) {
	m.rows.Add(float64(len(rows)))
	worked := map[depthKey]bool{}
	for _, e := range rows {
		if e.Attempt == 0 {
			continue
		}
		typ, org := e.Type.String(), telemetry.OtherLabel
		if m.labels.Weigh(e.OrgID, 1) {
			org = names[e.OrgID]
		}
		worked[depthKey{e.Type, org}] = true
		if word, ok := m.words[e.Status]; ok && e.Run >= 0 {
			m.duration.WithLabelValues(typ, org, word).Observe(e.Run.Seconds())
		}
		if e.Attempt > 1 {
			m.retries.WithLabelValues(typ, org).Inc()
		}
	}
	m.depth.know(worked)
}

func (m *metrics) read(at time.Time) { m.asOf.Store(at.UnixMicro()) }

// turn deletes the series of orgs that have lost their place.
func (m *metrics) turn(name func(int64) string) {
	for _, org := range m.labels.Turn() {
		if name(org) == telemetry.OtherLabel {
			continue
		}
		gone := prometheus.Labels{"org_id": name(org)}
		m.depth.forget(name(org))
		m.duration.DeletePartialMatch(gone)
		m.retries.DeletePartialMatch(gone)
	}
}

// depths shows what waits now. A backlog keeps its org's place: somebody may be
// looking at it although nothing ends.
func (m *metrics) depths(depths []Depth, names map[int64]string) {
	seen := map[depthKey]int64{}
	for _, d := range depths {
		org := telemetry.OtherLabel
		if m.labels.Weigh(d.OrgID, 1+float64(d.Waiting)/100) {
			org = names[d.OrgID]
		}
		seen[depthKey{d.Type, org}] += d.Waiting
	}
	m.depth.set(seen)
	ages := oldest(depths)
	for _, q := range job.Queues() {
		m.oldest.WithLabelValues(q.String()).Set(max(ages[q], 0).Seconds())
	}
}

type depthKey struct {
	typ job.Type
	org string
}

// depthCollector shows the last count whole: a gauge per org, set one by one,
// would be seen half done. Whatever has had work shows 0 when nothing waits: a
// graph with a hole says less.
type depthCollector struct {
	desc *prometheus.Desc
	last atomic.Pointer[map[depthKey]int64]

	mu    sync.Mutex
	known map[depthKey]bool
}

func newDepthCollector() *depthCollector {
	c := &depthCollector{known: map[depthKey]bool{}, desc: prometheus.NewDesc(depthName,
		"Jobs that are scheduled, ready, dispatched or held.", []string{"job_type", "org_id"}, nil)}
	c.set(map[depthKey]int64{})
	return c
}

// know keeps a place for what has had work.
func (c *depthCollector) know(keys map[depthKey]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.Copy(c.known, keys)
}

// forget gives up the places of an org.
func (c *depthCollector) forget(org string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.known, func(k depthKey, _ bool) bool { return k.org == org })
}

// set takes a count; the rest of the orgs always has a series.
func (c *depthCollector) set(seen map[depthKey]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range job.Types() {
		c.known[depthKey{t, telemetry.OtherLabel}] = true
	}
	for k := range seen {
		c.known[k] = true
	}
	for k := range c.known {
		seen[k] += 0
	}
	c.last.Store(&seen)
}

// Describe implements prometheus.Collector.
func (c *depthCollector) Describe(out chan<- *prometheus.Desc) { out <- c.desc }

// Collect implements prometheus.Collector.
func (c *depthCollector) Collect(out chan<- prometheus.Metric) {
	for k, n := range *c.last.Load() {
		out <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(n), k.typ.String(), k.org) //nolint:promlinter // it cannot follow c.desc
	}
}
