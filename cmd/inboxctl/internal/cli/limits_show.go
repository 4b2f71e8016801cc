package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func newLimitsShowCmd(a *app, run func(context.Context, *limitsListOptions) error) *cobra.Command {
	o := &limitsListOptions{app: a}
	cmd := &cobra.Command{
		Use:   "show ORG",
		Short: "Show what one org may do now, and how much of it is used",
		Long: `Show what one org may do now, and how much of it is used. A temporary value is in
force until it ENDS; THEN is the lasting one behind it, which holds from there on.`,
		Example: `  inboxctl limits show acme
  inboxctl limits show --org acme -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.only(args); err != nil {
				return err
			}
			return pick(run, runLimitsList)(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.org, "org", "", "the `ORG`, if it is not named as an argument")
	return cmd
}

// only takes the org as an argument or from --org, as the other verbs of limits
// have it.
func (o *limitsListOptions) only(args []string) error {
	switch {
	case len(args) > 1:
		return usagef("inboxctl limits show takes one org, not also %q", args[1])
	case len(args) == 1 && o.org != "" && args[0] != o.org:
		return usagef("which org: %s, or %s of --org?", args[0], o.org)
	case len(args) == 1:
		o.org = args[0]
	}
	if o.org == "" {
		return usagef("name the org: inboxctl limits show ORG")
	}
	return nil
}
