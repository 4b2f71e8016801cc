package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func newQueuesResumeCmd(a *app, run func(context.Context, *resumeOptions) error) *cobra.Command {
	o := &resumeOptions{app: a}
	cmd := &cobra.Command{
		Use:   "resume QUEUE",
		Short: "Release your holds of a whole queue",
		Long: `Release the holds of a whole queue that are yours. Those of others stay: --hold ID
releases one, --all-holds every one. Holds that orgs have on the queue stay in any
case: see inboxctl queues show.`,
		Example: `  inboxctl queues resume whatsapp
  inboxctl queues resume whatsapp --all-holds`,
		Args:      takes("the NAME of the queue"),
		RunE:      does(o, run, runResume, &o.queue),
		ValidArgs: queueWords(),
	}
	o.addHoldFlags(cmd)
	o.change.add(cmd)
	return cmd
}
