package latency

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Depth counts the jobs of one kind that wait: scheduled, ready, dispatched and
// held.
type Depth struct {
	Key

	Waiting int64
	// OldestReady is how long the oldest ready one has waited; None: none is
	// ready.
	OldestReady time.Duration
}

// oldest returns the age of the oldest ready job of each queue, 0 for none.
func oldest(depths []Depth) map[job.Queue]time.Duration {
	ages := map[job.Queue]time.Duration{}
	for _, d := range depths {
		ages[d.Queue] = max(ages[d.Queue], d.OldestReady)
	}
	return ages
}
