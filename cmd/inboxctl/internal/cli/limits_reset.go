package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type limitsResetOptions struct {
	*app

	change    changeFlags
	org       string
	names     []string
	temporary bool
	dryRun    bool
}

func newLimitsResetCmd(a *app, run func(context.Context, *limitsResetOptions) error) *cobra.Command {
	o := &limitsResetOptions{app: a}
	cmd := &cobra.Command{
		Use:   "reset --org ORG [NAME...]",
		Short: "Give an org the default limits back, or end its temporary ones",
		Long: `Give an org the default limits back: those that are named, else all of them. Its
own values end, both the temporary ones and the lasting ones behind them.

With --temporary only the temporary values end: the lasting ones behind them hold
again, as they would have by themselves later.`,
		Example: `  inboxctl limits reset --org acme send_text --dry-run
  inboxctl limits reset --org acme --temporary --yes
  inboxctl limits reset --org acme --yes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.names = args
			return pick(run, runLimitsReset)(cmd.Context(), o)
		},
		ValidArgs: admin.LimitNames(),
	}
	cmd.Flags().StringVar(&o.org, "org", "", "the `ORG` (needed)")
	cmd.Flags().BoolVar(&o.temporary, "temporary", false, "end only temporary values; lasting ones stay")
	dryRunFlag(cmd, &o.dryRun)
	o.change.add(cmd)
	return cmd
}

func (o *limitsResetOptions) request() (admin.LimitReset, error) {
	l := admin.LimitReset{Org: o.org, Names: o.names, Temporary: o.temporary, DryRun: o.dryRun, Reason: o.change.reason}
	if o.org == "" && len(o.names) > 0 && !slices.Contains(admin.LimitNames(), o.names[0]) {
		return l, usagef("name the org with --org: inboxctl limits reset --org %s", o.names[0])
	}
	if o.org == "" {
		return l, usagef("name the org with --org")
	}
	for _, name := range o.names {
		if err := checkWord("limit", "limits reset", name, admin.LimitNames()); err != nil {
			return l, err
		}
	}
	return l, nil
}

func runLimitsReset(ctx context.Context, o *limitsResetOptions) error {
	if err := o.needsMoreThanNames("limits reset"); err != nil {
		return err
	}
	request, err := o.request()
	if err != nil {
		return err
	}
	return o.act(ctx, o.dryRun, o.change, func(ctx context.Context, c *admin.Client) (string, error) {
		dry := request
		dry.DryRun = true
		plan, err := c.ResetLimits(ctx, dry)
		return fmt.Sprintf("Reset %s of %s", orElse(strings.Join(changedLimits(plan.Item, nil), ", "), "nothing"), o.org), err
	}, func(ctx context.Context, c *admin.Client) error { return o.reset(ctx, c, request) })
}

func (o *limitsResetOptions) reset(ctx context.Context, client *admin.Client, l admin.LimitReset) error {
	answer, err := client.ResetLimits(ctx, l)
	if err != nil {
		return err
	}
	return printChange(o.app, answer, answer.Item.Applied, limitsText(nil, 0, o.nothing()))
}

// nothing is what to say when there was nothing to reset.
func (o *limitsResetOptions) nothing() string {
	if o.temporary {
		return "There is nothing to reset: " + o.org + " has no temporary limit of that name."
	}
	return "There is nothing to reset: " + o.org + " has the defaults."
}
