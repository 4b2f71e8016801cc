package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

func newOrgsPauseCmd(a *app, run func(context.Context, *pauseOptions) error) *cobra.Command {
	o := &pauseOptions{app: a}
	cmd := &cobra.Command{
		Use:   "pause ORG",
		Short: "Hold an org's jobs until it is resumed",
		Long: `Hold the jobs of an org: every queue but token_refresh, or what --queue and
--type narrow it to. Nothing is lost: messages are still accepted and wait.
Running jobs end, jobs that were handed out and not begun are called back.

Each pause is a hold with an id, an owner, a reason and perhaps an end; several
stack, and work goes on when the last one is gone. It is done when every running
process has applied it; if one has not within 5s it is named, and the exit code
is 8.`,
		Example: `  inboxctl orgs pause acme --for 1h --reason "duplicate sends" --dry-run
  inboxctl orgs pause acme --queue whatsapp --type send_template --for 30m --yes`,
		Args: takes("the NAME of the org"),
		RunE: does(o, run, runPause, &o.org),
	}
	cmd.Flags().StringVar(&o.queue, "queue", "", "only its jobs in this `QUEUE`")
	cmd.Flags().StringVar(&o.kind, "type", "", "only its jobs of this `TYPE`")
	o.lasts.add(cmd, "default: until it is resumed")
	complete(cmd, "queue", queueWords()...)
	complete(cmd, "type", admin.JobTypes()...)
	dryRunFlag(cmd, &o.dryRun)
	o.change.add(cmd)
	return cmd
}

func queueWords() []string {
	return []string{"whatsapp", "instagram", "automations", "meta_spend", "token_refresh"}
}
