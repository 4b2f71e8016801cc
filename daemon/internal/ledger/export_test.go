package ledger

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/latency"
)

// PlanInOrder and PlanAnew are how they are planned.
const (
	PlanInOrder = planInOrder
	PlanAnew    = planAnew
)

// LatencyStatements are the statements that read what has ended.
func LatencyStatements() map[string]string {
	now := time.Now()
	within, _ := withinSQL(endedHistory, "h.finished_at", "h", latency.Mark{Snapshot: "1:1:"}, now, now, 0)
	org, _ := withinSQL(endedHistory, "h.finished_at", "h", latency.Mark{}, now, time.Time{}, 1)
	return map[string]string{"history": tailHistorySQL(), "events": tailEventsSQL(), "within": within, "org": org}
}
