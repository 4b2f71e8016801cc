package measure

import (
	"github.com/bandeja/inboxd/daemon/bench/internal/report"
)

const (
	redisLane    = "inboxd redis lane"
	postgresLane = "inboxd postgres lane"
)

// Targets judges the tables by what the design promises.
func Targets(tables []*report.Table) (all []report.Target) {
	for _, t := range tables {
		if t.Name == "jobs" {
			all = append(all, jobTargets(t)...)
		}
	}
	return all
}

func jobTargets(t *report.Table) (all []report.Target) {
	over := func(ours, theirs string) report.Figure { return t.Figure(ours, "rate").Over(t.Figure(theirs, "rate")) }
	all = append(all,
		report.AtLeast("redis lane ÷ stock asynq, jobs/s", 1.2, 2, over(redisLane, "asynq")),
		report.AtLeast("redis lane ÷ asynq tuned alike", 0.7, 2, over(redisLane, "asynq tuned")),
		report.AtLeast("redis lane ÷ River tuned", 1, 2, over(redisLane, "River tuned")),
		report.AtLeast("redis lane ÷ BullMQ", 1, 2, over(redisLane, "BullMQ")),
		report.AtLeast("postgres lane ÷ River tuned", 1, 2, over(postgresLane, "River tuned")),
	)
	for _, lane := range []string{redisLane, postgresLane} {
		all = append(all,
			report.AtMost(lane+", P50 at 500/s, ms", 2, 2, t.Figure(lane, "p50")),
			report.AtMost(lane+", P99 at 500/s, ms", 10, 2, t.Figure(lane, "p99")),
			report.AtMost(lane+", idle, % of a core", 2, 1, t.Figure(lane, "idle")),
		)
	}
	return all
}
