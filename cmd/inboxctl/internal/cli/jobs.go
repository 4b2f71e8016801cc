package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

func newJobsCmd(a *app) *cobra.Command {
	return newGroupCmd("jobs", "job", "Units of work", newJobsListCmd(a, nil), newJobsShowCmd(a, nil), newJobsWhyCmd(a, nil), newJobsCountCmd(a, nil),
		newJobsGroupsCmd(a, nil), newJobsExportCmd(a, nil), newJobsRetryCmd(a, nil),
		newJobsCancelCmd(a, nil), newJobsDiscardCmd(a, nil), newJobsHoldCmd(a, nil), newJobsReleaseCmd(a, nil), newJobsResolveCmd(a, nil))
}

func jobColumns() []column[admin.Job] {
	type job = admin.Job
	return []column[job]{
		{name: "ID", right: true, cell: func(j job, _ time.Time) string { return j.ID }},
		{name: "ORG", cell: func(j job, _ time.Time) string { return j.Org }},
		{name: "QUEUE", cell: func(j job, _ time.Time) string { return j.Queue }},
		{name: "TYPE", cell: func(j job, _ time.Time) string { return j.Type }},
		{name: "STATE", cell: func(j job, _ time.Time) string { return j.State }},
		{name: "TRY", right: true, cell: func(j job, _ time.Time) string { return tryText(j) }},
		{name: "AGE", right: true, cell: func(j job, _ time.Time) string { return text.Millis(float64(j.AgeMS)) }},
		{name: "ERROR", cell: func(j job, _ time.Time) string { return maybe(j.ErrorClass) }},
		{name: "SIG", wide: true, cell: func(j job, _ time.Time) string { return maybe(j.ErrorSig) }},
		{name: "USER", wide: true, cell: func(j job, _ time.Time) string { return maybe(j.User) }},
		{name: "PRIORITY", wide: true, cell: func(j job, _ time.Time) string { return j.Priority }},
		{name: "LANE", wide: true, cell: func(j job, _ time.Time) string { return maybe(j.Lane) }},
		{name: "CONVERSATION", wide: true, right: true, cell: func(j job, _ time.Time) string { return maybe(j.ConversationID) }},
		{name: "DETAIL", wide: true, cell: func(j job, _ time.Time) string { return maybe(j.Error) }},
	}
}

// tryText writes "2/5": the attempt, and how many there are.
func tryText(j admin.Job) string {
	if j.MaxAttempts == nil {
		return countText(int64(j.Attempt))
	}
	return fmt.Sprintf("%d/%d", j.Attempt, *j.MaxAttempts)
}
