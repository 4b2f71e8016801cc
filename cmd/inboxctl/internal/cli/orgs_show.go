package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
	"github.com/bandeja/inboxd/tui/triage"
)

type orgsShowOptions struct {
	*app

	org string
}

func newOrgsShowCmd(a *app, run func(context.Context, *orgsShowOptions) error) *cobra.Command {
	o := &orgsShowOptions{app: a}
	return &cobra.Command{
		Use:   "show ORG",
		Short: "Show one org with what it has, may do and waits for",
		Example: `  inboxctl orgs show acme
  inboxctl orgs show acme -o json`,
		Args: takes("the NAME of the org"),
		RunE: does(o, run, runOrgsShow, &o.org),
	}
}

func runOrgsShow(ctx context.Context, o *orgsShowOptions) error {
	return showOne(o.app, o.orgText, func(c *admin.Client) (admin.One[admin.OrgDetail], error) { return c.OrgDetail(ctx, o.org) })
}

func (a *app) orgText(b *bytes.Buffer, d admin.OrgDetail, asOf time.Time) {
	wide, header := a.flags.output == "wide", !a.flags.noHeaders
	writePairs(b,
		pair{"org", d.Name}, pair{"id", d.ID}, pair{"state", orElse(heldState(d.Paused, d.Holds), "not held")},
		pair{"sla", shareText(d.SLAObjective) + " within " + text.Millis(float64(d.SLATargetMS))}, pair{"time zone", d.TimeZone},
		pair{"users", plural(int64(len(d.Users)), "user")}, pair{"added", agoText(&d.CreatedAt, asOf)},
	)
	if len(d.HoldList) > 0 {
		fmt.Fprintln(b)
		writeTable(b, holdColumns(), d.HoldList, asOf, wide, header)
	}
	fmt.Fprintln(b)
	writeTable(b, limitUseColumns(), d.Limits, asOf, wide, header)
	if len(d.Channels) > 0 {
		fmt.Fprintln(b)
		writeTable(b, channelColumns(), d.Channels, asOf, wide, header)
	}
	fmt.Fprintln(b)
	if d.Queues == nil {
		fmt.Fprintln(b, "Its jobs are not known: the ledger has not answered since the server started.")
		return
	}
	writeTable(b, queueColumns(), triage.WorstFirst(d.Queues), asOf, wide, header)
}
