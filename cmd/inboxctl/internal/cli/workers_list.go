package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type workersListOptions struct {
	*app
}

func newWorkersListCmd(a *app, run func(context.Context, *workersListOptions) error) *cobra.Command {
	o := &workersListOptions{app: a}
	return &cobra.Command{
		Use:   "list",
		Short: "List running processes, those of mode api too",
		Long: `List running processes, those of mode api too, oldest first.

BUSY are the jobs that run and how many can, BEAT is the last sign of life,
CONTROL the newest change of operators that the process has applied.`,
		Example: `  inboxctl workers list
  inboxctl workers list -o wide --sort beat_age_ms:desc`,
		Args: takes(),
		RunE: does(o, run, runWorkersList),
	}
}

func runWorkersList(ctx context.Context, o *workersListOptions) error {
	return showList(o.app, listView[admin.Process]{columns: workerColumns(), empty: "No process is running: nothing will be sent."},
		func(c *admin.Client) (admin.List[admin.Process], error) { return c.Workers(ctx) })
}
