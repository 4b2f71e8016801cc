package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

func newCheckSLACmd(a *app, run func(context.Context, *checkOptions) error) *cobra.Command {
	o := &checkOptions{app: a, check: "sla"}
	window := ""
	o.look = func(ctx context.Context, client *admin.Client, o *checkOptions) (report, error) {
		return lookAtSLA(ctx, client, o, window)
	}
	cmd := o.command("sla --org ORG", "Whether customers of an org are answered in time",
		`Whether customers of an org are answered in time. Measures: met, the percentage
of verdicts that are met (warning below the org's own objective); n, missed,
pending, at_risk and overdue. Without a verdict in the window met is not known,
and neither is the check: no data is not 100 %.`,
		`  inboxctl check sla --org acme --warn 97 --crit 95
  inboxctl check sla --org acme --window 24h --crit met=80,overdue=10`, run, takes())
	cmd.Flags().StringVar(&o.of, "org", "", "the `ORG` (needed)")
	cmd.Flags().StringVar(&window, "window", "1h", "asked within this `DURATION`: 1h, 24h, 7d")
	complete(cmd, "window", "1h", "24h", "7d")
	return cmd
}

func lookAtSLA(ctx context.Context, client *admin.Client, o *checkOptions, window string) (report, error) {
	if o.of == "" {
		return report{}, usagef("name the org with --org")
	}
	span, err := parseDuration("--window", window)
	if err != nil {
		return report{}, err
	}
	answer, err := client.SLAReport(ctx, "org", admin.SLAFilter{Org: o.of, SLAWindow: admin.SLAWindow{Window: span}})
	if err != nil {
		return report{}, err
	}
	if len(answer.Items) == 0 {
		return report{}, errors.New("no customer asked anything in the last " + window)
	}
	f := answer.Items[0]
	if f.Compliance == nil {
		return report{}, fmt.Errorf("there is no verdict in the last %s (%d pending)", window, f.Pending)
	}
	percent := func(share float64) float64 { return math.Floor(share*1000+1e-9) / 10 } // never up to what was not reached
	goal := percent(f.Objective)
	return report{
		of: f.Org, stale: time.Duration(answer.StaleMS) * time.Millisecond,
		measures: []measure{
			{name: "met", value: percent(*f.Compliance), warn: &goal, fewer: true},
			number("n", f.N), number("missed", f.Missed), number("pending", f.Pending), number("at_risk", f.AtRisk), number("overdue", f.Overdue),
		},
	}, nil
}
