package httpapi

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

// limitHits counts refusals. The orgs that are refused most keep their name, the
// rest share one: orgs are many, series are dear.
type limitHits struct {
	hits *prometheus.CounterVec

	mu     sync.Mutex // a name that has lost its place must not come back with the count that was under way
	labels *telemetry.Labels[string]
}

func newLimitHits(reg prometheus.Registerer, labels telemetry.LabelOptions) (*limitHits, error) {
	h := &limitHits{
		hits: prometheus.NewCounterVec(prometheus.CounterOpts{ // The name was agreed on with its users.
			Name: "inbox_rate_limit_hits",
			Help: "Requests refused because the org was over its limit.",
		}, []string{"org_id", "action"}),
		labels: telemetry.NewLabels[string](labels),
	}
	for _, a := range job.Actions() {
		h.hits.WithLabelValues(telemetry.OtherLabel, string(a))
	}
	return h, register(reg, h)
}

func (h *limitHits) count(org string, a job.Action) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn()
	if !h.labels.Weigh(org, 1) {
		org = telemetry.OtherLabel
	}
	h.hits.WithLabelValues(org, string(a)).Inc()
}

func (h *limitHits) turn() {
	for _, org := range h.labels.Turn() {
		h.hits.DeletePartialMatch(prometheus.Labels{"org_id": org})
	}
}

// Describe implements prometheus.Collector.
func (h *limitHits) Describe(out chan<- *prometheus.Desc) { h.hits.Describe(out) }

// Collect implements prometheus.Collector. It drops idle names first: nothing
// else happens to them.
func (h *limitHits) Collect(out chan<- prometheus.Metric) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn()
	h.hits.Collect(out)
}
