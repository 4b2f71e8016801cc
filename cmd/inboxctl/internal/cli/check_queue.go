package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

func newCheckQueueCmd(a *app, run func(context.Context, *checkOptions) error) *cobra.Command {
	o := &checkOptions{app: a, check: "queue", look: lookAtQueue}
	return o.command("queue QUEUE", "Whether a queue is served in time",
		`Whether a queue is served in time. Measures: oldest, the age of its oldest ready
job (warning from 1m, critical from 5m); depth, dead, uncertain and holds, which
have no bounds of their own.`,
		`  inboxctl check queue whatsapp
  inboxctl check queue whatsapp --warn 30s,dead=10 --crit 2m --format nagios`, run, takes("the NAME of the queue"))
}

func lookAtQueue(ctx context.Context, client *admin.Client, o *checkOptions) (report, error) {
	answer, err := client.Queue(ctx, o.of)
	if err != nil {
		return report{}, err
	}
	q := answer.Item
	return report{
		of: q.Name, stale: time.Duration(answer.StaleMS) * time.Millisecond,
		measures: append(queueMeasures([]admin.Queue{q.Queue}), number("holds", int64(len(q.HoldList)))),
	}, nil
}

// queueMeasures are those of queues together: the oldest of all, and sums.
func queueMeasures(queues []admin.Queue) []measure {
	var oldest time.Duration
	var depth, dead, uncertain int64
	for _, q := range queues {
		if q.OldestReadyMS != nil {
			oldest = max(oldest, time.Duration(*q.OldestReadyMS)*time.Millisecond)
		}
		depth += q.Scheduled + q.Ready + q.Dispatched + q.Held
		dead += q.Dead
		uncertain += q.Uncertain
	}
	return []measure{
		seconds("oldest", oldest, time.Minute, 5*time.Minute),
		number("depth", depth), number("dead", dead), number("uncertain", uncertain),
	}
}
