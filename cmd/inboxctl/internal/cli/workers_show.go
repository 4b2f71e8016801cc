package cli

import (
	"bytes"
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
	"github.com/bandeja/inboxd/tui/triage"
)

// workerOptions are those of commands about one process.
type workerOptions struct {
	*app

	change changeFlags
	worker string
	undo   bool
	dryRun bool
}

func newWorkersShowCmd(a *app, run func(context.Context, *workerOptions) error) *cobra.Command {
	o := &workerOptions{app: a}
	return &cobra.Command{
		Use:   "show WORKER",
		Short: "Show one process, named by its id or host:pid",
		Example: `  inboxctl workers show 2
  inboxctl workers show 2 -o json`,
		Args: takes("the ID of the worker"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.worker = args[0]
			return pick(run, runWorkersShow)(cmd.Context(), o)
		},
	}
}

func runWorkersShow(ctx context.Context, o *workerOptions) error {
	client, _, err := o.connect()
	if err != nil {
		return err
	}
	answer, err := client.Worker(ctx, o.worker)
	if err != nil {
		return err
	}
	return printOne(o.app, answer, func(b *bytes.Buffer, p admin.Process, asOf time.Time) {
		control := ""
		if p.ControlVersion != nil {
			control = countText(*p.ControlVersion)
		}
		writePairs(b,
			pair{"worker", p.ID}, pair{"mode", p.Mode}, pair{"host", p.Host}, pair{"pid", countText(int64(p.PID))},
			pair{"state", string(triage.HealthOf(p))}, pair{"drained by", maybe(p.DrainedBy)}, pair{"busy", busyText(p)},
			pair{"send slots", countText(int64(p.Slots))}, pair{"background slots", countText(int64(p.BackgroundSlots))},
			pair{"beat", text.Millis(float64(p.BeatAgeMS)) + " ago"}, pair{"control version", control},
			pair{"started", agoText(&p.StartedAt, asOf)}, pair{"version", p.Version},
		)
	})
}
