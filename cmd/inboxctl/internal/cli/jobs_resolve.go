package cli

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

type jobsResolveOptions struct {
	*app

	change                changeFlags
	id                    string
	sent, notSent, resend bool
}

func newJobsResolveCmd(a *app, run func(context.Context, *jobsResolveOptions) error) *cobra.Command {
	o := &jobsResolveOptions{app: a}
	cmd := &cobra.Command{
		Use:   "resolve ID --sent|--not-sent|--resend",
		Short: "Settle an uncertain job",
		Long: `Settle an uncertain job, of which it is not known whether Meta sent its message.
Look first, for example in the customer's chat: --sent if it arrived; --not-sent
if it did not and shall not; --resend if it did not and shall be sent again now.
A --resend of a message that did arrive sends it twice.`,
		Example: `  inboxctl jobs list --state uncertain
  inboxctl jobs resolve "$(inboxctl jobs list --state uncertain --limit 1 -o name)" --sent --reason "seen in the chat"`,
		Args: named("the ID of a job"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.id = args[0]
			return pick(run, runJobsResolve)(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.sent, "sent", false, "the message was sent")
	cmd.Flags().BoolVar(&o.notSent, "not-sent", false, "the message was not sent, and shall not be")
	cmd.Flags().BoolVar(&o.resend, "resend", false, "the message was not sent, and shall be")
	o.change.add(cmd)
	return cmd
}

func (o *jobsResolveOptions) request() (admin.ResolveRequest, error) {
	r := admin.ResolveRequest{ID: o.id, Reason: o.change.reason}
	if n, err := strconv.ParseInt(o.id, 10, 64); err != nil || n <= 0 {
		return r, usagef("%q is not the id of a job: resolve one at a time, each needs somebody's look", o.id)
	}
	said := 0
	for _, choice := range []struct {
		given bool
		as    string
	}{{o.sent, admin.AsSent}, {o.notSent, admin.AsNotSent}, {o.resend, admin.AsResend}} {
		if choice.given {
			r.As, said = choice.as, said+1
		}
	}
	if said != 1 {
		return r, usagef("say what became of the message: one of --sent, --not-sent, --resend")
	}
	return r, nil
}

func runJobsResolve(ctx context.Context, o *jobsResolveOptions) error {
	request, err := o.request()
	if err != nil {
		return err
	}
	client, _, err := o.app.change(o.change)
	if err != nil {
		return err
	}
	answer, err := client.ResolveJob(ctx, request)
	if err != nil {
		return err
	}
	return printOne(o.app, answer, func(b *bytes.Buffer, r admin.ResolveResult, _ time.Time) {
		fmt.Fprintf(b, "Job %s is %s now.\n", text.Clean(r.ID), text.Clean(r.State))
	})
}
