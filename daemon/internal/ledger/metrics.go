package ledger

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	denied    *prometheus.CounterVec
	recalled  *prometheus.CounterVec
	uncertain prometheus.Counter
	lost      prometheus.Counter
	cooldowns *prometheus.CounterVec
	batch     prometheus.Histogram
	wait      prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		denied: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inboxd_claims_denied_total",
			Help: "Start claims not granted, by reason (denied: another epoch or state; gone: final; expired: the ticket was too old; held: by a hold or a cancel).",
		}, []string{"reason"}),
		recalled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inboxd_recalls_total",
			Help: "Dispatched jobs taken back to ready, by reason.",
		}, []string{"reason"}),
		uncertain: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "inboxd_jobs_uncertain_total",
			Help: "Jobs whose outside effect became unknown.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "inboxd_workers_lost_total",
			Help: "Processes declared dead by this one.",
		}),
		cooldowns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "inboxd_cooldowns_total",
			Help: "Rests the provider has asked for, by what rests (app, waba, channel), or that it has forced on us (provider).",
		}, []string{"scope"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "inboxd_commit_batch_size", Help: "Starts and finishes per group commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		wait: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "inboxd_commit_wait_seconds", Help: "Time a start or finish waited until it was durable.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 5},
		}),
	}
	for _, r := range []verdict{denied, gone, expired, held} {
		m.denied.WithLabelValues(r.String())
	}
	for _, r := range []string{"enqueue", "drain", "stale", "claim_lost", "worker_lost", "redis_lost", "breaker", "hold", "dial"} {
		m.recalled.WithLabelValues(r)
	}
	for _, s := range []string{"app", "waba", "channel", "provider"} {
		m.cooldowns.WithLabelValues(s)
	}
	if reg != nil {
		reg.MustRegister(m.denied, m.recalled, m.uncertain, m.lost, m.cooldowns, m.batch, m.wait)
	}
	return m
}
