package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func newQueuesResumeCmd(a *app, run func(context.Context, *resumeOptions) error) *cobra.Command {
	o := &resumeOptions{app: a}
	cmd := &cobra.Command{
		Use:   "resume QUEUE",
		Short: "Release a hold of a whole queue",
		Long: `Release a hold of a whole queue. If it has several, one must be named; --hold all
releases every one. Holds that orgs have on the queue stay: see inboxctl queues
show.`,
		Example: `  inboxctl queues resume whatsapp
  inboxctl queues resume whatsapp --hold all`,
		Args: named("the NAME of the queue"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.queue = args[0]
			return pick(run, runResume)(cmd.Context(), o)
		},
		ValidArgs: queueWords(),
	}
	cmd.Flags().StringVar(&o.hold, "hold", "", "`ID` of the hold, or all")
	o.change.add(cmd)
	return cmd
}
