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
	why := newReasons(tables)
	for _, t := range tables {
		switch t.Name {
		case "jobs":
			all = append(all, jobTargets(t, why)...)
		case "growth":
			all = append(all, growthTargets(t)...)
		case "limits":
			all = append(all, report.AtLeast("limit check ÷ bare EVALSHA, 10,000 keys", 0.9, 2, t.Figure(ourLimiter, "10000").Over(t.Figure(bareScript, "10000"))).Because(limiterReason))
		case "api":
			all = append(all, apiTargets(t)...)
		case "operator":
			all = append(all,
				report.AtMost("retry of one org's tenth of the dead jobs, ms", 10_000, 0, t.Figure(retryRow, "ours")).Because(retryReason),
				report.AtMost("status, ms", 150, 1, t.Figure(statusRow, "ours")), report.AtMost("jobs list, ms", 150, 1, t.Figure(listRow, "ours")))
		case "recovery":
			all = append(all, report.AtMost("worker killed -9, its last job begun again, s", 30, 1, t.Figure("inboxd", "last")))
		case "tools":
			all = append(all, report.AtMost("a frame of top, ms", 1, 2, t.Figure(frameRow, "p50")))
		}
	}
	return all
}

func jobTargets(t *report.Table, why reasons) (all []report.Target) {
	over := func(ours, theirs string) report.Figure { return t.Figure(ours, "rate").Over(t.Figure(theirs, "rate")) }
	all = append(all,
		report.AtLeast("redis lane ÷ stock asynq, jobs/s", 1.2, 2, over(redisLane, "asynq")).Because(why.redisLane()),
		report.AtLeast("redis lane ÷ asynq tuned alike", 0.7, 2, over(redisLane, "asynq tuned")).Because(why.redisLane()),
		report.AtLeast("redis lane ÷ River tuned", 1, 2, over(redisLane, "River tuned")).Because(why.redisLane()),
		report.AtLeast("redis lane ÷ BullMQ", 1, 2, over(redisLane, "BullMQ")).Because(why.redisLane()),
		report.AtLeast("postgres lane ÷ River tuned", 1, 2, over(postgresLane, "River tuned")).Because(why.postgresLane()),
	)
	for _, lane := range []string{redisLane, postgresLane} {
		all = append(all,
			report.AtMost(lane+", P50 at 500/s, ms", 2, 2, t.Figure(lane, "p50")).Because(waitReason),
			report.AtMost(lane+", P99 at 500/s, ms", 10, 2, t.Figure(lane, "p99")).Because(waitReason),
			report.AtMost(lane+", idle, % of a core", 2, 1, t.Figure(lane, "idle")),
		)
	}
	return all
}

func growthTargets(t *report.Table) []report.Target {
	return []report.Target{
		report.Within("processor time per job, much history ÷ little", 0.1, t.Figure(manyHistory, "all").Over(t.Figure(fewHistory, "all"))).Because(historyReason),
		report.Within("processor time per job, many orgs ÷ few", 0.1, t.Figure(manyOrgs, "all").Over(t.Figure(fewOrgs, "all"))).Because(orgsReason),
	}
}

func apiTargets(t *report.Table) []report.Target {
	return []report.Target{
		report.AtLeast("accepted sends a second", sendTarget, 0, t.Figure(sendsRow, "rate")).Because(sendReason),
		report.AtMost("a send at half of that, P99 ms", 100, 1, t.Figure(sendsRow, "half")).Because(sendReason),
		report.AtLeast("webhook messages a second, by 100", webhookTarget, 0, t.Figure(webhooksRow(100), "rate")),
		report.AtMost("a webhook of 100 at half of that, P99 ms", 100, 1, t.Figure(webhooksRow(100), "half")),
	}
}
