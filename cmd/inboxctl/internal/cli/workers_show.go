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
		RunE: does(o, run, runWorkersShow, &o.worker),
	}
}

func runWorkersShow(ctx context.Context, o *workerOptions) error {
	return showOne(o.app, processText, func(c *admin.Client) (admin.One[admin.Process], error) { return c.Worker(ctx, o.worker) })
}

func processText(b *bytes.Buffer, p admin.Process, asOf time.Time) {
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
}
