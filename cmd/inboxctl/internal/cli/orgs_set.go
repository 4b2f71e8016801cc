package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

type orgsSetOptions struct {
	*app

	change    changeFlags
	name      string
	target    time.Duration
	objective float64
	zone      string
	dryRun    bool
	given     func(flag string) bool
}

func newOrgsSetCmd(a *app, run func(context.Context, *orgsSetOptions) error) *cobra.Command {
	o := &orgsSetOptions{app: a}
	cmd := &cobra.Command{
		Use:   "set ORG",
		Short: "Change the SLA or the time zone of an org",
		Long: `Change the SLA or the time zone of an org. A new target is for clocks that start
after it: those that run keep theirs. An org is never deleted, nor is a user:
their conversations and reports must stay true; pause an org instead, and revoke
its tokens.`,
		Example: `  inboxctl orgs set acme --sla-target 10m --dry-run
  inboxctl orgs set acme --sla-objective 0.9 --time-zone Europe/Madrid`,
		Args: takes("the NAME of the org"),
		RunE: does(o, run, runOrgsSet, &o.name),
	}
	o.given = cmd.Flags().Changed
	cmd.Flags().DurationVar(&o.target, "sla-target", 0, "customers are answered in less than this `TIME`")
	cmd.Flags().Float64Var(&o.objective, "sla-objective", 0, "the `SHARE` of answers that should, above 0 and up to 1")
	cmd.Flags().StringVar(&o.zone, "time-zone", "", "IANA `ZONE` of the org's days, such as Europe/Madrid")
	dryRunFlag(cmd, &o.dryRun)
	o.change.add(cmd)
	return cmd
}

func (o *orgsSetOptions) request() (admin.OrgSet, error) {
	r := admin.OrgSet{Name: o.name, DryRun: o.dryRun, Reason: o.change.reason}
	if o.given("sla-target") {
		if o.target < time.Second {
			return r, usagef("--sla-target %s is too short: use 1s or more", o.target)
		}
		ms := o.target.Milliseconds()
		r.SLATargetMS = &ms
	}
	if o.given("sla-objective") {
		if o.objective <= 0 || o.objective > 1 {
			return r, usagef("--sla-objective %v is not a share: use above 0 and up to 1, such as 0.8", o.objective)
		}
		r.SLAObjective = &o.objective
	}
	if o.given("time-zone") {
		if o.zone == "" {
			return r, usagef("--time-zone is given but empty")
		}
		r.TimeZone = &o.zone
	}
	if r.SLATargetMS == nil && r.SLAObjective == nil && r.TimeZone == nil {
		return r, usagef("say what to set: --sla-target, --sla-objective or --time-zone")
	}
	return r, nil
}

func runOrgsSet(ctx context.Context, o *orgsSetOptions) error {
	request, err := o.request()
	if err != nil {
		return err
	}
	connect := func() (*admin.Client, target, error) { return o.app.change(ctx, o.change) }
	if o.dryRun {
		connect = o.connect
	}
	client, _, err := connect()
	if err != nil {
		return err
	}
	answer, err := client.SetOrg(ctx, request)
	if err != nil {
		return err
	}
	return printOne(o.app, answer, func(b *bytes.Buffer, r admin.OrgResult, _ time.Time) {
		words := orgChanges(r)
		switch {
		case len(words) == 0:
			fmt.Fprintf(b, "%s is like that already.\n", text.Clean(r.Name))
		case r.DryRun:
			fmt.Fprintf(b, "Would change %s of %s. Nothing was changed.\n", strings.Join(words, ", "), text.Clean(r.Name))
		default:
			fmt.Fprintf(b, "Changed %s of %s.\n", strings.Join(words, ", "), text.Clean(r.Name))
		}
	})
}

// orgChanges says what differs: "SLA target 5m00s to 10m00s".
func orgChanges(r admin.OrgResult) (words []string) {
	for _, x := range []struct{ what, was, is string }{
		{"SLA target", text.Millis(float64(r.Before.SLATargetMS)), text.Millis(float64(r.SLATargetMS))},
		{"SLA objective", shareText(r.Before.SLAObjective), shareText(r.SLAObjective)},
		{"time zone", r.Before.TimeZone, r.TimeZone},
	} {
		if x.was != x.is {
			words = append(words, text.Clean(x.what+" "+x.was+" to "+x.is))
		}
	}
	return words
}
