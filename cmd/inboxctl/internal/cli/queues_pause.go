package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

func newQueuesPauseCmd(a *app, run func(context.Context, *pauseOptions) error) *cobra.Command {
	o := &pauseOptions{app: a}
	cmd := &cobra.Command{
		Use:   "pause QUEUE",
		Short: "Hold a queue, of all orgs, until it is resumed",
		Long: `Hold the jobs of a queue, of all orgs; --type narrows it to one type. Everything
else is as with the pause of an org: inboxctl orgs pause --help.`,
		Example: `  inboxctl queues pause whatsapp --for 15m --reason "Meta outage" --dry-run
  inboxctl queues pause whatsapp --type send_template --for 1h --yes`,
		Args:      takes("the NAME of the queue"),
		RunE:      does(o, run, runPause, &o.queue),
		ValidArgs: queueWords(),
	}
	cmd.Flags().StringVar(&o.kind, "type", "", "only jobs of this `TYPE`")
	o.lasts.add(cmd, "default: until it is resumed")
	complete(cmd, "type", admin.JobTypes()...)
	dryRunFlag(cmd, &o.dryRun)
	o.change.add(cmd)
	return cmd
}
