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

type jobsRetryOptions struct {
	*app

	selector selectorFlags
	change   changeFlags
	all      bool
	dryRun   bool
	args     []string // ids
}

func newJobsRetryCmd(a *app, run func(context.Context, *jobsRetryOptions) error) *cobra.Command {
	o := &jobsRetryOptions{app: a}
	cmd := &cobra.Command{
		Use:   "retry [ID...]",
		Short: "Run dead jobs again",
		Long: `Run dead jobs again, with all their attempts back: those named by id, or those
a selector chooses. Jobs in any other state are left alone; an uncertain one is
never sent again by a retry. More than one job asks first: --dry-run shows what
would happen, --yes does not ask.

It exits 3 if some of the dead jobs were not retried, because somebody else was
changing them or the server stopped; the answer has the numbers, and the same
command goes on from there.`,
		Example: `  inboxctl jobs retry --state dead --all --dry-run
  inboxctl jobs retry --queue whatsapp --error transient --since 2h --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.args = args
			return pick(run, runJobsRetry)(cmd.Context(), o)
		},
	}
	o.selector.add(cmd, "only dead works: jobs in other `STATES` are not retried", "dead")
	o.change.add(cmd)
	cmd.Flags().BoolVar(&o.all, "all", false, "every dead job, when nothing else is selected")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "count, and change nothing")
	return cmd
}

func runJobsRetry(ctx context.Context, o *jobsRetryOptions) error {
	if err := o.needsMoreThanNames("jobs retry"); err != nil {
		return err
	}
	request, err := o.request()
	if err != nil {
		return err
	}
	single := len(request.Selector.IDs) == 1
	if !single && !o.dryRun {
		if err := o.mayAsk(o.change); err != nil {
			return err
		}
	}
	if o.dryRun {
		client, _, err := o.connect()
		if err != nil {
			return err
		}
		return o.send(ctx, client, request)
	}
	client, t, err := o.app.change(o.change)
	if err != nil {
		return err
	}
	if !single && !o.change.yes {
		if agreed, err := o.agree(ctx, client, t, request); err != nil || !agreed {
			return err
		}
	}
	return o.send(ctx, client, request)
}

// request checks what can be checked without the server.
func (o *jobsRetryOptions) request() (r admin.RetryRequest, err error) {
	r.All, r.DryRun, r.Reason = o.all, o.dryRun, o.change.reason
	if r.Selector, err = o.selector.selector(o.app); err != nil {
		return r, err
	}
	ids, err := o.readIDs(o.args)
	if err != nil {
		return r, err
	}
	r.Selector.IDs = admin.SplitList(append(r.Selector.IDs, ids...))
	if r.Selector.Empty() && !r.All {
		return r, usagef("nothing is selected: say which jobs, for example --org acme, or every dead one with --all")
	}
	for _, state := range r.Selector.State {
		if state != "dead" {
			return r, usagef("--state: only dead jobs can be retried, not %s ones", state)
		}
	}
	return r, nil
}

// agree counts first, so that the question has the numbers. Nothing to do is
// not a question.
func (o *jobsRetryOptions) agree(ctx context.Context, client *admin.Client, t target, r admin.RetryRequest) (bool, error) {
	r.DryRun = true
	plan, err := client.RetryJobs(ctx, r)
	if err != nil {
		return false, err
	}
	if plan.Item.Matched == 0 {
		return false, printOne(o.app, plan, retryText)
	}
	where := orElse(t.Name, t.Server)
	return true, o.confirm(fmt.Sprintf("Retry %s (%s) on %s?", plural(plan.Item.Matched, "dead job"), splitText(plan.Item.ByOrg), where))
}

func (o *jobsRetryOptions) send(ctx context.Context, client *admin.Client, r admin.RetryRequest) error {
	answer, err := client.RetryJobs(ctx, r)
	if err != nil {
		return err
	}
	if err := printOne(o.app, answer, retryText); err != nil {
		return err
	}
	return leftOver(answer.Item)
}

// leftOver turns what was not retried into exit 3: a script that went on would
// leave those jobs dead.
func leftOver(r admin.RetryResult) error {
	if !r.Partial() {
		return nil
	}
	what, why := plural(r.Matched-r.Retried, "dead job")+" not retried", "busy with another change: repeat the command to go on"
	if r.Retried >= r.Matched { // Counted before, and more may have died since.
		what = "perhaps not every dead job was retried"
	}
	if r.Error != nil {
		why = *r.Error
	}
	return &partial{what + ", " + why}
}

func retryText(b *bytes.Buffer, r admin.RetryResult, _ time.Time) {
	switch {
	case r.Matched == 0:
		fmt.Fprintln(b, "No dead job matches.")
	case r.DryRun:
		fmt.Fprintf(b, "Would retry %s (%s). Nothing was changed.\n", plural(r.Matched, "dead job"), splitText(r.ByOrg))
	case r.Retried < r.Matched:
		fmt.Fprintf(b, "Retried %d of %s (%s).\n", r.Retried, plural(r.Matched, "dead job"), splitText(r.ByOrg))
	default:
		fmt.Fprintf(b, "Retried %s (%s).\n", plural(r.Retried, "dead job"), splitText(r.ByOrg))
	}
	for _, s := range r.Skipped {
		fmt.Fprintf(b, "Left alone: %s, %s.\n", plural(s.N, "job"), text.Clean(s.Reason))
	}
}

// splitText names the orgs with the most jobs: "acme 40, globex 2, 3 more".
func splitText(orgs []admin.OrgCount) string {
	const shown = 5
	var parts []string
	for i, o := range orgs {
		if i == shown {
			parts = append(parts, fmt.Sprintf("%d more orgs", len(orgs)-shown))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %d", text.Clean(o.Org), o.N))
	}
	return strings.Join(parts, ", ")
}
