package daemon

import (
	"context"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/latency"
	"github.com/bandeja/inboxd/daemon/internal/telemetry"
)

// longestTail bounds a turn of the tail, or a page of a long one, whatever the
// database does: the first turn rebuilds a day.
const longestTail = 3 * time.Minute

// buildTail makes what follows history. Workers need none: they write it.
func (d *Daemon) buildTail() (err error) {
	d.tail, err = latency.New(latency.Options{
		Log: d.ledger, Rollups: d.ledger, Orgs: d.ledger, Depths: d.ledger, Logger: d.log,
		Registerer: d.registry, Labels: d.labels(),
		Watch: func(task string, most time.Duration) func() { return d.health.Loop(task, most+d.o.Stuck) },
	})
	return err
}

// labels say which names become label values of metrics.
func (d *Daemon) labels() telemetry.LabelOptions {
	return telemetry.LabelOptions{Mode: d.o.Config.OrgLabels, Top: d.o.Config.TopLabels}
}

func (d *Daemon) keepLatency(ctx context.Context) {
	if d.tail == nil {
		return
	}
	tick := d.health.Loop("tail", longestTail)
	d.loop(ctx, "latency", func(ctx context.Context) { d.tail.Run(ctx, tick) })
	d.loop(ctx, "latency roll-ups", d.tail.RunRollups)
	d.loop(ctx, "depths", d.tail.RunDepths)
}
