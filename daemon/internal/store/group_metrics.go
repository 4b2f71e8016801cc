package store

import "github.com/prometheus/client_golang/prometheus"

// groupMetrics tell how much requests of one kind share.
type groupMetrics struct {
	size, wait prometheus.Observer
	alone      map[aloneReason]prometheus.Counter
}

// aloneReason is why a request was done in a transaction of its own.
type aloneReason string

const (
	aloneHeld    aloneReason = "held"    // somebody held its conversation
	aloneBehind  aloneReason = "behind"  // one before it in its conversation is done alone
	aloneRefused aloneReason = "refused" // the server refused the shared one
)

// newGroupMetrics returns the metrics of the groups of these kinds.
func newGroupMetrics(reg prometheus.Registerer, kinds ...string) map[string]groupMetrics {
	size := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "inboxd_group_size", Help: "Requests that shared a transaction (send, webhook), per transaction.",
		Buckets: prometheus.ExponentialBuckets(1, 2, 10),
	}, []string{"kind"})
	wait := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "inboxd_group_wait_seconds", Help: "Time a request waited until its transaction began.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5},
	}, []string{"kind"})
	alone := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "inboxd_group_alone_total",
		Help: "Requests done in a transaction of their own, by reason: held, behind another one, refused.",
	}, []string{"kind", "reason"})
	if reg != nil {
		reg.MustRegister(size, wait, alone)
	}
	of := map[string]groupMetrics{}
	for _, k := range kinds {
		reasons := map[aloneReason]prometheus.Counter{}
		for _, r := range []aloneReason{aloneHeld, aloneBehind, aloneRefused} {
			reasons[r] = alone.WithLabelValues(k, string(r))
		}
		of[k] = groupMetrics{size.WithLabelValues(k), wait.WithLabelValues(k), reasons}
	}
	return of
}
