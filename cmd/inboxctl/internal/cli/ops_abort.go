package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type opsAbortOptions struct {
	*app

	id     string
	change changeFlags
	pace   paceFlags
}

func newOpsAbortCmd(a *app, run func(context.Context, *opsAbortOptions) error) *cobra.Command {
	o := &opsAbortOptions{app: a}
	cmd := &cobra.Command{
		Use:   "abort ID|last",
		Short: "Stop an operation: the chunk under way is its last",
		Long: `Stop an operation, and wait until it has stopped. The chunk under way is its
last; what it has changed stays changed: see ops undo. It does not ask. last, or
-, is your newest operation.

It exits 6 if the operation had ended by itself.`,
		Example:           `  inboxctl ops abort last --reason "wrong org"`,
		Args:              takes("the ID of an operation"),
		ValidArgsFunction: a.operationIDs(admin.OpRunning),
		RunE:              does(o, run, runOpsAbort, &o.id),
	}
	o.change.add(cmd)
	o.pace.addWatch(cmd)
	return cmd
}

func runOpsAbort(ctx context.Context, o *opsAbortOptions) error {
	client, t, err := o.app.change(ctx, o.change)
	if err != nil {
		return err
	}
	id, err := o.operationID(ctx, client, t, o.id)
	if err != nil {
		return err
	}
	stopping, err := client.AbortOperation(ctx, id, o.change.reason)
	if err != nil {
		return olderServer(err)
	}
	return o.followAs(ctx, client, stopping, o.pace.verbose, func(ended admin.Operation) error {
		if ended.State == admin.OpDone {
			return conflictf("ended", "operation %s was done before it could be stopped", id)
		}
		return nil
	})
}
