package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type jobsResolveOptions struct {
	bulkOptions

	sent, notSent, resend bool
}

// resolveResult is the answer of jobs resolve.
type resolveResult struct {
	bulkResult

	As       string `json:"as"`
	Resolved int64  `json:"resolved"`
}

// resolveVerb takes as, one of the words of PlanRequest.As.
func resolveVerb(as string) verb {
	how := map[string]string{admin.AsSent: " as sent", admin.AsNotSent: " as not sent", admin.AsResend: " by sending again"}[as]
	return verb{
		kind: admin.OpResolve, states: []string{"uncertain"}, rule: "only uncertain jobs can be resolved", every: "every uncertain one",
		job: "uncertain job", do: "Resolve", done: "Resolved", how: how,
		runs:   as == admin.AsResend,
		answer: answers(func(r bulkResult) resolveResult { return resolveResult{r, as, r.done} }),
	}
}

func newJobsResolveCmd(a *app, run func(context.Context, *jobsResolveOptions) error) *cobra.Command {
	o := &jobsResolveOptions{bulkOptions: bulkOptions{app: a}}
	cmd := o.newCmd(resolveVerb(admin.AsResend))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.args = args
		return pick(run, runJobsResolve)(cmd.Context(), o)
	}
	cmd.Use = "resolve [ID...] --sent|--not-sent|--resend"
	cmd.Short = "Settle uncertain jobs"
	cmd.Long = `Settle uncertain jobs, of which it is not known whether Meta sent their message.
Look first, for example in the customer's chat: --sent if it arrived; --not-sent
if it did not and shall not; --resend if it did not and shall be sent again now.
A --resend of a message that did arrive sends it twice.
` + bulkHelp
	cmd.Example = `  inboxctl jobs list --state uncertain
  inboxctl jobs resolve "$(inboxctl jobs list --state uncertain --limit 1 -o name)" --sent --reason "seen in the chat"
  inboxctl jobs resolve --org acme --older-than 1d --not-sent --dry-run`
	cmd.Flags().BoolVar(&o.sent, "sent", false, "the message was sent")
	cmd.Flags().BoolVar(&o.notSent, "not-sent", false, "the message was not sent, and shall not be")
	cmd.Flags().BoolVar(&o.resend, "resend", false, "the message was not sent, and shall be")
	return cmd
}

// as is what the flags say became of the messages.
func (o *jobsResolveOptions) as() (as string, err error) {
	said := 0
	for _, choice := range []struct {
		given bool
		as    string
	}{{o.sent, admin.AsSent}, {o.notSent, admin.AsNotSent}, {o.resend, admin.AsResend}} {
		if choice.given {
			as, said = choice.as, said+1
		}
	}
	if said != 1 {
		return "", usagef("say what became of the message: one of --sent, --not-sent, --resend")
	}
	return as, nil
}

func runJobsResolve(ctx context.Context, o *jobsResolveOptions) error {
	as, err := o.as()
	if err != nil {
		return err
	}
	return o.run(ctx, resolveVerb(as), func(r *admin.PlanRequest) { r.As = as })
}
