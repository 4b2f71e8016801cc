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
type times struct {
	wait, run, e2e *prometheus.HistogramVec

	of map[job.Queue]timesOf
}

// timesOf are those of one queue.
type timesOf struct{ wait, run, e2e prometheus.Observer }

func newTimes() *times {
	buckets := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800}
	histogram := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{"queue"})
	}
	t := &times{
		of:   map[job.Queue]timesOf{},
		wait: histogram("inboxd_job_wait_seconds", "Time from an attempt's becoming ready to its start."),
		run:  histogram("inboxd_job_run_seconds", "Time an attempt ran in this process."),
		e2e:  histogram("inboxd_job_e2e_seconds", "Time from the creation of a job to its success."),
	}
	for _, q := range job.Queues() {
		t.of[q] = timesOf{t.wait.WithLabelValues(q.String()), t.run.WithLabelValues(q.String()), t.e2e.WithLabelValues(q.String())}
	}
	return t
}

// observe counts an attempt. All but the run is by the database's clock, which
// has set both ends of it.
func (t *times) observe(ctx context.Context, c job.Claimed, r job.Result, ran time.Duration, recorded bool) {
	of, ok := t.of[c.Queue]
	if !ok {
		return
	}
	trace := telemetry.ExemplarOf(ctx)
	trace.Observe(of.wait, max(c.StartedAt.Sub(c.ReadyAt), 0).Seconds())
	trace.Observe(of.run, ran.Seconds())
	if recorded && r.Verdict == job.Succeed {
		trace.Observe(of.e2e, (max(c.StartedAt.Sub(c.CreatedAt), 0) + ran).Seconds())
	}
}
