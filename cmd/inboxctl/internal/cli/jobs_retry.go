package cli

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type jobsRetryOptions struct {
	bulkOptions
}

func newJobsRetryCmd(a *app, run func(context.Context, *jobsRetryOptions) error) *cobra.Command {
	o := &jobsRetryOptions{bulkOptions{app: a}}
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
	o.add(cmd, "only dead works: jobs in other `STATES` are not retried", "every dead job, when nothing else is selected", "dead")
	return cmd
}

func retryWords() bulkWords {
	return bulkWords{name: "jobs retry", every: "every dead one", states: []string{"dead"}, rule: "only dead jobs can be retried"}
}

func (o *jobsRetryOptions) request() (admin.RetryRequest, error) { return o.check(retryWords()) }

func runJobsRetry(ctx context.Context, o *jobsRetryOptions) error {
	return bulk[admin.RetryResult]{
		bulkWords: retryWords(), text: retryText, left: leftOver,
		send: func(ctx context.Context, c *admin.Client, r admin.BulkRequest) (admin.One[admin.RetryResult], error) {
			return c.RetryJobs(ctx, r)
		},
		question: func(plan admin.RetryResult) string {
			if plan.Matched == 0 {
				return ""
			}
			return fmt.Sprintf("Retry %s (%s)", plural(plan.Matched, "dead job"), splitText(plan.ByOrg))
		},
	}.run(ctx, &o.bulkOptions)
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
	skippedText(b, r.Skipped)
}
