package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

// discardResult is the answer of jobs discard.
type discardResult struct {
	bulkResult

	Discarded int64 `json:"discarded"`
}

func discardVerb() verb {
	return verb{
		kind: admin.OpDiscard, states: []string{"dead", "held"}, rule: "only dead and held jobs can be discarded", every: "every dead and held one",
		while: "the messages have not been sent in another way",
		job:   "job", do: "Discard", done: "Discarded",
		answer: answers(func(r bulkResult) discardResult { return discardResult{r, r.done} }),
	}
}

func newJobsDiscardCmd(a *app, run func(context.Context, *bulkOptions) error) *cobra.Command {
	cmd := newBulkCmd(a, discardVerb(), run)
	cmd.Short = "Give dead and held jobs up for good"
	cmd.Long = `Give dead and held jobs up for good: those named by id, or those a selector
chooses. They go to the history, and their messages stay failed. Jobs in any
other state are left alone: what waits is ended by jobs cancel.
` + bulkHelp
	cmd.Example = `  inboxctl jobs discard --state dead --older-than 7d --dry-run
  inboxctl jobs discard --org acme --error recipient_opted_out --state dead --yes`
	return cmd
}
