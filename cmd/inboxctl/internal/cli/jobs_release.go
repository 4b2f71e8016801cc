package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

// releaseResult is the answer of jobs release.
type releaseResult struct {
	bulkResult

	Released int64 `json:"released"`
}

func releaseVerb() verb {
	return verb{
		kind: admin.OpRelease, states: []string{"held"}, rule: "only held jobs can be released", every: "every held one",
		while: "the jobs have not begun to run",
		job:   "held job", do: "Release", done: "Released",
		runs:   true,
		answer: answers(func(r bulkResult) releaseResult { return releaseResult{r, r.done} }),
	}
}

func newJobsReleaseCmd(a *app, run func(context.Context, *bulkOptions) error) *cobra.Command {
	cmd := newBulkCmd(a, releaseVerb(), run)
	cmd.Short = "Let held jobs go on"
	cmd.Long = `Let held jobs wait for their turn again: those named by id, or those a selector
chooses. What a pause holds is not held in this sense: see orgs resume and queues
resume.
` + bulkHelp
	cmd.Example = `  inboxctl jobs release --org acme --dry-run
  inboxctl jobs release --org acme --rate 50/s --yes`
	return cmd
}
