package cli

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

type slaPolicyOptions struct {
	*app

	change    changeFlags
	org       string
	history   bool
	target    string
	objective string
	zone      string
	hours     string
	dryRun    bool

	given func(flag string) bool
}

func newSLAPolicyCmd(a *app, run func(context.Context, *slaPolicyOptions) error) *cobra.Command {
	cmd := newGroupCmd("policy", "", "What orgs promise: target, objective, business hours",
		newSLAPolicyShowCmd(a, run), newSLAPolicySetCmd(a, run))
	return cmd
}

func newSLAPolicyShowCmd(a *app, run func(context.Context, *slaPolicyOptions) error) *cobra.Command {
	o := &slaPolicyOptions{app: a}
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show what orgs promise",
		Long: `Show what orgs promise: how soon an answer must come (sooner than TARGET), how
often it should (GOAL), and in which hours. With --history every policy there
ever was, newest first: a question is judged by the one in force when it was
asked.`,
		Example: `  inboxctl sla policy show
  inboxctl sla policy show --org acme --history -o wide`,
		Args: takes(),
		RunE: does(o, run, runSLAPolicyShow),
	}
	cmd.Flags().StringVar(&o.org, "org", "", "only of this `ORG`")
	cmd.Flags().BoolVar(&o.history, "history", false, "also those that are no longer in force")
	return cmd
}

func policyColumns() []column[admin.SLAPolicy] {
	type policy = admin.SLAPolicy
	return []column[policy]{
		{name: "ORG", cell: func(p policy, _ time.Time) string { return p.Org }},
		{name: "TARGET", right: true, cell: func(p policy, _ time.Time) string { return slaSpan(&p.TargetMS) }},
		{name: "GOAL", right: true, cell: func(p policy, _ time.Time) string { return admin.ShareText(&p.Objective) }},
		{name: "ZONE", cell: func(p policy, _ time.Time) string { return p.TimeZone }},
		{name: "HOURS", cell: func(p policy, _ time.Time) string { return admin.HoursText(p.BusinessHours) }},
		{name: "SINCE", cell: func(p policy, asOf time.Time) string { return agoText(&p.SetAt, asOf) }},
		{name: "IN FORCE", wide: true, cell: func(p policy, _ time.Time) string {
			if p.InForce {
				return "yes"
			}
			return "no"
		}},
		{name: "OWNER", wide: true, cell: func(p policy, _ time.Time) string { return maybe(p.Owner) }},
		{name: "REASON", wide: true, cell: func(p policy, _ time.Time) string { return maybe(p.Reason) }},
	}
}

func runSLAPolicyShow(ctx context.Context, o *slaPolicyOptions) error {
	return showList(o.app, listView[admin.SLAPolicy]{columns: policyColumns(), empty: noOrgs},
		func(c *admin.Client) (admin.List[admin.SLAPolicy], error) {
			return c.SLAPolicies(ctx, o.org, o.history)
		})
}

func newSLAPolicySetCmd(a *app, run func(context.Context, *slaPolicyOptions) error) *cobra.Command {
	o := &slaPolicyOptions{app: a}
	cmd := &cobra.Command{
		Use:   "set --org ORG",
		Short: "Change what an org promises",
		Long: `Change what an org promises, for questions asked from now on. What is not given
stays as it is. The hours are those of the clock on the wall in the org's time
zone; an interval past midnight is written 22:00-02:00, the end of the day 24:00.`,
		Example: `  inboxctl sla policy set --org acme --target 10m --objective 90 --dry-run
  inboxctl sla policy set --org acme --time-zone America/New_York \
    --hours "mon-fri 09:00-18:00, sat 10:00-14:00" --yes
  inboxctl sla policy set --org acme --hours always --yes`,
		Args: takes(),
		RunE: does(o, run, runSLAPolicySet),
	}
	f := cmd.Flags()
	o.given = f.Changed
	f.StringVar(&o.org, "org", "", "the `ORG` (needed)")
	f.StringVar(&o.target, "target", "", "an answer must come sooner than this `DURATION`, such as 5m")
	f.StringVar(&o.objective, "objective", "", "`PERCENT` of answers that should, such as 80")
	f.StringVar(&o.zone, "time-zone", "", "IANA `ZONE` of the hours, such as Europe/Madrid")
	f.StringVar(&o.hours, "hours", "", "business `HOURS`, or always")
	dryRunFlag(cmd, &o.dryRun)
	o.change.add(cmd)
	return cmd
}

// request checks what can be checked without the server.
func (o *slaPolicyOptions) request() (r admin.SLAPolicySet, err error) {
	r = admin.SLAPolicySet{Org: o.org, DryRun: o.dryRun, Reason: o.change.reason}
	if o.org == "" {
		return r, usagef("name the org with --org")
	}
	some := false
	for flag, value := range map[string]string{"target": o.target, "objective": o.objective, "time-zone": o.zone, "hours": o.hours} {
		if o.given(flag) && value == "" {
			return r, usagef("--%s is given but empty", flag)
		}
		some = some || value != ""
	}
	if !some {
		return r, usagef("say what to change: --target, --objective, --time-zone or --hours")
	}
	if o.target != "" {
		d, err := parseDuration("--target", o.target)
		if err != nil {
			return r, err
		}
		ms := d.Milliseconds()
		r.TargetMS = &ms
	}
	if o.objective != "" {
		share, err := parsePercent(o.objective)
		if err != nil {
			return r, err
		}
		r.Objective = &share
	}
	if o.zone != "" {
		r.TimeZone = &o.zone
	}
	switch o.hours {
	case "":
	case "always":
		r.AlwaysOpen = true
	default:
		if r.BusinessHours, err = admin.ParseHours(o.hours); err != nil {
			return r, usagef("--hours: %s", err)
		}
	}
	return r, nil
}

func runSLAPolicySet(ctx context.Context, o *slaPolicyOptions) error {
	request, err := o.request()
	if err != nil {
		return err
	}
	return o.act(ctx, o.dryRun, o.change, func(ctx context.Context, c *admin.Client) (string, error) {
		dry := request
		dry.DryRun = true
		plan, err := c.SetSLAPolicy(ctx, dry)
		return fmt.Sprintf("Change %s of %s", orElse(policyChange(plan.Item), "nothing"), o.org), err
	}, func(ctx context.Context, c *admin.Client) error {
		answer, err := c.SetSLAPolicy(ctx, request)
		if err != nil {
			return err
		}
		return printOne(o.app, answer, func(b *bytes.Buffer, r admin.SLAPolicyResult, _ time.Time) {
			switch what := policyChange(r); {
			case what == "":
				fmt.Fprintf(b, "Nothing changes: %s has this policy.\n", text.Clean(r.Org))
			case r.DryRun:
				fmt.Fprintf(b, "Would change %s of %s. Nothing was changed.\n", what, text.Clean(r.Org))
			default:
				fmt.Fprintf(b, "Changed %s of %s, for questions asked from now on.\n", what, text.Clean(r.Org))
			}
		})
	})
}

// policyChange says what differs: "target 5m00s to 10m00s".
func policyChange(r admin.SLAPolicyResult) string {
	var words []string
	for _, p := range []struct{ name, was, is string }{
		{"target", slaSpan(&r.Before.TargetMS), slaSpan(&r.Policy.TargetMS)},
		{"objective", admin.ShareText(&r.Before.Objective), admin.ShareText(&r.Policy.Objective)},
		{"time zone", r.Before.TimeZone, r.Policy.TimeZone},
		{"hours", admin.HoursText(r.Before.BusinessHours), admin.HoursText(r.Policy.BusinessHours)},
	} {
		if p.was != p.is {
			words = append(words, fmt.Sprintf("%s %s to %s", p.name, p.was, p.is))
		}
	}
	return text.Clean(strings.Join(words, ", "))
}

// parsePercent reads 80 or 80%. A number up to 1 is a share to most who write it.
func parsePercent(raw string) (share float64, err error) {
	number, signed := strings.CutSuffix(raw, "%")
	percent, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || !(percent > 0 && percent <= 100):
		return 0, usagef("--objective %q is not a percentage: use for example 80", raw)
	case percent <= 1 && !signed:
		return 0, usagef("--objective %s is a percentage: write %g for that share, or %s%% if you mean it", raw, 100*percent, raw)
	}
	return percent / 100, nil
}
