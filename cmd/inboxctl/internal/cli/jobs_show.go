package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

type jobsShowOptions struct {
	*app

	id     string
	reveal bool
	reason string
}

func newJobsShowCmd(a *app, run func(context.Context, *jobsShowOptions) error) *cobra.Command {
	o := &jobsShowOptions{app: a}
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one job and its life from top to bottom",
		Long: `Show one job and its life from top to bottom: what it waited for and for how
long, the holds that covered its waits, every attempt with its error, what Meta
has said of its message since, and who else has had a hand in it. -o wide adds the
table of attempts.

What it sends is not shown. --reveal shows that too: the text of the message, or
the template with its parameters. It needs the role operator, and who has seen it
is recorded in the audit trail.`,
		Example: `  inboxctl jobs show "$(inboxctl jobs list --limit 1 -o name)"
  inboxctl jobs show "$(inboxctl jobs list --limit 1 -o name)" -o json`,
		Args: takes("the ID of a job"),
		RunE: does(o, run, runJobsShow, &o.id),
	}
	cmd.Flags().BoolVar(&o.reveal, "reveal", false, "show what it sends, and record that you saw it")
	cmd.Flags().StringVar(&o.reason, "reason", "", "`TEXT` for the record: why (needed in a protected context)")
	return cmd
}

// get asks for the job. To reveal what it sends is like a change: it leaves a
// record.
func (o *jobsShowOptions) get(ctx context.Context, id string) (answer admin.One[admin.JobDetail], err error) {
	if !o.reveal {
		if o.reason != "" {
			return answer, usagef("--reason goes with --reveal: nothing else here is recorded")
		}
		client, _, err := o.connect()
		if err != nil {
			return answer, err
		}
		return client.Job(ctx, id)
	}
	client, _, err := o.change(ctx, changeFlags{yes: true, reason: o.reason})
	if err != nil {
		return answer, err
	}
	return client.RevealJob(ctx, id, o.reason)
}

func runJobsShow(ctx context.Context, o *jobsShowOptions) error {
	id, err := o.oneID(o.id)
	if err != nil {
		return err
	}
	answer, err := o.get(ctx, id)
	if err != nil {
		return err
	}
	return printOne(o.app, answer, o.jobText)
}

func (a *app) jobText(b *bytes.Buffer, j admin.JobDetail, asOf time.Time) {
	class, code, detail, last := errorTexts(j.Job)
	writePairs(b,
		pair{"job", j.ID}, pair{"org", j.Org}, pair{"user", maybe(j.User)},
		pair{"queue", j.Queue}, pair{"type", j.Type}, pair{"state", j.State}, pair{"priority", j.Priority},
		pair{"attempt", tryText(j.Job)}, pair{"lane", maybe(j.Lane)},
		pair{"conversation", maybe(j.ConversationID)}, pair{"message", maybe(j.MessageID)},
		pair{"error class", class}, pair{"error code", code}, pair{"error", detail}, pair{"what next", uncertainText(j.Job)},
		pair{"created", agoText(&j.CreatedAt, asOf)}, pair{"next attempt", nextText(j.Job, asOf)},
		pair{"finished", agoText(j.FinishedAt, asOf)}, pair{"deadline", deadlineText(j.Job, asOf)},
		pair{"last error", last},
		pair{"text", maybe(j.Text)}, pair{"template", maybe(j.Template)}, pair{"language", maybe(j.Language)}, pair{"components", jsonText(j.Components)},
	)
	if len(j.Timeline) > 0 {
		fmt.Fprintln(b)
		a.writeStory(b, j)
		if a.flags.output != "wide" {
			return
		}
	}
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

// writeStory tells the job's life from top to bottom: how long after its creation
// each thing came, and how long it took.
func (a *app) writeStory(b *bytes.Buffer, j admin.JobDetail) {
	type moment = admin.Moment
	since := func(m moment, _ time.Time) string {
		return "+" + text.Millis(float64(max(m.At.Sub(j.CreatedAt).Milliseconds(), 0)))
	}
	writeTable(b, []column[moment]{
		{name: "AFTER", right: true, cell: since},
		{name: "AT", wide: true, cell: func(m moment, _ time.Time) string { return m.At.UTC().Format("2006-01-02 15:04:05.000") }},
		{name: "EVENT", cell: func(m moment, _ time.Time) string { return m.Event }},
		{name: "TOOK", right: true, cell: func(m moment, _ time.Time) string { return msOf(m.TookMS) }},
		{name: "WHO", cell: func(m moment, _ time.Time) string { return maybe(m.Who) }},
		{name: "WHAT", cell: func(m moment, _ time.Time) string { return m.Text }},
	}, j.Timeline, j.CreatedAt, a.flags.output == "wide", !a.flags.noHeaders)
}

// jsonText writes the parameters of a template as Meta takes them.
func jsonText(components []any) string {
	if len(components) == 0 {
		return ""
	}
	raw, err := json.Marshal(components)
	if err != nil {
		return "" // It came from JSON.
	}
	return string(raw)
}

// errorTexts are class, code and detail of the trouble a job is in. One that is
// out of it, or on its way, has them in last, so that nobody reads it as being
// in trouble.
func errorTexts(j admin.Job) (class, code, detail, last string) {
	class, detail = maybe(j.ErrorClass), maybe(j.Error)
	if j.ErrorCode != nil {
		code = countText(int64(*j.ErrorCode))
	}
	switch j.State {
	case "dead", "uncertain", "scheduled": // scheduled with an error: it is retrying
		return class, code, detail, ""
	}
	if class == "ok" { // An answer of Meta's, not a fault.
		class = ""
	}
	return "", "", "", strings.Join(strings.Fields(class+" "+code+" "+detail), " ")
}

// uncertainText answers what everybody asks of an uncertain job. Only WhatsApp's
// webhooks say which job they are about.
func uncertainText(j admin.Job) string {
	if j.State != "uncertain" {
		return ""
	}
	settles := "an operator settles it (inboxctl jobs resolve)"
	if j.Queue == "whatsapp" {
		settles = "Meta's status webhook settles it, or an operator (inboxctl jobs resolve)"
	}
	return settles + "; it is never sent again by itself"
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
