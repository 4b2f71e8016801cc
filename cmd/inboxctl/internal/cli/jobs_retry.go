package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

// retryResult is the answer of jobs retry.
type retryResult struct {
	bulkResult

	Retried int64 `json:"retried"`
}

func retryVerb() verb {
	return verb{
		kind: admin.OpRetry, states: []string{"dead"}, rule: "only dead jobs can be retried", every: "every dead one",
		while: "the jobs have not begun to run",
		job:   "dead job", do: "Retry", done: "Retried",
		runs:   true,
		answer: answers(func(r bulkResult) retryResult { return retryResult{r, r.done} }),
	}
}

func newJobsRetryCmd(a *app, run func(context.Context, *bulkOptions) error) *cobra.Command {
	cmd := newBulkCmd(a, retryVerb(), run)
	cmd.Short = "Run dead jobs again"
	cmd.Long = `Run dead jobs again, with all their attempts back: those named by id, or those
a selector chooses. Jobs in any other state are left alone; an uncertain one is
never sent again by a retry.
` + bulkHelp + `

With --canary some go first, and the rest waits for what becomes of them; with
--abort-if it stops by itself when too many fail again.`
	cmd.Example = `  inboxctl jobs retry --state dead --all --dry-run
  inboxctl jobs retry --queue whatsapp --error transient --since 2h --dry-run
  inboxctl jobs retry --org acme --rate 50/s --canary 20 --abort-if 'fail>10%' --yes`
	return cmd
}
