package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type jobsCancelOptions struct {
	bulkOptions
}

func newJobsCancelCmd(a *app, run func(context.Context, *jobsCancelOptions) error) *cobra.Command {
	o := &jobsCancelOptions{bulkOptions{app: a}}
	cmd := &cobra.Command{
		Use:   "cancel [ID...]",
		Short: "End jobs that wait, ask running ones to stop",
		Long: `End jobs for good: those named by id, or those a selector chooses. Scheduled,
ready, dispatched and held jobs are cancelled at once. Running ones are asked to
stop: what has left already cannot be called back. Dead and uncertain jobs are
left alone. More than one job asks first: --dry-run shows what would happen,
--yes does not ask.

It exits 3 if the server stopped before it had seen every job; the same command
goes on from there.`,
		Example: `  inboxctl jobs cancel --org acme --type send_template --dry-run
  inboxctl jobs cancel --org acme --queue whatsapp --older-than 2h --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.args = args
			return pick(run, runJobsCancel)(cmd.Context(), o)
		},
	}
	o.add(cmd, "in these `STATES`: scheduled, ready, dispatched, running, held, retrying",
		"every job that can be cancelled, when nothing else is selected", admin.CancelStates()...)
	return cmd
}

func cancelWords() bulkWords {
	return bulkWords{
		name: "jobs cancel", every: "every one that can be cancelled", states: admin.CancelStates(),
		rule: "only scheduled, ready, dispatched, held and running jobs can be cancelled",
	}
}

func runJobsCancel(ctx context.Context, o *jobsCancelOptions) error {
	return bulk[admin.CancelResult]{
		bulkWords: cancelWords(), text: cancelText, left: cancelLeft,
		send: func(ctx context.Context, c *admin.Client, r admin.BulkRequest) (admin.One[admin.CancelResult], error) {
			return c.CancelJobs(ctx, r)
		},
		question: func(plan admin.CancelResult) string {
			if plan.Matched == 0 {
				return ""
			}
			return fmt.Sprintf("Cancel %s (%s)", plural(plan.Matched, "job"), splitText(plan.ByOrg))
		},
	}.run(ctx, &o.bulkOptions)
}

func cancelText(b *bytes.Buffer, r admin.CancelResult, _ time.Time) {
	switch {
	case r.Matched == 0:
		fmt.Fprintln(b, "No job matches that can be cancelled.")
	case r.DryRun:
		fmt.Fprintf(b, "Would cancel %s (%s). Nothing was changed.\n", plural(r.Matched, "job"), splitText(r.ByOrg))
	default:
		fmt.Fprintf(b, "Cancelled %s (%s).\n", plural(r.Cancelled, "job"), splitText(r.ByOrg))
	}
	if r.Flagged > 0 {
		fmt.Fprintf(b, "Asked to stop: %s that were running.\n", plural(r.Flagged, "job"))
	}
	skippedText(b, r.Skipped)
}

// cancelLeft turns a cancel that stopped early into exit 3. Jobs that ended by
// themselves meanwhile are no trouble.
func cancelLeft(r admin.CancelResult) error {
	if r.Error == nil {
		return nil
	}
	return &partial{"perhaps not every job was cancelled, " + *r.Error}
}
