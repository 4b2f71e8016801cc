package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
	"github.com/bandeja/inboxd/tui/triage"
)

func newWorkersCmd(a *app) *cobra.Command {
	return newGroupCmd("workers", "worker", "Running processes of inboxd",
		newWorkersListCmd(a, nil), newWorkersShowCmd(a, nil), newWorkersDrainCmd(a, nil), newWorkersUndrainCmd(a, nil))
}

func workerColumns() []column[admin.Process] {
	type process = admin.Process
	return []column[process]{
		{name: "WORKER", right: true, cell: func(p process, _ time.Time) string { return p.ID }},
		{name: "MODE", cell: func(p process, _ time.Time) string { return p.Mode }},
		{name: "HOST", cell: func(p process, _ time.Time) string { return p.Host }},
		{name: "PID", right: true, cell: func(p process, _ time.Time) string { return countText(int64(p.PID)) }},
		{name: "STATE", cell: func(p process, _ time.Time) string { return string(triage.HealthOf(p)) }},
		{name: "BUSY", right: true, cell: func(p process, _ time.Time) string { return busyText(p) }},
		{name: "BEAT", cell: func(p process, _ time.Time) string { return text.Millis(float64(p.BeatAgeMS)) + " ago" }},
		{name: "CONTROL", right: true, cell: func(p process, _ time.Time) string {
			if p.ControlVersion == nil {
				return ""
			}
			return countText(*p.ControlVersion)
		}},
		{name: "VERSION", cell: func(p process, _ time.Time) string { return p.Version }},
		{name: "DRAINED BY", wide: true, cell: func(p process, _ time.Time) string { return maybe(p.DrainedBy) }},
		{name: "STARTED", wide: true, cell: func(p process, asOf time.Time) string { return agoText(&p.StartedAt, asOf) }},
	}
}

// busyText writes "3/10": jobs that run, and how many can.
func busyText(p admin.Process) string {
	if p.Running == nil || p.Mode == "api" {
		return ""
	}
	return fmt.Sprintf("%d/%d", *p.Running, p.Slots+p.BackgroundSlots)
}

// workerText names a process: "worker 3 (host:42)".
func workerText(p admin.Process) string {
	return text.Clean(fmt.Sprintf("worker %s (%s:%d)", p.ID, p.Host, p.PID))
}
