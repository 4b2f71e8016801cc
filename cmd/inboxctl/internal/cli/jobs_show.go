package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type jobsShowOptions struct {
	*app

	id string
}

func newJobsShowCmd(a *app, run func(context.Context, *jobsShowOptions) error) *cobra.Command {
	o := &jobsShowOptions{app: a}
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show one job with all its attempts",
		Example: `  inboxctl jobs show "$(inboxctl jobs list --limit 1 -o name)"
  inboxctl jobs show "$(inboxctl jobs list --limit 1 -o name)" -o json`,
		Args: takes("the ID of a job"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.id = args[0]
			return pick(run, runJobsShow)(cmd.Context(), o)
		},
	}
}

func runJobsShow(ctx context.Context, o *jobsShowOptions) error {
	ids, err := o.readIDs([]string{o.id})
	if err != nil {
		return err
	}
	if len(ids) != 1 {
		return usagef("show one job at a time")
	}
	client, _, err := o.connect()
	if err != nil {
		return err
	}
	answer, err := client.Job(ctx, ids[0])
	if err != nil {
		return err
	}
	return printOne(o.app, answer, o.jobText)
}

func (a *app) jobText(b *bytes.Buffer, j admin.JobDetail, asOf time.Time) {
	code := ""
	if j.ErrorCode != nil {
		code = countText(int64(*j.ErrorCode))
	}
	writePairs(b,
		pair{"job", j.ID}, pair{"org", j.Org}, pair{"user", maybe(j.User)},
		pair{"queue", j.Queue}, pair{"type", j.Type}, pair{"state", j.State}, pair{"priority", j.Priority},
		pair{"attempt", tryText(j.Job)}, pair{"lane", maybe(j.Lane)},
		pair{"conversation", maybe(j.ConversationID)}, pair{"message", maybe(j.MessageID)},
		pair{"error class", maybe(j.ErrorClass)}, pair{"error code", code}, pair{"error", maybe(j.Error)},
		pair{"created", agoText(&j.CreatedAt, asOf)}, pair{"next attempt", nextText(j.Job, asOf)},
		pair{"finished", agoText(j.FinishedAt, asOf)}, pair{"deadline", deadlineText(j.Job, asOf)},
	)
	switch {
	case len(j.Attempts) == 0 && j.Attempt == 0:
		fmt.Fprintln(b, "\nNot tried yet.")
		return
	case len(j.Attempts) == 0:
		fmt.Fprintln(b, "\nNo attempt is on record.")
		return
	}
	fmt.Fprintln(b)
	writeTable(b, attemptColumns(), j.Attempts, asOf, a.flags.output == "wide", !a.flags.noHeaders)
}

func nextText(j admin.Job, asOf time.Time) string {
	if j.State != "scheduled" {
		return ""
	}
	return agoText(j.RunAt, asOf)
}

// deadlineText matters only while the job can still start.
func deadlineText(j admin.Job, asOf time.Time) string {
	if j.FinishedAt != nil || j.State == "dead" {
		return ""
	}
	return agoText(j.DeadlineAt, asOf)
}

func attemptColumns() []column[admin.Attempt] {
	type attempt = admin.Attempt
	return []column[attempt]{
		{name: "TRY", right: true, cell: func(t attempt, _ time.Time) string { return countText(int64(t.Attempt)) }},
		{name: "OUTCOME", cell: func(t attempt, _ time.Time) string { return t.Outcome }},
		{name: "STARTED", cell: func(t attempt, asOf time.Time) string { return agoText(t.StartedAt, asOf) }},
		{name: "WAIT", right: true, cell: func(t attempt, _ time.Time) string { return msOf(t.WaitMS) }},
		{name: "RUN", right: true, cell: func(t attempt, _ time.Time) string { return msOf(t.RunMS) }},
		{name: "LANE", cell: func(t attempt, _ time.Time) string { return maybe(t.Lane) }},
		{name: "PROCESS", cell: func(t attempt, _ time.Time) string { return maybe(t.ProcessID) }},
		{name: "HOST", wide: true, cell: func(t attempt, _ time.Time) string { return maybe(t.Host) }},
		{name: "EPOCH", wide: true, right: true, cell: func(t attempt, _ time.Time) string { return countText(int64(t.Epoch)) }},
		{name: "ERROR", cell: func(t attempt, _ time.Time) string { return maybe(t.ErrorClass) }},
		{name: "DETAIL", cell: func(t attempt, _ time.Time) string { return maybe(t.Error) }},
	}
}
