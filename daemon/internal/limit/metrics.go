package limit

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	local                   prometheus.Gauge
	granted, denied, byself prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		local: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "inboxd_limiter_local",
			Help: "Whether this process counts limits by itself (1), because Redis is away or not configured.",
		}),
	}
	checks := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "inboxd_limiter_checks_total",
		Help: "Answers about limits: granted (some or all), denied, or local (given or not by this process alone).",
	}, []string{"result"})
	m.granted, m.denied, m.byself = checks.WithLabelValues("granted"), checks.WithLabelValues("denied"), checks.WithLabelValues("local")
	if reg != nil {
		reg.MustRegister(m.local, checks)
	}
	return m
}

func (m *metrics) count(a answer) {
	switch {
	case a.local:
		m.byself.Inc()
	case a.granted > 0:
		m.granted.Inc()
	default:
		m.denied.Inc()
	}
}
