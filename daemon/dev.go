package daemon

import (
	"context"
	"errors"
	"io"

	"github.com/bandeja/inboxd/daemon/internal/dev"
	"github.com/bandeja/inboxd/daemon/internal/devstack/records"
	"github.com/bandeja/inboxd/daemon/internal/store"
)

// DevOptions say what a development run does. Migrate and OpenRecords are
// filled in by Dev.
type DevOptions = dev.Options

// Simulate serves a stand-in for Meta's API until ctx ends; the settings that
// lead to it go to out.
func Simulate(ctx context.Context, listen string, out io.Writer) error {
	return dev.Simulate(ctx, listen, out)
}

// Dev runs everything on one machine with simulated Meta traffic until ctx
// ends or DevOptions.For is over, and then reports.
func Dev(ctx context.Context, o DevOptions) error {
	if len(o.Argv) == 0 {
		return errors.New("dev: the daemon's own command is needed")
	}
	o.Migrate, o.OpenRecords = store.Migrate, records.Open
	return dev.Run(ctx, o)
}
