package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type orgsAddOptions struct {
	*app

	change    changeFlags
	name      string
	target    time.Duration
	objective float64
	zone      string
}

func newOrgsAddCmd(a *app, run func(context.Context, *orgsAddOptions) error) *cobra.Command {
	o := &orgsAddOptions{app: a}
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add an org",
		Long:  "Add an org. The name is for ever: 1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit.",
		Example: `  inboxctl orgs add my-org
  inboxctl orgs add my-other-org --sla-target 10m --time-zone Europe/Madrid`,
		Args: takes("the NAME of the org"),
		RunE: does(o, run, runOrgsAdd, &o.name),
	}
	cmd.Flags().DurationVar(&o.target, "sla-target", 5*time.Minute, "customers are answered in less than this")
	cmd.Flags().Float64Var(&o.objective, "sla-objective", 0.8, "the share of answers that should, above 0 and up to 1")
	cmd.Flags().StringVar(&o.zone, "time-zone", "UTC", "IANA `ZONE` of the org's days, such as Europe/Madrid")
	o.change.add(cmd)
	return cmd
}

func runOrgsAdd(ctx context.Context, o *orgsAddOptions) error {
	switch {
	case o.target < time.Second:
		return usagef("--sla-target %s is too short: use 1s or more", o.target)
	case o.objective <= 0 || o.objective > 1:
		return usagef("--sla-objective %v is not a share: use above 0 and up to 1, such as 0.8", o.objective)
	case o.zone == "":
		return usagef("--time-zone is given but empty")
	}
	client, _, err := o.app.change(ctx, o.change)
	if err != nil {
		return err
	}
	answer, err := client.AddOrg(ctx, admin.OrgAdd{
		Name: o.name, TimeZone: o.zone, SLATargetMS: o.target.Milliseconds(), SLAObjective: o.objective, Reason: o.change.reason,
	})
	if err != nil {
		return err
	}
	return printOne(o.app, answer, rowText(o.app, orgSettings()))
}
