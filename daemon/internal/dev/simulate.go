package dev

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

const simulatorStop = 5 * time.Second

// Simulate serves the simulator alone on a fixed address until ctx ends, for an
// installation that is to be tried before it meets the real Meta. Accounts, the
// webhook and customers' messages come by its own HTTP paths below /sim.
func Simulate(ctx context.Context, listen string, out io.Writer) error {
	sim, err := metasim.New(metasim.Options{Listen: listen, Settings: metasim.Usual()})
	if err != nil {
		return err
	}
	if err := sim.Start(ctx); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, `INBOXD_META_GRAPH_URL=%[1]s
INBOXD_META_INSTAGRAM_URL=%[1]s
INBOXD_META_APP_ID=%[2]s
`, sim.URL(), sim.AppID())
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), simulatorStop)
	defer cancel()
	return sim.Stop(ctx)
}
