package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
	"github.com/bandeja/inboxd/daemon/internal/latency"
)

// Operate plans, commits and carries out an operation in one call.
func (l *Ledger) Operate(ctx context.Context, r operation.Request) (operation.Operation, error) {
	return l.operate(ctx, r)
}

// AdoptEvents adopts one portion of events.
func AdoptEvents(ctx context.Context, l *Ledger, most int) (int64, error) {
	return l.adoptSome(ctx, fmt.Sprintf(adoptSQL, "job_events", "at"), most)
}

// Traced adds a trace to arguments.
func Traced(args json.RawMessage, trace string) json.RawMessage { return traced(args, trace) }

// Untrace takes it out again.
func Untrace(c *job.Claimed) { untrace(c) }

// ScanSQL returns the statements by which a plan reads.
func ScanSQL(kind operation.Kind, f inspect.Filter) (list []string, args [][]any) {
	for _, b := range branches(kind, f) {
		sql, a := scanSQL(b, f)
		list, args = append(list, sql), append(args, a)
	}
	return list, args
}

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

// RelaxedCommit opens the condition to its test.
const RelaxedCommit = relaxedCommit
