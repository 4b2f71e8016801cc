package dispatch

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// metrics show what the dispatcher allows itself.
type metrics struct{ window, dial *prometheus.GaugeVec }

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{window: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "inboxd_window_size", Help: "Jobs of a queue that may be on the redis lane at once, as this worker sees it.",
	}, []string{"queue"}), dial: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "inboxd_dial_share", Help: "Share of the conversations whose jobs travel by the redis lane now, as this worker sees it.",
	}, []string{"queue"})}
	for _, q := range job.Queues() {
		m.window.WithLabelValues(q.String())
		m.dial.WithLabelValues(q.String())
	}
	if reg != nil {
		reg.MustRegister(m.window, m.dial)
	}
	return m
}

func (m *metrics) show(sizes map[job.Queue]int, dial func(job.Queue) int) {
	for q, size := range sizes {
		m.window.WithLabelValues(q.String()).Set(float64(size))
		m.dial.WithLabelValues(q.String()).Set(float64(dial(q)) / 100)
	}
}
