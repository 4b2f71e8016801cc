package worker

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

// times are the three times of the attempts that ended in this process, by
// queue: what job_* say of orgs and types as a whole, these say of each worker,
// with the trace of an attempt for every bucket.
type times struct{ wait, run, e2e *prometheus.HistogramVec }

func newTimes() *times {
	buckets := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800}
	histogram := func(name, help string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{"queue"})
		for _, q := range job.Queues() {
			h.WithLabelValues(q.String())
		}
		return h
	}
	return &times{
		wait: histogram("inboxd_job_wait_seconds", "Time from an attempt's becoming ready to its start."),
		run:  histogram("inboxd_job_run_seconds", "Time an attempt ran in this process."),
		e2e:  histogram("inboxd_job_e2e_seconds", "Time from the creation of a job to its success."),
	}
}

// observe counts an attempt. All but the run is by the database's clock, which
// has set both ends of it.
func (t *times) observe(ctx context.Context, c job.Claimed, r job.Result, ran time.Duration, recorded bool) {
	queue := c.Queue.String()
	telemetry.Observe(ctx, t.wait.WithLabelValues(queue), max(c.StartedAt.Sub(c.ReadyAt), 0).Seconds())
	telemetry.Observe(ctx, t.run.WithLabelValues(queue), ran.Seconds())
	if recorded && r.Verdict == job.Succeed {
		telemetry.Observe(ctx, t.e2e.WithLabelValues(queue), (max(c.StartedAt.Sub(c.CreatedAt), 0) + ran).Seconds())
	}
}
