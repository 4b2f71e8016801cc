package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func newOrgsResumeCmd(a *app, run func(context.Context, *resumeOptions) error) *cobra.Command {
	o := &resumeOptions{app: a}
	cmd := &cobra.Command{
		Use:   "resume ORG",
		Short: "Release your holds of an org",
		Long: `Release the holds of an org that are yours. Those of others stay, because each has
its own reason: --hold ID releases one, --all-holds every one. What still holds
the org is said.`,
		Example: `  inboxctl orgs resume acme
  inboxctl orgs resume acme --all-holds`,
		Args: takes("the NAME of the org"),
		RunE: does(o, run, runResume, &o.org),
	}
	o.addHoldFlags(cmd)
	o.change.add(cmd)
	return cmd
}
