package daemon

import (
	"context"
	"fmt"

	"github.com/bandeja/inboxd/daemon/internal/trace"
)

// buildTracer makes what sends traces away, if the settings want it. It is the
// first to be built: what is left is sent when everything else has stopped.
func (d *Daemon) buildTracer(ctx context.Context) (err error) {
	c := d.o.Config
	header := map[string]string{}
	for name, value := range c.Tracing.Header {
		header[name] = value.Reveal()
	}
	d.tracer, err = trace.New(ctx, trace.Options{
		Endpoint: c.Tracing.Endpoint, Header: header, Share: c.Tracing.Share, Version: d.o.Build.Version, Mode: string(c.Mode),
		Instance: fmt.Sprintf("%s:%d", d.o.Host, d.o.PID), Logger: d.log, Registerer: d.registry,
	})
	if d.tracer != nil {
		d.stops.push("traces", 0, d.tracer.Stop)
	}
	return err
}
