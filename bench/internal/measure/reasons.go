package measure

import (
	"fmt"
	"math"
	"runtime"

	"github.com/bandeja/inboxd/daemon/bench/internal/report"
)

// reasons say of each target what stands in its way, with the floor that the same
// run shows. A target that is met needs none.
type reasons struct {
	costs *report.Table // of a job, nil: not measured
}

func newReasons(tables []*report.Table) reasons {
	for _, t := range tables {
		if t.Name == "costs" {
			return reasons{t}
		}
	}
	return reasons{}
}

// cost is the processor time of one job of a contender, in microseconds.
func (r reasons) cost(row, column string) float64 {
	if r.costs == nil {
		return math.NaN()
	}
	return r.costs.Figure(row, column).Median()
}

// redisLane: a copy costs what a task of asynq costs, the ledger what it costs by
// the postgres lane, and nothing of either can be left out.
func (r reasons) redisLane() string {
	ledger, copies, ours := r.cost(postgresLane, "all"), r.cost("asynq tuned", "all"), r.cost(redisLane, "all")
	floor := 1e6 * float64(runtime.NumCPU()) / (ledger + copies)
	if math.IsNaN(floor + ours) {
		return ""
	}
	return fmt.Sprintf("every job is durable, claimed and settled in PostgreSQL (%.0f µs of processor, as by the postgres lane) and its copy goes through asynq "+
		"(%.0f µs, as asynq tuned): together a floor at %.0f jobs/s; it needs %.0f µs, because being handed out and being started are "+
		"two writes where the postgres lane has one", ledger, copies, floor, ours)
}

func (r reasons) postgresLane() string {
	ours, theirs := r.cost(postgresLane, "all"), r.cost("River tuned", "all")
	if math.IsNaN(ours + theirs) {
		return ""
	}
	return fmt.Sprintf("it needs %.0f µs of processor per job, River %.0f: River asks for any ready job, this lane for those whose org, channel, conversation "+
		"and hold allow it", ours, theirs)
}

const (
	waitReason = "two commits are waited for one after the other, that of the job and that of its start, with a look and a claim between them; " +
		"500 single jobs a second are some 1,500 commits and leave little of two cores, and the feeder has its share of them"
	limiterReason = "an exact window keeps a list of grants per key: with more keys each check reads and writes another one, where a bare script touches nothing"
	orgsReason    = "a look walks from org to org, and a claim names each org that has work: both grow with the orgs that have some, not with the jobs"
	historyReason = "larger indexes are deeper, and their pages are in the cache less often"
	sendReason    = "processor bound: HTTP, the limiter, and the statements for the idempotency key, the lock of the conversation, the job, the message and the clock"
	retryReason   = "each job and its message are locked, written down for the undo and changed, in chunks small enough that no statement takes 200 ms"
)
