package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/triage"
)

func newCheckWorkerCmd(a *app, run func(context.Context, *checkOptions) error) *cobra.Command {
	o := &checkOptions{app: a, check: "worker", look: lookAtWorkers}
	return o.command("worker", "Whether enough processes work",
		`Whether enough processes work. Measures: alive, those that take jobs (critical
below 1); silent, processes whose last sign of life is old (warning from 1);
versions, how many different ones run (warning from 2); draining.`,
		`  inboxctl check worker
  inboxctl check worker --warn 4 --crit 2 --format prometheus`, run, takes())
}

func lookAtWorkers(ctx context.Context, client *admin.Client, _ *checkOptions) (report, error) {
	answer, err := client.Workers(ctx)
	if err != nil {
		return report{}, err
	}
	var alive, silent, draining int64
	versions := map[string]bool{}
	for _, p := range answer.Items {
		versions[p.Version] = true
		switch {
		case p.BeatAgeMS >= triage.Silent.Milliseconds():
			silent++
		case p.Draining:
			draining++
		case p.Mode != "api":
			alive++
		}
	}
	one := 1.0
	return report{
		stale: time.Duration(answer.StaleMS) * time.Millisecond,
		measures: []measure{
			{name: "alive", value: float64(alive), crit: &one, fewer: true},
			from(number("silent", silent), 1), from(number("versions", int64(len(versions))), 2), number("draining", draining),
		},
	}, nil
}
