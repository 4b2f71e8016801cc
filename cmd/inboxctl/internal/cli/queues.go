package cli

import (
	"cmp"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

func newQueuesCmd(a *app) *cobra.Command {
	return newGroupCmd("queues", "queue", "Queues of jobs", newQueuesListCmd(a, nil))
}

// worstFirst sorts a copy: the longest wait first, then the most dead.
func worstFirst(queues []admin.Queue) []admin.Queue {
	sorted := slices.Clone(queues)
	slices.SortStableFunc(sorted, func(a, b admin.Queue) int {
		return cmp.Or(cmp.Compare(wait(b), wait(a)), cmp.Compare(b.Dead+b.Uncertain, a.Dead+a.Uncertain))
	})
	return sorted
}

func wait(q admin.Queue) int64 {
	if q.OldestReadyMS == nil {
		return -1
	}
	return *q.OldestReadyMS
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
		count("READY", false, func(q admin.Queue) int64 { return q.Ready }),
		value("OLDEST", false, func(q admin.Queue) string { return msOf(q.OldestReadyMS) }),
		count("RUNNING", false, func(q admin.Queue) int64 { return q.Dispatched + q.Running }),
		count("RETRYING", false, func(q admin.Queue) int64 { return q.Retrying }),
		count("SCHEDULED", true, func(q admin.Queue) int64 { return q.Scheduled }),
		count("HELD", true, func(q admin.Queue) int64 { return q.Held }),
		count("UNCERTAIN", false, func(q admin.Queue) int64 { return q.Uncertain }),
		count("DEAD", false, func(q admin.Queue) int64 { return q.Dead }),
		value("IN", true, func(q admin.Queue) string { return rateText(q.InPerS) }),
		value("DONE", true, func(q admin.Queue) string { return rateText(q.DonePerS) }),
		value("DIAL", true, func(q admin.Queue) string {
			if q.Dial == nil {
				return ""
			}
			return countText(int64(*q.Dial)) + "%"
		}),
		value("WAIT P50", true, func(q admin.Queue) string { return latencyText(q.Latency.Wait.P50MS) }),
		value("WAIT P95", false, func(q admin.Queue) string { return latencyText(q.Latency.Wait.P95MS) }),
		value("RUN P95", true, func(q admin.Queue) string { return latencyText(q.Latency.Run.P95MS) }),
		value("E2E P95", true, func(q admin.Queue) string { return latencyText(q.Latency.E2E.P95MS) }),
	}
}
