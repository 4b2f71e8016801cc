package daemon

import (
	"context"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// buildControl makes this process's copy of what operators set.
func (d *Daemon) buildControl() (err error) {
	d.control, err = control.NewWatcher(control.Options{
		Source: watchedSource{d.ledger, &d.controlTurns}, ProcessID: d.processID.Load, Settle: d.ledger.SettleClaims, Logger: d.log.With("component", "control"),
	})
	return err
}

// watchControl loads what operators have set, before anything is sent, and
// keeps it fresh. The process must be registered: it acknowledges in its row.
func (d *Daemon) watchControl(ctx context.Context) error {
	if err := d.control.Prime(ctx); err != nil {
		return err
	}
	d.controlTurns.begin(d.health, "control", d.o.Stuck)
	d.loop(ctx, "control", d.control.Run)
	return nil
}

// dial is how much of a queue travels by Redis now: what operators have set,
// else the setting; nothing without Redis.
func (d *Daemon) dial(q job.Queue) int {
	c := d.o.Config
	if !c.Redis.Configured() {
		return 0
	}
	return d.control.Current().Dial(q, c.Dial)
}
