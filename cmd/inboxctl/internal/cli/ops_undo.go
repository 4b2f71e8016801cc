package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type opsUndoOptions struct {
	*app

	id     string
	change changeFlags
	pace   paceFlags
	dryRun bool
}

// undoResult is the answer of ops undo.
type undoResult struct {
	bulkResult

	UndoOf string `json:"undo_of"`
	Undone int64  `json:"undone"`
}

func undoVerb(id string) verb {
	return verb{
		kind: admin.OpUndo, rule: "nothing of operation " + id + " can be undone any more",
		job: "job", do: "Undo operation " + id + " for", done: "Undid operation " + id + " for",
		answer: answers(func(r bulkResult) undoResult { return undoResult{r, id, r.done} }),
	}
}

func newOpsUndoCmd(a *app, run func(context.Context, *opsUndoOptions) error) *cobra.Command {
	o := &opsUndoOptions{app: a}
	cmd := &cobra.Command{
		Use:   "undo ID|last",
		Short: "Take back what an operation did, as far as it can be",
		Long: `Take back what an operation did, as far as it can be: jobs that have gone on
since, or have changed in another way, stay as they are. An undo is an operation
too: it plans first, asks with the numbers of what can and what cannot be taken
back, and can be watched. last, or -, is your newest operation.

It exits 6 if nothing can be taken back any more, 3 if some could not be, 8 if
--timeout ended first.`,
		Example: `  inboxctl ops undo last --dry-run
  inboxctl ops undo last --reason "wrong org" --yes`,
		Args:              takes("the ID of an operation"),
		ValidArgsFunction: a.operationIDs(admin.OpDone, admin.OpAborted, admin.OpFailed),
		RunE:              does(o, run, runOpsUndo, &o.id),
	}
	o.change.add(cmd)
	o.pace.addRate(cmd)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what can be taken back and what cannot; change nothing")
	return cmd
}

func runOpsUndo(ctx context.Context, o *opsUndoOptions) error {
	terms, err := o.pace.terms(undoVerb(o.id))
	if err != nil {
		return err
	}
	c := conductor{
		terms: terms, change: o.change, dryRun: o.dryRun, detach: o.pace.detach, verbose: o.pace.verbose,
		named: true, ask: !o.change.yes && !o.dryRun,
	}
	client, t, err := o.conductClient(ctx, c)
	if err != nil {
		return err
	}
	id, err := o.operationID(ctx, client, t, o.id)
	if err != nil {
		return err
	}
	c.verb, c.plan = undoVerb(id), admin.PlanRequest{Kind: admin.OpUndo, Undo: id, Reason: o.change.reason}
	return o.conductOn(ctx, client, t, c)
}
