package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

func newOpsCmd(a *app) *cobra.Command {
	return newGroupCmd("ops", "op", "Operations: changes of many jobs", newOpsListCmd(a, nil), newOpsShowCmd(a, nil),
		newOpsWatchCmd(a, nil), newOpsAbortCmd(a, nil), newOpsUndoCmd(a, nil))
}

func operationColumns() []column[admin.Operation] {
	type op = admin.Operation
	count := func(name string, n func(op) int64) column[op] {
		return column[op]{name: name, right: true, cell: func(o op, _ time.Time) string { return countText(n(o)) }}
	}
	return []column[op]{
		{name: "OPERATION", right: true, cell: func(o op, _ time.Time) string { return o.ID }},
		{name: "KIND", cell: func(o op, _ time.Time) string { return o.Kind }},
		{name: "STATE", cell: func(o op, _ time.Time) string { return stateText(o) }},
		count("JOBS", func(o op) int64 { return o.Plan.Matched }),
		count("DONE", func(o op) int64 { return o.Progress.Done }),
		count("SKIPPED", func(o op) int64 { return countSkips(o.Progress.Skipped) }),
		count("FAILED", func(o op) int64 { return o.Progress.Failed }),
		{name: "BY", cell: func(o op, _ time.Time) string { return o.Actor }},
		{name: "CREATED", cell: func(o op, asOf time.Time) string { return agoText(&o.CreatedAt, asOf) }},
		{name: "FINISHED", wide: true, cell: func(o op, asOf time.Time) string { return agoText(o.FinishedAt, asOf) }},
		{name: "UNDONE BY", wide: true, right: true, cell: func(o op, _ time.Time) string { return maybe(o.UndoneBy) }},
		{name: "REASON", wide: true, cell: func(o op, _ time.Time) string { return maybe(o.Reason) }},
	}
}

// stateText adds what a running operation waits for.
func stateText(o admin.Operation) string {
	if o.State == admin.OpRunning && o.Progress.Phase == phaseWaiting {
		return o.State + " (canary)"
	}
	return o.State
}

func itemColumns() []column[admin.OperationItem] {
	type item = admin.OperationItem
	return []column[item]{
		{name: "JOB", right: true, cell: func(i item, _ time.Time) string { return i.JobID }},
		{name: "ORG", cell: func(i item, _ time.Time) string { return i.Org }},
		{name: "RESULT", cell: func(i item, _ time.Time) string { return i.Result }},
		{name: "REASON", cell: func(i item, _ time.Time) string { return i.Reason }},
	}
}

// selectionText writes a selector in the words of its flags: "org acme, state
// dead".
func selectionText(s *admin.Selector) string {
	if s == nil {
		return ""
	}
	var parts []string
	for _, f := range []struct {
		name  string
		words []string
	}{{"org", s.Org}, {"queue", s.Queue}, {"type", s.Type}, {"state", s.State}, {"error", s.Error}, {"user", s.User}} {
		if len(f.words) > 0 {
			parts = append(parts, f.name+" "+strings.Join(f.words, "|"))
		}
	}
	if s.Since != nil {
		parts = append(parts, "since "+s.Since.UTC().Format(time.RFC3339))
	}
	if s.Until != nil {
		parts = append(parts, "until "+s.Until.UTC().Format(time.RFC3339))
	}
	if s.OlderThanMS != nil {
		parts = append(parts, "older than "+msOf(s.OlderThanMS))
	}
	switch n := len(s.IDs); {
	case n == 1:
		parts = append(parts, "job "+s.IDs[0])
	case n > 1:
		parts = append(parts, plural(int64(n), "job")+" named by id")
	}
	return orElse(strings.Join(parts, ", "), "all")
}
