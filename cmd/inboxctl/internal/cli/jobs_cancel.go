package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type jobsCancelOptions struct {
	bulkOptions
}

// cancelResult is the answer of jobs cancel. Flagged jobs run and have been
// asked to stop; null if the server does not say.
type cancelResult struct {
	bulkResult

	Cancelled int64  `json:"cancelled"`
	Flagged   *int64 `json:"flagged"`
}

func cancelVerb() verb {
	return verb{
		kind: admin.OpCancel, states: admin.CancelStates(), every: "every one that can be cancelled",
		rule: "only scheduled, ready, dispatched, held and running jobs can be cancelled",
		job:  "job", do: "Cancel", done: "Cancelled",
		answer: answers(func(r bulkResult) cancelResult { return cancelResult{bulkResult: r, Cancelled: r.done} }),
	}
}

func newJobsCancelCmd(a *app, run func(context.Context, *jobsCancelOptions) error) *cobra.Command {
	o := &jobsCancelOptions{bulkOptions{app: a}}
	cmd := o.newBulkCmd(cancelVerb(), func(cmd *cobra.Command) error { return pick(run, runJobsCancel)(cmd.Context(), o) })
	cmd.Short = "End jobs that wait, ask running ones to stop"
	cmd.Long = `End jobs for good: those named by id, or those a selector chooses. Scheduled,
ready, dispatched and held jobs are cancelled at once. Running ones are asked to
stop: what has left already cannot be called back. Dead and uncertain jobs are
left alone.
` + bulkHelp
	cmd.Example = `  inboxctl jobs cancel --org acme --type send_template --dry-run
  inboxctl jobs cancel --org acme --queue whatsapp --older-than 2h --dry-run`
	return cmd
}

func runJobsCancel(ctx context.Context, o *jobsCancelOptions) error { return o.run(ctx, cancelVerb()) }
