// Package latency knows how long work takes. It keeps three times apart: wait
// (of each attempt: it became ready to its start), run (of each attempt: its
// start to its outcome) and e2e (once per job: created to final), as histograms
// per queue, job type and org over the last 1m, 5m, 15m, 1h and 24h.
//
// History and events are the log it reads: Tail follows them once a second by
// transaction, each row once, and feeds the windows and the metrics. It owns the
// counting; it refuses SQL (the ledger has it), and workers write nothing extra.
package latency

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Metric is which of the three times is meant. The numbers are stored.
type Metric int16

// The metrics.
const (
	Wait Metric = 1
	Run  Metric = 2
	E2E  Metric = 3
)

// Metrics lists the three times in the order operators see them.
func Metrics() []Metric { return []Metric{Wait, Run, E2E} }

// String returns the public word.
func (m Metric) String() string {
	names := [...]string{"", "wait", "run", "e2e"}
	if m < 1 || int(m) >= len(names) {
		return "unknown"
	}
	return names[m]
}

// ParseMetric returns the metric with this public word.
func ParseMetric(s string) (Metric, bool) {
	for _, m := range Metrics() {
		if m.String() == s {
			return m, true
		}
	}
	return 0, false
}

// Key is what times are counted under. OrgID 0 is all orgs together.
type Key struct {
	OrgID int64
	Queue job.Queue
	Type  job.Type
}

// Status is what a row of history or events says has happened.
type Status int16

// The statuses. Failed is an attempt that will be followed by another.
const (
	Done      Status = 1
	Cancelled Status = 2
	Discarded Status = 3
	Failed    Status = 4
	Dead      Status = 5
	Uncertain Status = 6
)

// None is a time there is none of.
const None time.Duration = -1

// Ended is the end of an attempt, of a job, or of both at once.
type Ended struct {
	Key

	At      time.Time // by the database's clock
	Status  Status
	Attempt int           // its number, from 1; 0: no attempt ended
	Wait    time.Duration // None: not known, or no attempt ended
	Run     time.Duration // None: no attempt ended
	E2E     time.Duration // None: the job is not final
}

// Of returns one of the three times; None if there is none.
func (e Ended) Of(m Metric) time.Duration {
	switch m {
	case Wait:
		return e.Wait
	case Run:
		return e.Run
	case E2E:
		return e.E2E
	}
	return None
}

// Times are the histograms of the three times.
type Times [3]Histogram

// Of returns the histogram of one time.
func (t *Times) Of(m Metric) *Histogram { return &t[m-1] }

// Merge adds what another has counted.
func (t *Times) Merge(o *Times) {
	for i := range t {
		t[i].Merge(o[i])
	}
}

// Add counts the times of one end.
func (t *Times) Add(e Ended) {
	for _, m := range Metrics() {
		if d := e.Of(m); d >= 0 {
			t.Of(m).Add(d)
		}
	}
}

// size is how many buckets are in use, of all three.
func (t *Times) size() int { return len(t[0]) + len(t[1]) + len(t[2]) }

// n is how many attempts were counted: what makes an org busy.
func (t *Times) n() int64 { return t.Of(Run).N() }
