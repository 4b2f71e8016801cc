package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func newLimitsShowCmd(a *app, run func(context.Context, *limitsListOptions) error) *cobra.Command {
	o := &limitsListOptions{app: a}
	cmd := &cobra.Command{
		Use:   "show --org ORG",
		Short: "Show what one org may do now, and how much of it is used",
		Example: `  inboxctl limits show --org acme
  inboxctl limits show --org acme -o json`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error { return pick(run, runLimitsShow)(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.org, "org", "", "the `ORG` (needed)")
	return cmd
}

func runLimitsShow(ctx context.Context, o *limitsListOptions) error {
	if o.org == "" {
		return usagef("name the org with --org")
	}
	return runLimitsList(ctx, o)
}
