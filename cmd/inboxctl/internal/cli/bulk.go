package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/admin"
)

// bulkOptions are those of every change of the jobs that ids or a selector
// choose.
type bulkOptions struct {
	*app

	selector selectorFlags
	change   changeFlags
	pace     paceFlags
	all      bool
	dryRun   bool
	args     []string // ids
}

// newBulkCmd makes the command of a verb that has no flags of its own.
func newBulkCmd(a *app, v verb, run func(context.Context, *bulkOptions) error) *cobra.Command {
	o := &bulkOptions{app: a}
	cmd := o.newCmd(v)
	run = pick(run, func(ctx context.Context, o *bulkOptions) error { return o.run(ctx, v) })
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.args = args
		return run(cmd.Context(), o)
	}
	return cmd
}

// newCmd makes a command with the flags that all have.
func (o *bulkOptions) newCmd(v verb) *cobra.Command {
	cmd := &cobra.Command{Use: v.kind + " [ID...]"}
	o.selector.add(cmd, "in these `STATES`: "+strings.Join(v.states, ", "), v.states...)
	o.change.add(cmd)
	o.pace.add(cmd, v)
	cmd.Flags().BoolVar(&o.all, "all", false, v.every+", when nothing else is selected")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "show the plan: how many, whose, what may go wrong; change nothing")
	return cmd
}

// check checks what can be checked without the server.
func (o *bulkOptions) check(v verb) (r admin.PlanRequest, terms admin.CommitRequest, err error) {
	r.Kind, r.All, r.Reason = v.kind, o.all, o.change.reason
	if r.Selector, err = o.selector.selector(o.app); err != nil {
		return r, terms, err
	}
	ids, err := o.readIDs(o.args)
	if err != nil {
		return r, terms, err
	}
	r.Selector.IDs = unique(append(r.Selector.IDs, ids...))
	if r.Selector.Empty() && !r.All {
		return r, terms, usagef("nothing is selected: say which jobs, for example --org acme, or %s with --all", v.every)
	}
	for _, state := range r.Selector.State {
		if !slices.Contains(v.states, state) {
			return r, terms, usagef("--state: %s, not %s ones", v.rule, state)
		}
	}
	terms, err = o.pace.terms(v)
	return r, terms, err
}

// run changes the chosen jobs. More than one job named by id asks first; a dry
// run never asks.
func (o *bulkOptions) run(ctx context.Context, v verb, amend ...func(*admin.PlanRequest)) error {
	plan, terms, err := o.check(v)
	if err != nil {
		return err
	}
	for _, f := range amend {
		f(&plan)
	}
	ids := plan.Selector.IDs
	return o.conduct(ctx, conductor{
		verb: v, plan: plan, terms: terms, change: o.change, dryRun: o.dryRun, detach: o.pace.detach, verbose: o.pace.verbose,
		named: len(ids) > 0, ask: len(ids) != 1 && !o.change.yes && !o.dryRun,
	})
}

// bulkHelp ends the help of every change of many jobs.
const bulkHelp = `
The server plans first: which jobs match now, whose they are, what may go wrong.
More than one job asks then, with the numbers; --dry-run only shows the plan,
--yes does not ask. The jobs are changed in the background, and only those that
have not changed since the plan. Ctrl-C stops watching, not the operation: see
inboxctl ops.

It exits 3 if some jobs could not be changed or the operation stopped early, 6
if the jobs are in the wrong state or the plan holds no more, 8 if --timeout
ended first.`
