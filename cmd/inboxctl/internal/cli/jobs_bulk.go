package cli

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// bulkOptions are those of every change of the jobs that ids or a selector
// choose.
type bulkOptions struct {
	*app

	selector selectorFlags
	change   changeFlags
	all      bool
	dryRun   bool
	args     []string // ids
}

// add takes the help of --state and --all, because they depend on the command.
func (o *bulkOptions) add(cmd *cobra.Command, stateHelp, allHelp string, states ...string) {
	o.selector.add(cmd, stateHelp, states...)
	o.change.add(cmd)
	cmd.Flags().BoolVar(&o.all, "all", false, allHelp)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "count, and change nothing")
}

// bulkWords are what a change of jobs says of itself before it is sent.
type bulkWords struct {
	name   string   // of the command, such as jobs retry
	every  string   // what --all is, such as every dead one
	states []string // that it changes
	rule   string   // such as: only dead jobs can be retried
}

// check checks what can be checked without the server.
func (o *bulkOptions) check(w bulkWords) (r admin.BulkRequest, err error) {
	r.All, r.DryRun, r.Reason = o.all, o.dryRun, o.change.reason
	if r.Selector, err = o.selector.selector(o.app); err != nil {
		return r, err
	}
	ids, err := o.readIDs(o.args)
	if err != nil {
		return r, err
	}
	r.Selector.IDs = admin.SplitList(append(r.Selector.IDs, ids...))
	if r.Selector.Empty() && !r.All {
		return r, usagef("nothing is selected: say which jobs, for example --org acme, or %s with --all", w.every)
	}
	for _, state := range r.Selector.State {
		if !slices.Contains(w.states, state) {
			return r, usagef("--state: %s, not %s ones", w.rule, state)
		}
	}
	return r, nil
}

// bulk is one change of many jobs and its result R.
type bulk[R any] struct {
	bulkWords

	send     func(ctx context.Context, c *admin.Client, r admin.BulkRequest) (admin.One[R], error)
	question func(plan R) string // empty: there is nothing to do
	text     func(b *bytes.Buffer, r R, asOf time.Time)
	left     func(r R) error // what was not done that should have been
}

// run asks before it changes more than one job named by id; a dry run never
// asks.
func (k bulk[R]) run(ctx context.Context, o *bulkOptions) error {
	if err := o.needsMoreThanNames(k.name); err != nil {
		return err
	}
	request, err := o.check(k.bulkWords)
	if err != nil {
		return err
	}
	single := len(request.Selector.IDs) == 1
	if !single && !o.dryRun {
		if err := o.mayAsk(o.change); err != nil {
			return err
		}
	}
	if o.dryRun {
		client, _, err := o.connect()
		if err != nil {
			return err
		}
		return k.do(ctx, o, client, request)
	}
	client, t, err := o.app.change(o.change)
	if err != nil {
		return err
	}
	if !single && !o.change.yes {
		if agreed, err := k.agree(ctx, o, client, t, request); err != nil || !agreed {
			return err
		}
	}
	return k.do(ctx, o, client, request)
}

// agree counts first, so that the question has the numbers. Nothing to do is
// not a question.
func (k bulk[R]) agree(ctx context.Context, o *bulkOptions, client *admin.Client, t target, r admin.BulkRequest) (bool, error) {
	r.DryRun = true
	plan, err := k.send(ctx, client, r)
	if err != nil {
		return false, err
	}
	question := k.question(plan.Item)
	if question == "" {
		return false, printOne(o.app, plan, k.text)
	}
	return true, o.confirm(question + " on " + orElse(t.Name, t.Server) + "?")
}

func (k bulk[R]) do(ctx context.Context, o *bulkOptions, client *admin.Client, r admin.BulkRequest) error {
	answer, err := k.send(ctx, client, r)
	if err != nil {
		return err
	}
	if err := printOne(o.app, answer, k.text); err != nil {
		return err
	}
	return k.left(answer.Item)
}

// skippedText says what was left alone.
func skippedText(b *bytes.Buffer, skipped []admin.Skip) {
	for _, s := range skipped {
		fmt.Fprintf(b, "Left alone: %s, %s.\n", plural(s.N, "job"), text.Clean(s.Reason))
	}
}

// splitText names the orgs with the most jobs: "acme 40, globex 2, 3 more".
func splitText(orgs []admin.OrgCount) string {
	const shown = 5
	var parts []string
	for i, o := range orgs {
		if i == shown {
			parts = append(parts, fmt.Sprintf("%d more orgs", len(orgs)-shown))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %d", text.Clean(o.Org), o.N))
	}
	return strings.Join(parts, ", ")
}
