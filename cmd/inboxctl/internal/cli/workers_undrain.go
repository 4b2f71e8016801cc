package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func newWorkersUndrainCmd(a *app, run func(context.Context, *workerOptions) error) *cobra.Command {
	o := &workerOptions{app: a, undo: true}
	cmd := &cobra.Command{
		Use:   "undrain WORKER",
		Short: "Let a drained process take work again",
		Long: `Let a process that an operator had drained take work again. One that leaves by
itself, because it was told to stop, cannot be held up.`,
		Example: `  inboxctl workers undrain 2`,
		Args:    takes("the ID of the worker"),
		RunE:    does(o, run, runWorkersUndrain, &o.worker),
	}
	dryRunFlag(cmd, &o.dryRun)
	o.change.add(cmd)
	return cmd
}

// runWorkersUndrain does not ask: it gives back what was taken away.
func runWorkersUndrain(ctx context.Context, o *workerOptions) error {
	if o.dryRun {
		return runWorkersDrain(ctx, o)
	}
	client, _, err := o.app.change(ctx, o.change)
	if err != nil {
		return err
	}
	return o.turn(ctx, client, drainRequest(o))
}
