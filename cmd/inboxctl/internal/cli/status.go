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
	"github.com/bandeja/inboxd/tui/triage"
)

type statusOptions struct {
	*app
}

func newStatusCmd(a *app, run func(context.Context, *statusOptions) error) *cobra.Command {
	o := &statusOptions{app: a}
	return &cobra.Command{
		Use:   "status",
		Short: "Show whether all is well, at a glance",
		Long: `Show parts, queues, processes, the holds there are, the alerts, and whose limits
are used up while jobs wait. It exits 0 whenever the server answers, healthy or not.

Healthy means that everything answers and at least one process works. What
follows needs somebody's look all the same: processes that have been silent for
10s, uncertain jobs (sent or not is not known) and dead ones (given up).

-o name and -o csv print the queues, one per line.`,
		Example: `  inboxctl status
  inboxctl status -o json`,
		Args: takes(),
		RunE: does(o, run, runStatus),
	}
}

// does makes what a command does: it keeps the arguments, in their order, and runs
// what a test gave, else the real thing.
func does[O any](o O, run, real func(context.Context, O) error, args ...*string) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, given []string) error {
		for i, arg := range given[:min(len(given), len(args))] {
			*args[i] = arg
		}
		return pick(run, real)(cmd.Context(), o)
	}
}

// pick returns the replacement a test gave, else the real thing.
func pick[O any](run, real func(context.Context, O) error) func(context.Context, O) error {
	if run != nil {
		return run
	}
	return real
}

func runStatus(ctx context.Context, o *statusOptions) error {
	client, t, err := o.connect()
	if err != nil {
		return err
	}
	answer, err := client.Status(ctx)
	if err != nil {
		return err
	}
	if o.flags.output == "csv" || o.flags.output == "name" {
		return o.printQueues(answer)
	}
	return printOne(o.app, answer, func(b *bytes.Buffer, s admin.Status, asOf time.Time) {
		o.statusText(b, s, t, asOf, answer.StaleMS)
	})
}

// printQueues prints the part of a status that has rows.
func (a *app) printQueues(s admin.One[admin.Status]) error {
	if s.Item.Queues == nil {
		return &admin.Error{Kind: admin.Temporary, Code: "ledger", Text: "the queues are not known: the ledger has not answered since the server started"}
	}
	return printList(a, admin.List[admin.Queue]{Kind: "queues", Items: s.Item.Queues, AsOf: s.AsOf, StaleMS: s.StaleMS}, listView[admin.Queue]{})
}

// healthText is triage.Headline in colour.
func (a *app) healthText(s admin.Status) string {
	colour := green
	if !s.Healthy {
		colour = red
	}
	verdict := triage.Verdict(s)
	troubles := strings.TrimPrefix(triage.Headline(s), verdict)
	if troubles == "" {
		return a.paint(verdict, colour)
	}
	return a.paint(verdict, colour) + a.paint(troubles, yellow)
}

func (a *app) statusText(b *bytes.Buffer, s admin.Status, t target, asOf time.Time, staleMS int64) {
	wide := a.flags.output == "wide"
	fmt.Fprintf(b, "inboxd %s at %s: %s, %s old\n", text.Clean(s.Version), text.Clean(t.Server), a.healthText(s), text.Millis(float64(staleMS)))
	writePairs(b, pair{"environment", s.Environment}, pair{"api", maybe(s.APIURL)}, pair{"metrics", maybe(s.MetricsURL)})
	fmt.Fprintln(b)
	if len(s.Parts) > 0 {
		writeTable(b, partColumns(), s.Parts, asOf, wide, !a.flags.noHeaders)
		fmt.Fprintln(b)
	}
	if s.Queues == nil {
		fmt.Fprintln(b, "Queues are not known: the ledger has not answered since the server started.")
	} else {
		writeTable(b, queueColumns(), triage.WorstFirst(s.Queues), asOf, wide, !a.flags.noHeaders)
	}
	switch {
	case s.Processes == nil && s.Queues != nil:
		fmt.Fprintln(b, "\nA token that is bound to an org is not shown the processes.")
	case len(s.Processes) == 0:
		fmt.Fprintln(b, "\nNo process is running: nothing will be sent.")
	default:
		fmt.Fprintln(b)
		writeTable(b, processColumns(), s.Processes, asOf, wide, !a.flags.noHeaders)
	}
	if len(s.Holds) > 0 {
		fmt.Fprintln(b)
		writeTable(b, holdColumns(), s.Holds, asOf, wide, !a.flags.noHeaders)
	}
	if len(s.Alerts) > 0 {
		fmt.Fprintln(b)
		writeTable(b, alertColumns(), s.Alerts, asOf, wide, !a.flags.noHeaders)
	}
	if len(s.Throttled) > 0 {
		fmt.Fprintln(b)
		writeTable(b, throttledColumns(), s.Throttled, asOf, wide, !a.flags.noHeaders)
	}
}

// throttledColumns are who waits for a token now.
func throttledColumns() []column[admin.ThrottledLimit] {
	type throttled = admin.ThrottledLimit
	return []column[throttled]{
		{name: "THROTTLED", cell: func(t throttled, _ time.Time) string { return t.Org }},
		{name: "LIMIT", cell: func(t throttled, _ time.Time) string {
			limit := t.Name + " " + admin.LimitText(&t.Value, &t.WindowMS)
			if t.Bulk {
				limit += " (bulk)"
			}
			return limit
		}},
		{name: "QUEUE", cell: func(t throttled, _ time.Time) string { return t.Queue }},
		{name: "NEXT TOKEN", right: true, cell: func(t throttled, _ time.Time) string { return "in " + text.Millis(float64(t.NextTokenMS)) }},
	}
}

func partColumns() []column[admin.Part] {
	return []column[admin.Part]{
		{name: "PART", cell: func(p admin.Part, _ time.Time) string { return p.Name }},
		{name: "STATE", cell: func(p admin.Part, _ time.Time) string {
			if p.OK {
				return "ok"
			}
			return "DOWN " + maybe(p.Error)
		}},
	}
}

func processColumns() []column[admin.Process] {
	return []column[admin.Process]{
		{name: "PROCESS", cell: func(p admin.Process, _ time.Time) string { return p.ID }},
		{name: "HOST", cell: func(p admin.Process, _ time.Time) string { return p.Host }},
		{name: "PID", right: true, cell: func(p admin.Process, _ time.Time) string { return countText(int64(p.PID)) }},
		{name: "MODE", cell: func(p admin.Process, _ time.Time) string { return p.Mode }},
		{name: "STATE", cell: func(p admin.Process, _ time.Time) string { return string(triage.HealthOf(p)) }},
		{name: "SLOTS", right: true, cell: func(p admin.Process, _ time.Time) string { return countText(int64(p.Slots)) }},
		{name: "BEAT", cell: func(p admin.Process, _ time.Time) string { return text.Millis(float64(p.BeatAgeMS)) + " ago" }},
		{name: "STARTED", cell: func(p admin.Process, asOf time.Time) string { return agoText(&p.StartedAt, asOf) }},
		{name: "VERSION", cell: func(p admin.Process, _ time.Time) string { return p.Version }},
	}
}
