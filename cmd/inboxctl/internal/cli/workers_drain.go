package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

func newWorkersDrainCmd(a *app, run func(context.Context, *workerOptions) error) *cobra.Command {
	o := &workerOptions{app: a}
	cmd := &cobra.Command{
		Use:   "drain WORKER",
		Short: "Let a process take no new work and finish what runs",
		Long: `Let a process take no new work and finish what runs: before its machine is
replaced, or because it is suspected. What it had on its way goes to the others
at once. The process is named by its id or host:pid.

It stays drained until inboxctl workers undrain, or until it starts again: then
it is a new process. It is done when the process has applied it and runs nothing;
if that takes longer than 5s, the exit code is 8.`,
		Example: `  inboxctl workers drain 2 --dry-run
  inboxctl workers drain 2 --reason "new kernel" --yes`,
		Args: takes("the ID of the worker"),
		RunE: does(o, run, runWorkersDrain, &o.worker),
	}
	dryRunFlag(cmd, &o.dryRun)
	o.change.add(cmd)
	return cmd
}

func runWorkersDrain(ctx context.Context, o *workerOptions) error {
	request := drainRequest(o)
	return o.act(ctx, o.dryRun, o.change, func(ctx context.Context, c *admin.Client) (string, error) {
		request := request
		request.DryRun = true
		plan, err := c.DrainWorker(ctx, request)
		return fmt.Sprintf("Drain %s, which runs %s and leaves %s to do the work", workerText(plan.Item.Process), runningText(plan.Item.Process), plural(int64(plan.Item.Others), "other")), err
	}, func(ctx context.Context, c *admin.Client) error { return o.turn(ctx, c, request) })
}

func drainRequest(o *workerOptions) admin.WorkerDrain {
	return admin.WorkerDrain{ID: o.worker, Undo: o.undo, DryRun: o.dryRun, Reason: o.change.reason}
}

func runningText(p admin.Process) string {
	if p.Running == nil {
		return "jobs"
	}
	return plural(int64(*p.Running), "job")
}

func (o *workerOptions) turn(ctx context.Context, client *admin.Client, d admin.WorkerDrain) error {
	answer, err := client.DrainWorker(ctx, d)
	if err != nil {
		return err
	}
	if err := printChange(o.app, answer, answer.Item.Applied, drainText(d.Undo)); err != nil {
		return err
	}
	if r := answer.Item; !d.Undo && !r.DryRun && r.Running != nil && *r.Running > 0 {
		return &unfinished{fmt.Sprintf("%s still runs %s: it takes nothing new; look again with `inboxctl workers show %s`", workerText(r.Process), runningText(r.Process), r.ID)}
	}
	return nil
}

func drainText(undo bool) func(*bytes.Buffer, admin.WorkerResult, time.Time) {
	return func(b *bytes.Buffer, r admin.WorkerResult, _ time.Time) {
		switch {
		case r.DryRun && undo:
			fmt.Fprintf(b, "Would let %s take work again. Nothing was changed.\n", workerText(r.Process))
		case r.DryRun:
			fmt.Fprintf(b, "Would drain %s, which runs %s. Nothing was changed.\n", workerText(r.Process), runningText(r.Process))
		case undo:
			fmt.Fprintf(b, "The %s takes work again%s\n", workerText(r.Process), appliedText(r.Applied))
		default:
			n := "?"
			if r.Running != nil {
				n = countText(int64(*r.Running))
			}
			fmt.Fprintf(b, "The %s is drained, %s running%s\n", workerText(r.Process), n, appliedText(r.Applied))
		}
		if !undo && r.Others == 0 {
			fmt.Fprintln(b, "No other process works: nothing will be sent until one does.")
		}
	}
}
