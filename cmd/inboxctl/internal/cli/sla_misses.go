package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

type slaMissesOptions struct {
	*app

	slaFlags
	pageFlags
	cause string
}

func newSLAMissesCmd(a *app, run func(context.Context, *slaMissesOptions) error) *cobra.Command {
	o := &slaMissesOptions{app: a}
	cmd := &cobra.Command{
		Use:   "misses",
		Short: "Questions that were missed, and what each miss was due to",
		Long: `List the questions that were missed, newest first, with what each was due to:

  human       nobody pressed send in time
  queue_wait  somebody did, and the message waited for its turn
  hold        ... for the end of a pause (inboxctl orgs holds)
  limit       ... for a token of the org's limit, or because Meta throttles
  retries     ... for another try after a failure
  provider    ... for Meta's answer; or the customer's message came late

WENT TO is what the time from the question to the answer went to, or to the due
time without one, the largest part first; the parts add up. A miss is explained
within seconds; until then CAUSE is empty.`,
		Example: `  inboxctl sla misses --org acme --window 1h
  inboxctl sla misses --org acme --cause hold -o wide
  inboxctl sla misses --org acme --user dana --day 2026-11-20`,
		Args: takes(),
		RunE: does(o, run, runSLAMisses),
	}
	cmd.Flags().StringVar(&o.cause, "cause", "", "only due to this `CAUSE`")
	o.pageFlags.add(cmd)
	complete(cmd, "cause", admin.SLACauses()...)
	o.slaFlags.add(cmd)
	return cmd
}

func runSLAMisses(ctx context.Context, o *slaMissesOptions) error {
	filter, err := o.filter(o.Now())
	if err != nil {
		return err
	}
	if filter.Cause = o.cause; o.cause != "" {
		if err := checkWord("cause", "--cause", o.cause, admin.SLACauses()); err != nil {
			return err
		}
	}
	return showPages(o.app, o.pageFlags, listView[admin.SLACase]{columns: missColumns(), empty: "No question was missed in that time."},
		func(c *admin.Client, p admin.Page) (admin.List[admin.SLACase], error) {
			p.Limit = min(p.Limit, 500) // more is refused
			return c.SLAMisses(ctx, filter, p)
		})
}

func missColumns() []column[admin.SLACase] {
	type miss = admin.SLACase
	part := func(name string, value func(admin.SLASpent) int64) column[miss] {
		return column[miss]{name: name, wide: true, right: true, cell: func(m miss, _ time.Time) string {
			if m.Spent == nil {
				return ""
			}
			ms := value(*m.Spent)
			return slaSpan(&ms)
		}}
	}
	return []column[miss]{
		{name: "CONVERSATION", right: true, cell: func(m miss, _ time.Time) string { return m.ConversationID }},
		{name: "ORG", cell: func(m miss, _ time.Time) string { return m.Org }},
		{name: "USER", cell: func(m miss, _ time.Time) string { return slaWho(m.User, m.Who) }},
		{name: "CHANNEL", wide: true, cell: func(m miss, _ time.Time) string { return m.ChannelKind }},
		{name: "ASKED", cell: func(m miss, asOf time.Time) string { return agoText(&m.StartedAt, asOf) }},
		{name: "DUE", cell: func(m miss, asOf time.Time) string { return agoText(&m.DueAt, asOf) }},
		{name: "ANSWERED", cell: func(m miss, asOf time.Time) string { return orElse(agoText(m.AnsweredAt, asOf), "not yet") }},
		{name: "TOOK", right: true, cell: func(m miss, _ time.Time) string { return orElse(slaSpan(m.ResponseMS), "–") }},
		{name: "CAUSE", cell: func(m miss, _ time.Time) string { return maybe(m.Cause) }},
		{name: "WENT TO", cell: func(m miss, _ time.Time) string { return spentText(m.Spent) }},
		part("HUMAN", func(s admin.SLASpent) int64 { return s.HumanMS }),
		part("CLOSED", func(s admin.SLASpent) int64 { return s.ClosedMS }),
		part("QUEUE", func(s admin.SLASpent) int64 { return s.QueueWaitMS }),
		part("HOLD", func(s admin.SLASpent) int64 { return s.HoldMS }),
		part("LIMIT", func(s admin.SLASpent) int64 { return s.LimitMS }),
		part("RETRIES", func(s admin.SLASpent) int64 { return s.RetriesMS }),
		part("PROVIDER", func(s admin.SLASpent) int64 { return s.ProviderMS }),
	}
}

// spentText writes what the time of a miss went to, the largest part first: a word
// for the cause leaves open how much of it there was.
func spentText(s *admin.SLASpent) string {
	if s == nil {
		return ""
	}
	type part struct {
		name string
		ms   int64
	}
	parts := []part{
		{"human", s.HumanMS}, {"closed", s.ClosedMS}, {"queue", s.QueueWaitMS}, {"hold", s.HoldMS}, {"limit", s.LimitMS}, {"retries", s.RetriesMS}, {"provider", s.ProviderMS},
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(b.ms, a.ms) })
	var words []string
	for _, p := range parts {
		if p.ms > 0 {
			words = append(words, p.name+" "+slaSpan(&p.ms))
		}
	}
	return strings.Join(words, ", ")
}

type slaAtRiskOptions struct {
	*app

	org     string
	overdue bool
}

func newSLAAtRiskCmd(a *app, run func(context.Context, *slaAtRiskOptions) error) *cobra.Command {
	o := &slaAtRiskOptions{app: a}
	cmd := &cobra.Command{
		Use:   "at-risk",
		Short: "Unanswered questions that are due within 60 s",
		Example: `  inboxctl sla at-risk --org acme
  inboxctl sla at-risk --overdue`,
		Args: takes(),
		RunE: does(o, run, runSLAAtRisk),
	}
	cmd.Flags().StringVar(&o.org, "org", "", "only of this `ORG`")
	cmd.Flags().BoolVar(&o.overdue, "overdue", false, "also those that are due already")
	return cmd
}

func runSLAAtRisk(ctx context.Context, o *slaAtRiskOptions) error {
	return showList(o.app, listView[admin.SLACase]{columns: riskColumns(), empty: "Nothing is at risk."},
		func(c *admin.Client) (admin.List[admin.SLACase], error) { return c.SLAAtRisk(ctx, o.org, o.overdue) })
}

func riskColumns() []column[admin.SLACase] {
	type risk = admin.SLACase
	return []column[risk]{
		{name: "CONVERSATION", right: true, cell: func(r risk, _ time.Time) string { return r.ConversationID }},
		{name: "ORG", cell: func(r risk, _ time.Time) string { return r.Org }},
		{name: "USER", cell: func(r risk, _ time.Time) string { return slaWho(r.User, r.Who) }},
		{name: "CHANNEL", cell: func(r risk, _ time.Time) string { return r.ChannelKind }},
		{name: "ASKED", cell: func(r risk, asOf time.Time) string { return agoText(&r.StartedAt, asOf) }},
		{name: "DUE", cell: func(r risk, asOf time.Time) string { return agoText(&r.DueAt, asOf) }},
	}
}
