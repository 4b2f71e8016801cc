package daemon

import (
	"context"
	"strings"

	"github.com/bandeja/inboxd/daemon/internal/config"
)

// Reload reads the settings again and applies those that can change while the
// process runs. Of the others that have changed it says that they need a
// restart; with a fault in the settings everything stays as it is. Call it from
// one goroutine.
func (d *Daemon) Reload(ctx context.Context, load func() (Config, error)) {
	if d.ready.Load() {
		d.notify(ctx, d.notifier.Reloading)
		defer d.notify(ctx, d.notifier.Ready)
	}
	next, err := load()
	if err != nil {
		d.log.ErrorContext(ctx, "settings not reloaded: everything stays as it was", "faults", strings.Split(err.Error(), "\n"))
		return
	}
	applied, waiting := []string{}, []string{}
	for _, s := range config.Changed(d.o.Config, next) {
		if s.Live {
			applied = append(applied, s.Env)
		} else {
			waiting = append(waiting, s.Env)
		}
	}
	// Config itself stays what the process was started with, so that what is said
	// to need a restart is said until there was one.
	if d.o.Level != nil {
		d.o.Level.Set(next.LogLevel)
	}
	d.historyDays.Store(int64(next.HistoryDays))
	d.log.InfoContext(ctx, "settings reloaded", "differ_from_start", applied)
	if len(waiting) > 0 {
		d.log.WarnContext(ctx, "these changed settings need a restart", "settings", waiting)
	}
}
