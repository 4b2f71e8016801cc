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

type jobsWhyOptions struct {
	*app

	id string
}

func newJobsWhyCmd(a *app, run func(context.Context, *jobsWhyOptions) error) *cobra.Command {
	o := &jobsWhyOptions{app: a}
	return &cobra.Command{
		Use:   "why ID",
		Short: "Say what holds a job, and the command that removes it",
		Long: `Say everything that holds a job now, what binds first at the top: holds, its
limit with the time of the next token, pacing, its channel, the job of its
conversation that goes first, its org's share, no worker; each with who, since
when and until when, and the command that removes it. Then what would make it
fail, and where it stands. Of a dead, uncertain or finished job it says what
happened and what to do.

It exits 0 whatever it finds.`,
		Example: `  inboxctl jobs why "$(inboxctl jobs list --limit 1 -o name)"
  inboxctl jobs why "$(inboxctl jobs list --limit 1 -o name)" -o json`,
		Args: takes("the ID of a job"),
		RunE: does(o, run, runJobsWhy, &o.id),
	}
}

func runJobsWhy(ctx context.Context, o *jobsWhyOptions) error {
	id, err := o.oneID(o.id)
	if err != nil {
		return err
	}
	return showOne(o.app, o.whyText, func(c *admin.Client) (admin.One[admin.JobWhy], error) { return c.Why(ctx, id) })
}

// oneID reads the id of exactly one job.
func (a *app) oneID(word string) (string, error) {
	if strings.TrimSpace(word) == "" {
		return "", usagef("the ID of the job is given but empty")
	}
	ids, err := a.readIDs([]string{word})
	if err != nil {
		return "", err
	}
	if len(ids) != 1 {
		return "", usagef("one job at a time")
	}
	return ids[0], nil
}

func (a *app) whyText(b *bytes.Buffer, w admin.JobWhy, asOf time.Time) {
	var holding, rest []admin.Cause
	for _, c := range w.Causes {
		if c.Holds {
			holding = append(holding, c)
		} else {
			rest = append(rest, c)
		}
	}
	state := fmt.Sprintf("job %s of %s is %s", text.Clean(w.ID), text.Clean(w.Org), text.Clean(w.State))
	switch len(holding) {
	case 0:
		fmt.Fprintf(b, "%s. Nothing holds it.\n", state)
	case 1:
		fmt.Fprintf(b, "%s. %s\n", state, a.paint("1 thing holds it:", yellow))
	default:
		fmt.Fprintf(b, "%s. %s\n", state, a.paint(fmt.Sprintf("%d things hold it, the first to bind at the top:", len(holding)), yellow))
	}
	for _, c := range holding {
		writeCause(b, c, asOf)
	}
	if len(rest) > 0 && len(holding) > 0 {
		fmt.Fprintln(b, "\nBesides:")
	}
	for _, c := range rest {
		writeCause(b, c, asOf)
	}
}

// writeCause is a line, who and when under it, and the command that removes it.
func writeCause(b *bytes.Buffer, c admin.Cause, asOf time.Time) {
	fmt.Fprintf(b, "  %-18s  %s\n", text.Clean(c.Code), text.Clean(c.Text))
	var details []string
	if c.Who != nil {
		details = append(details, "by "+*c.Who)
	}
	if c.Since != nil {
		details = append(details, "since "+agoText(c.Since, asOf))
	}
	if c.Until != nil {
		details = append(details, "until "+untilText(*c.Until, asOf))
	}
	if len(details) > 0 {
		fmt.Fprintf(b, "  %18s  %s\n", "", text.Clean(strings.Join(details, ", ")))
	}
	if c.Command != nil {
		fmt.Fprintf(b, "  %18s  > %s\n", "", text.Clean(*c.Command))
	}
}

// untilText says how long it is until then: "12:00:05 UTC, in 5s".
func untilText(at, asOf time.Time) string {
	return at.UTC().Format("15:04:05 UTC") + ", " + agoText(&at, asOf)
}
