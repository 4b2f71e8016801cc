package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

// holdJobsResult is the answer of jobs hold.
type holdJobsResult struct {
	bulkResult

	Held int64 `json:"held"`
}

func holdVerb() verb {
	return verb{
		kind: admin.OpHold, states: []string{"scheduled", "ready", "dispatched", "retrying"}, every: "every one that waits",
		rule:  "only scheduled, ready and dispatched jobs can be held",
		while: "the jobs are still held",
		job:   "job", do: "Hold", done: "Held",
		answer: answers(func(r bulkResult) holdJobsResult { return holdJobsResult{r, r.done} }),
	}
}

func newJobsHoldCmd(a *app, run func(context.Context, *bulkOptions) error) *cobra.Command {
	cmd := newBulkCmd(a, holdVerb(), run)
	cmd.Short = "Keep jobs that wait where they are"
	cmd.Long = `Keep jobs that wait where they are until jobs release: those named by id, or
those a selector chooses. Later jobs of the same conversation wait behind them.
Running jobs are left alone. To hold what is still to come as well, pause the
org or the queue.
` + bulkHelp
	cmd.Example = `  inboxctl jobs hold --org acme --type send_template --dry-run
  inboxctl jobs hold --org acme --type send_template --reason "wrong text" --yes`
	return cmd
}
