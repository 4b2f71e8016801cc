package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

// cancelResult is the answer of jobs cancel. Flagged jobs run and have been
// asked to stop; they are not among the cancelled. Null: not counted.
type cancelResult struct {
	bulkResult

	Cancelled int64  `json:"cancelled"`
	Flagged   *int64 `json:"flagged"`
}

func cancelVerb() verb {
	return verb{
		kind: admin.OpCancel, states: admin.CancelStates(), every: "every one that can be cancelled",
		rule:  "only scheduled, ready, dispatched, held and running jobs can be cancelled",
		while: "the messages have not been sent in another way",
		job:   "job", do: "Cancel", done: "Cancelled",
		answer: answers(func(r bulkResult) cancelResult { return cancelResult{r, r.done, r.flagged} }),
	}
}

func newJobsCancelCmd(a *app, run func(context.Context, *bulkOptions) error) *cobra.Command {
	cmd := newBulkCmd(a, cancelVerb(), run)
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

const (
	reasonAsked = "asked" // of an item: the job runs, and was asked to stop
	mostFlagged = 10_000  // items that are looked at to count them
)

// countFlagged tells the cancelled jobs from those that were only asked to stop.
// Where that cannot be learnt both stay one number: what was done is to be told
// all the same.
func countFlagged(ctx context.Context, client *admin.Client, r *bulkResult) {
	if r.done > mostFlagged {
		return
	}
	items, err := pages(admin.Page{Limit: mostFlagged}, func(p admin.Page) (admin.List[admin.OperationItem], error) {
		return client.OperationItems(ctx, r.OperationID, "done", p)
	})
	if err != nil || items.Next != nil {
		return
	}
	var n int64
	for _, i := range items.Items {
		if i.Reason == reasonAsked {
			n++
		}
	}
	r.flagged, r.done = &n, r.done-n
}
