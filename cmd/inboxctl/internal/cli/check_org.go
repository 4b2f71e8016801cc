package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

func newCheckOrgCmd(a *app, run func(context.Context, *checkOptions) error) *cobra.Command {
	o := &checkOptions{app: a, check: "org", look: lookAtOrg}
	return o.command("org ORG", "Whether an org is served in time",
		`Whether an org is served in time. Measures: oldest, the age of its oldest ready
job (warning from 1m, critical from 5m); depth, dead, uncertain; holds on it; and
throttled, how many of its limits let nothing more out now. Only oldest has bounds
of its own.`,
		`  inboxctl check org acme
  inboxctl check org acme --warn holds=1,throttled=1 --format nagios`, run, takes("the NAME of the org"))
}

func lookAtOrg(ctx context.Context, client *admin.Client, o *checkOptions) (report, error) {
	answer, err := client.OrgDetail(ctx, o.of)
	if err != nil {
		return report{}, err
	}
	d := answer.Item
	if d.Queues == nil {
		return report{}, errors.New("its jobs are not known: the ledger has not answered since the server started")
	}
	var throttled int64
	for _, l := range d.Limits {
		if l.Throttled != nil && *l.Throttled {
			throttled++
		}
	}
	return report{
		of: d.Name, stale: time.Duration(answer.StaleMS) * time.Millisecond,
		measures: append(queueMeasures(d.Queues), number("holds", int64(len(d.HoldList))), number("throttled", throttled)),
	}, nil
}
