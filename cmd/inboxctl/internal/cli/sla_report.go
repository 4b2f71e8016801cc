package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type slaReportOptions struct {
	*app

	slaFlags
	by    string
	limit int
}

const slaLegend = `MET is met ÷ N; "–" means no verdict yet, which is not 100 %. A question counts
when it is answered or due: PENDING ones (RISK: due within 60 s) do not. OVERDUE
are unanswered, and missed already. P50 to WORST are of the answers, in the
org's business hours. Questions belong to the time at which they were asked.`

func newSLAReportCmd(a *app, run func(context.Context, *slaReportOptions) error) *cobra.Command {
	o := &slaReportOptions{app: a}
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Compliance and response times, by org, channel or user",
		Long:  "Show compliance and response times, worst first.\n\n" + slaLegend,
		Example: `  inboxctl sla report
  inboxctl sla report --org acme --by channel --window 7d
  inboxctl sla report --org acme --day 2026-11-20 -o json`,
		Args: takes(),
		RunE: does(o, run, runSLAReport),
	}
	cmd.Flags().StringVar(&o.by, "by", "org", "split `BY`: org, user, channel")
	complete(cmd, "by", admin.SLASplits()...)
	o.add(cmd)
	return cmd
}

func newSLAUsersCmd(a *app, run func(context.Context, *slaReportOptions) error) *cobra.Command {
	o := &slaReportOptions{app: a, by: "user"}
	cmd := &cobra.Command{
		Use:   "users",
		Short: "Compliance and response times of each user, worst first",
		Long: `Show compliance and response times of each user, worst first. An answer is its
author's; what nobody answered in time is whose it was when it was due. (phone
app) are answers given in the WhatsApp or Instagram app.

` + slaLegend,
		Example: `  inboxctl sla users --org acme
  inboxctl sla users --org acme --day 2026-11-20
  inboxctl sla users --window 1h --limit 20 -o wide`,
		Args: takes(),
		RunE: does(o, run, runSLAReport),
	}
	cmd.Flags().IntVar(&o.limit, "limit", 0, "show the worst `N` only (default all)")
	o.add(cmd)
	return cmd
}

func runSLAReport(ctx context.Context, o *slaReportOptions) error {
	if err := checkWord("split", "--by", o.by, admin.SLASplits()); err != nil {
		return err
	}
	if o.limit < 0 {
		return usagef("--limit %d is not possible: use 1 or more", o.limit)
	}
	filter, err := o.filter(o.Now())
	if err != nil {
		return err
	}
	return showList(o.app, listView[admin.SLAFigures]{columns: slaColumns(o.by), empty: "No customer asked anything in that time: there is nothing to judge."},
		func(c *admin.Client) (admin.List[admin.SLAFigures], error) {
			answer, err := c.SLAReport(ctx, o.by, filter)
			if o.limit > 0 && len(answer.Items) > o.limit {
				o.note("%d more are better; without --limit all are shown\n", len(answer.Items)-o.limit)
				answer.Items = answer.Items[:o.limit]
			}
			return answer, err
		})
}
