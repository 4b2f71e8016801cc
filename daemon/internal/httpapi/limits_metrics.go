package httpapi

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

const (
	mostLimitedOrgs = 50       // that have a series of their own
	otherOrgs       = "_other" // no org has this name
)

// limitHits counts refusals. The first orgs that are refused keep their name,
// the rest share one: orgs are many, series are dear.
type limitHits struct {
	hits *prometheus.CounterVec

	mu    sync.Mutex
	named map[string]bool
}

func newLimitHits(reg prometheus.Registerer) (*limitHits, error) {
	h := &limitHits{
		hits: prometheus.NewCounterVec(prometheus.CounterOpts{ // The name was agreed on with its users.
			Name: "inbox_rate_limit_hits",
			Help: "Requests refused because the org was over its limit.",
		}, []string{"org_id", "action"}),
		named: map[string]bool{},
	}
	for _, a := range job.Actions() {
		h.hits.WithLabelValues(otherOrgs, string(a))
	}
	return h, register(reg, h.hits)
}

func (h *limitHits) count(org string, a job.Action) {
	h.hits.WithLabelValues(h.label(org), string(a)).Inc()
}

func (h *limitHits) label(org string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.named[org] {
		if len(h.named) == mostLimitedOrgs {
			return otherOrgs
		}
		h.named[org] = true
	}
	return org
}
