package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type opsWatchOptions struct {
	*app

	id   string
	pace paceFlags
}

func newOpsWatchCmd(a *app, run func(context.Context, *opsWatchOptions) error) *cobra.Command {
	o := &opsWatchOptions{app: a}
	cmd := &cobra.Command{
		Use:   "watch ID|last",
		Short: "Follow an operation to its end",
		Long: `Follow an operation to its end, and exit as the command that started it would
have: 3 if some jobs could not be changed or it stopped early, 8 if --timeout
ended first. Ctrl-C stops watching, not the operation. last, or -, is your newest
operation.`,
		Example: `  inboxctl ops watch last
  inboxctl ops watch last --timeout 10m -v`,
		Args:              takes("the ID of an operation"),
		ValidArgsFunction: a.operationIDs(admin.OpRunning, admin.OpAborting),
		RunE:              does(o, run, runOpsWatch, &o.id),
	}
	o.pace.addWatch(cmd)
	return cmd
}

func runOpsWatch(ctx context.Context, o *opsWatchOptions) error {
	client, t, err := o.connect()
	if err != nil {
		return err
	}
	id, err := o.operationID(ctx, client, t, o.id)
	if err != nil {
		return err
	}
	begun, err := client.Operation(ctx, id)
	if err != nil {
		return olderServer(err)
	}
	if s := begun.Item.State; s == admin.OpPlanned || s == admin.OpExpired {
		return conflictf("not_started", "operation %s is %s: it was never started, so there is nothing to watch", id, s)
	}
	return o.followAs(ctx, client, begun, o.pace.verbose, verbOf(begun.Item).verdict)
}

// followAs waits for the end of an operation, prints it as an operation, and
// lets verdict judge it.
func (a *app) followAs(ctx context.Context, client *admin.Client, begun admin.One[admin.Operation], verbose bool, verdict func(admin.Operation) error) error {
	v := verbOf(begun.Item)
	ended, err := a.await(ctx, client, begun, v.do, verbose)
	if err != nil && !isUnfinished(err) {
		return err
	}
	printed := printOne(a, ended, func(b *bytes.Buffer, o admin.Operation, asOf time.Time) {
		if o.State == admin.OpAborted || o.State == admin.OpFailed {
			a.wrap(b, fmt.Sprintf("Operation %s is %s.", o.ID, o.State))
		}
		a.resultAnswer(v, true)(b, resultOf(ended, false).Item, asOf)
	})
	switch {
	case printed != nil:
		return printed
	case err != nil:
		return err
	}
	return verdict(ended.Item)
}
