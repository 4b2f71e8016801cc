package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

func newQueuesCmd(a *app) *cobra.Command {
	return newGroupCmd("queues", "queue", "Queues of jobs", newQueuesListCmd(a, nil), newQueuesShowCmd(a, nil),
		newQueuesPauseCmd(a, nil), newQueuesResumeCmd(a, nil), newQueuesDialCmd(a, nil))
}

func queueColumns() []column[admin.Queue] {
	count := func(name string, wide bool, n func(admin.Queue) int64) column[admin.Queue] {
		return column[admin.Queue]{name: name, right: true, wide: wide, cell: func(q admin.Queue, _ time.Time) string { return countText(n(q)) }}
	}
	value := func(name string, wide bool, s func(admin.Queue) string) column[admin.Queue] {
		return column[admin.Queue]{name: name, right: true, wide: wide, cell: func(q admin.Queue, _ time.Time) string { return s(q) }}
	}
	return []column[admin.Queue]{
		{name: "QUEUE", cell: func(q admin.Queue, _ time.Time) string { return q.Name }},
		{name: "STATE", cell: func(q admin.Queue, _ time.Time) string { return heldState(q.Paused, q.Holds) }},
		count("READY", false, func(q admin.Queue) int64 { return q.Ready }),
		value("OLDEST", false, func(q admin.Queue) string { return msOf(q.OldestReadyMS) }),
		count("DISP", false, func(q admin.Queue) int64 { return q.Dispatched }),
		count("RUN", false, func(q admin.Queue) int64 { return q.Running }),
		count("RETRY", false, func(q admin.Queue) int64 { return q.Retrying }),
		count("SCHEDULED", true, func(q admin.Queue) int64 { return q.Scheduled }),
		count("HELD", true, func(q admin.Queue) int64 { return q.Held }),
		count("UNCERTAIN", false, func(q admin.Queue) int64 { return q.Uncertain }),
		count("DEAD", false, func(q admin.Queue) int64 { return q.Dead }),
		value("IN", true, func(q admin.Queue) string { return rateText(q.InPerS) }),
		value("DONE", true, func(q admin.Queue) string { return rateText(q.DonePerS) }),
		value("DIAL", true, func(q admin.Queue) string { return dialText(q.Dial) }),
		value("WINDOW", true, func(q admin.Queue) string {
			if q.Latency.WindowMS <= 0 {
				return ""
			}
			return msOf(&q.Latency.WindowMS)
		}),
		value("WAIT P50", true, func(q admin.Queue) string { return msOf(q.Latency.Wait.P50MS) }),
		value("WAIT P95", false, func(q admin.Queue) string { return msOf(q.Latency.Wait.P95MS) }),
		value("RUN P95", true, func(q admin.Queue) string { return msOf(q.Latency.Run.P95MS) }),
		value("E2E P95", true, func(q admin.Queue) string { return msOf(q.Latency.E2E.P95MS) }),
	}
}

// heldState marks what is paused, or held in part.
func heldState(paused bool, holds *int) string {
	switch {
	case paused:
		return "paused"
	case holds != nil && *holds > 0:
		return plural(int64(*holds), "hold")
	}
	return ""
}
