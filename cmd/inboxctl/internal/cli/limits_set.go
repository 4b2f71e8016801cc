package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type limitsSetOptions struct {
	*app

	change changeFlags
	lasts  lasting
	org    string
	args   []string // name=value
	dryRun bool
}

func newLimitsSetCmd(a *app, run func(context.Context, *limitsSetOptions) error) *cobra.Command {
	o := &limitsSetOptions{app: a}
	cmd := &cobra.Command{
		Use:   "set --org ORG NAME=VALUE...",
		Short: "Set how much an org may do",
		Long: `Set how much an org may do: send_text, send_template, retry and assign as N/s,
N/min or N/h (0/min forbids it), weight from 1 to 10, concurrency as a number of jobs.

With --for the value is temporary: it stands in front of the lasting one until it
ends. Without, it lasts, and ends a temporary one of its name. It is done when
every running process has applied it; if one has not within 5s it is named, and
the exit code is 8.`,
		Example: `  inboxctl limits set --org acme send_text=120/min --for 2h --dry-run
  inboxctl limits set --org acme send_text=120/min weight=2 concurrency=20 --reason "summer sale" --yes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.args = args
			return pick(run, runLimitsSet)(cmd.Context(), o)
		},
	}
	cmd.ValidArgsFunction = limitNamesBefore
	cmd.Flags().StringVar(&o.org, "org", "", "the `ORG` (needed)")
	o.lasts.add(cmd, "default: it lasts")
	dryRunFlag(cmd, &o.dryRun)
	o.change.add(cmd)
	return cmd
}

// limitNamesBefore offers the names in the shell, ready for their values.
func limitNamesBefore(_ *cobra.Command, _ []string, word string) (found []string, _ cobra.ShellCompDirective) {
	if strings.Contains(word, "=") {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, name := range admin.LimitNames() {
		found = append(found, name+"=")
	}
	return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// request checks what can be checked without the server.
func (o *limitsSetOptions) request() (admin.LimitSet, error) {
	l := admin.LimitSet{Org: o.org, Values: map[string]string{}, DryRun: o.dryRun, Reason: o.change.reason}
	switch {
	case o.org == "" && len(o.args) > 0 && !strings.Contains(o.args[0], "="):
		return l, usagef("name the org with --org: did you mean --org %s?", quoted(o.args[0]))
	case o.org == "":
		return l, usagef("name the org with --org")
	case len(o.args) == 0:
		return l, usagef("say which limit to set, for example send_text=120/min")
	}
	for _, arg := range o.args {
		name, value, found := strings.Cut(arg, "=")
		if !found {
			return l, usagef("%q is not NAME=VALUE, for example send_text=120/min", arg)
		}
		if _, twice := l.Values[name]; twice {
			return l, usagef("%s is set twice", name)
		}
		if _, _, err := admin.ParseLimit(name, value); err != nil {
			return l, usagef("%s", err)
		}
		l.Values[name] = value
	}
	d, err := o.lasts.duration()
	l.LastsMS = d.Milliseconds()
	return l, err
}

func runLimitsSet(ctx context.Context, o *limitsSetOptions) error {
	if err := o.needsMoreThanNames("limits set"); err != nil {
		return err
	}
	request, err := o.request()
	if err != nil {
		return err
	}
	return o.act(ctx, o.dryRun, o.change, func(ctx context.Context, c *admin.Client) (string, error) {
		dry := request
		dry.DryRun = true
		plan, err := c.SetLimits(ctx, dry)
		what := strings.Join(changedLimits(plan.Item, slices.Collect(maps.Keys(dry.Values))), ", ")
		return fmt.Sprintf("Change %s of %s%s", what, o.org, forText(time.Duration(dry.LastsMS)*time.Millisecond)), err
	}, func(ctx context.Context, c *admin.Client) error { return o.set(ctx, c, request) })
}

func (o *limitsSetOptions) set(ctx context.Context, client *admin.Client, l admin.LimitSet) error {
	answer, err := client.SetLimits(ctx, l)
	if err != nil {
		return err
	}
	show := limitsText(slices.Collect(maps.Keys(l.Values)), time.Duration(l.LastsMS)*time.Millisecond, "Nothing was changed.")
	return printChange(o.app, answer, answer.Item.Applied, show)
}
