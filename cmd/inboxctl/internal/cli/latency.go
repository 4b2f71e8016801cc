package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

type latencyOptions struct {
	*app

	query admin.LatencyQuery
}

func newLatencyCmd(a *app, run func(context.Context, *latencyOptions) error) *cobra.Command {
	o := &latencyOptions{app: a}
	cmd := &cobra.Command{
		Use:   "latency",
		Short: "Show how long work takes: P50, P95, P99 and how it is spread",
		Long: `Show how long work takes, over the last 1m, 5m, 15m, 1h or 24h, by job type,
queue or org.

wait is from ready to start and run from start to outcome, for each attempt; e2e
is from a job's creation to its end. Percentiles are off by 5 % at most. In the
chart each column takes twice as long as the one before; the header says where
it begins and ends.`,
		Example: `  inboxctl latency
  inboxctl latency --by org --window 1h --metric wait
  inboxctl latency --org acme --by queue --window 24h`,
		Args: takes(),
		RunE: does(o, run, runLatency),
	}
	f, q := cmd.Flags(), &o.query
	f.StringVar(&q.By, "by", "type", "split by `WORD`: "+strings.Join(admin.LatencySplits(), ", "))
	f.StringVar(&q.Window, "window", "5m", "how far back, a `WINDOW` of "+strings.Join(admin.LatencyWindows(), ", "))
	f.StringVar(&q.Org, "org", "", "only of this `ORG`")
	f.StringVar(&q.Queue, "queue", "", "only in this `QUEUE`")
	f.StringVar(&q.Type, "type", "", "only of this `TYPE`: "+strings.Join(admin.JobTypes(), ", "))
	f.StringVar(&q.Metric, "metric", "", "only this `METRIC`: "+strings.Join(admin.LatencyMetrics(), ", "))
	f.IntVar(&q.Limit, "limit", 0, "most orgs with --by org, the busiest (default 50)")
	complete(cmd, "by", admin.LatencySplits()...)
	complete(cmd, "window", admin.LatencyWindows()...)
	complete(cmd, "queue", queueWords()...)
	complete(cmd, "type", admin.JobTypes()...)
	complete(cmd, "metric", admin.LatencyMetrics()...)
	return cmd
}

func runLatency(ctx context.Context, o *latencyOptions) error {
	if err := checkLatency(o.query); err != nil {
		return err
	}
	client, _, err := o.connect()
	if err != nil {
		return err
	}
	answer, err := client.Latency(ctx, o.query)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(answer.Items, func(i admin.LatencyItem) bool { return i.Partial }) {
		o.note("some orgs are missing: the server has no room for all of them; ask for one with --org\n")
	}
	return printList(o.app, answer, listView[admin.LatencyItem]{
		columns: latencyColumns(o.query.By, newChart(answer.Items, !o.unicode())),
		empty:   "Nothing has ended in the last " + o.query.Window + ".",
	})
}

// checkLatency refuses words the contract does not have; names are the server's
// to know.
func checkLatency(q admin.LatencyQuery) error {
	for _, field := range []struct {
		what, flag, word string
		words            []string
	}{
		{"split", "--by", q.By, admin.LatencySplits()},
		{"window", "--window", q.Window, admin.LatencyWindows()},
		{"type", "--type", orElse(q.Type, admin.JobTypes()[0]), admin.JobTypes()},
		{"metric", "--metric", orElse(q.Metric, "run"), admin.LatencyMetrics()},
	} {
		if err := checkWord(field.what, field.flag, field.word, field.words); err != nil {
			return err
		}
	}
	if q.Limit < 0 || q.Limit > 1000 {
		return usagef("--limit %d is not a number from 1 to 1000", q.Limit)
	}
	return nil
}

func latencyColumns(by string, c chart) []column[admin.LatencyItem] {
	value := func(name string, of func(admin.LatencyItem) *float64) column[admin.LatencyItem] {
		return column[admin.LatencyItem]{name: name, right: true, cell: func(i admin.LatencyItem, _ time.Time) string { return msOf(of(i)) }}
	}
	return []column[admin.LatencyItem]{
		{name: strings.ToUpper(by), cell: func(i admin.LatencyItem, _ time.Time) string { return i.Name }},
		{name: "METRIC", cell: func(i admin.LatencyItem, _ time.Time) string { return i.Metric }},
		{name: "N", right: true, cell: func(i admin.LatencyItem, _ time.Time) string { return text.Count(i.N) }},
		value("P50", func(i admin.LatencyItem) *float64 { return i.P50MS }),
		value("P95", func(i admin.LatencyItem) *float64 { return i.P95MS }),
		value("P99", func(i admin.LatencyItem) *float64 { return i.P99MS }),
		{name: c.title(), cell: func(i admin.LatencyItem, _ time.Time) string { return c.draw(i.Bars) }},
		{name: "SINCE", wide: true, cell: func(i admin.LatencyItem, _ time.Time) string { return i.SinceAt.UTC().Format(time.DateTime) }},
	}
}
