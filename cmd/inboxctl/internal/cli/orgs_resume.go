package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func newOrgsResumeCmd(a *app, run func(context.Context, *resumeOptions) error) *cobra.Command {
	o := &resumeOptions{app: a}
	cmd := &cobra.Command{
		Use:   "resume ORG",
		Short: "Release a hold of an org",
		Long: `Release a hold of an org. If it has several, one must be named, because each is
somebody's; --hold all releases every one. What still holds the org is said.`,
		Example: `  inboxctl orgs resume acme
  inboxctl orgs resume acme --hold all`,
		Args: named("the NAME of the org"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.org = args[0]
			return pick(run, runResume)(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.hold, "hold", "", "`ID` of the hold, or all")
	o.change.add(cmd)
	return cmd
}
