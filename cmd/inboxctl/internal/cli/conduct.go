package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// conductor takes one operation from its plan to its end: plan, question,
// commit, watch. Every change of many jobs goes this way.
type conductor struct {
	verb

	plan    admin.PlanRequest
	terms   admin.CommitRequest
	change  changeFlags
	named   bool // by id: then jobs in the wrong state are a fault
	ask     bool
	dryRun  bool
	detach  bool
	verbose bool
}

func (a *app) conduct(ctx context.Context, c conductor) error {
	client, t, err := a.conductClient(ctx, c)
	if err != nil {
		return err
	}
	return a.conductOn(ctx, client, t, c)
}

func (a *app) conductOn(ctx context.Context, client *admin.Client, t target, c conductor) error {
	planned, err := client.PlanOperation(ctx, c.plan)
	if ctx.Err() != nil {
		return &interrupted{nothingChanged}
	}
	if err != nil {
		return olderServer(noPlan(err))
	}
	plan := planned.Item.Plan
	switch {
	case plan.Matched == 0 && c.named:
		return c.wrongState(plan.Skipped)
	case c.dryRun || plan.Matched == 0:
		return c.answer(a, resultOf(planned, c.dryRun), a.planAnswer(c.verb, c.terms))
	case c.terms.Max != nil && plan.Matched > *c.terms.Max:
		return conflictf("over_max", "%s would be changed, more than --max %d: nothing was changed", plural(plan.Matched, c.job), *c.terms.Max)
	}
	if c.ask {
		a.note("%s", a.planText(plan)+a.termsText(c.terms))
		question := text.Clean(fmt.Sprintf("%s on %s?", c.sentence(c.do, plan.Matched, plan.ByOrg), orElse(t.Name, t.Server)))
		if err := a.confirm(ctx, question); err != nil {
			return err
		}
	}
	started, err := a.commit(ctx, client, planned.Item.ID, c.terms)
	if err != nil {
		return err
	}
	return a.follow(ctx, client, started, c)
}

// conductClient refuses a change that has to ask where nobody can answer, and
// one that the context forbids, before anything is counted.
func (a *app) conductClient(ctx context.Context, c conductor) (*admin.Client, target, error) {
	if c.dryRun {
		return a.connect()
	}
	if c.ask {
		if err := a.mayAsk(c.change); err != nil {
			return nil, target{}, err
		}
	}
	return a.change(ctx, c.change)
}

// follow waits for the end of what has been started, and prints how it went.
func (a *app) follow(ctx context.Context, client *admin.Client, started admin.One[admin.Operation], c conductor) error {
	if c.detach {
		return c.answer(a, resultOf(started, false), a.resultAnswer(c.verb, c.ask))
	}
	ended, err := a.await(ctx, client, started, c.do, c.verbose)
	if err != nil && !isUnfinished(err) {
		return err
	}
	result := resultOf(ended, false)
	if c.kind == admin.OpCancel && ended.Item.Ended() {
		countFlagged(ctx, client, &result.Item)
	}
	if printed := c.answer(a, result, a.resultAnswer(c.verb, c.ask)); printed != nil {
		return printed
	}
	if err != nil {
		return err
	}
	return c.verdict(ended.Item)
}

// commitTries is how often a commit is sent when no answer comes. That is safe:
// sent again, it answers with the operation that runs.
const commitTries = 3

// commit starts a plan. It is not interrupted by the first Ctrl-C: whether it
// arrived must be known. The second ends everything.
func (a *app) commit(ctx context.Context, client *admin.Client, id string, terms admin.CommitRequest) (started admin.One[admin.Operation], err error) {
	if ctx.Err() != nil {
		return started, &interrupted{nothingChanged}
	}
	defer a.whenInterrupted(ctx, fmt.Sprintf("waiting to learn whether operation %[1]s has begun; Ctrl-C again leaves without knowing: inboxctl ops show %[1]s", id))()
	for range commitTries {
		started, err = client.CommitOperation(context.WithoutCancel(ctx), id, terms)
		switch admin.KindOf(err) {
		case admin.Unreachable, admin.Temporary:
			continue
		case admin.Conflict:
			return started, planAgain(err)
		default:
			return started, err
		}
	}
	return started, unknownStart(err, id)
}

// whenInterrupted says so when ctx ends before what it returns is called.
func (a *app) whenInterrupted(ctx context.Context, say string) (stop func()) {
	said := make(chan struct{})
	waits := context.AfterFunc(ctx, func() {
		defer close(said)
		a.note("%s\n", say)
	})
	return func() {
		if !waits() {
			<-said
		}
	}
}

// noPlan: a plan that does not come is no change that may have been made.
func noPlan(err error) error {
	e, ok := errors.AsType[*admin.Error](err)
	if !ok || e.Code != admin.CodeTimeout {
		return err
	}
	late := *e
	late.Text = "the plan was not ready in time: nothing was changed; wait longer with --timeout, or select fewer jobs"
	return &late
}

// planAgain: a plan that has expired was for nothing, and the way on is not
// obvious.
func planAgain(err error) error {
	if e, ok := errors.AsType[*admin.Error](err); ok && e.Code == codePlanExpired {
		return conflictf(e.Code, "the plan has expired, it holds for %s: nothing was changed; plan again by repeating the command", admin.PlanLife)
	}
	return err
}

func unknownStart(err error, id string) error {
	e, ok := errors.AsType[*admin.Error](err)
	if !ok {
		return err
	}
	unsure := *e
	unsure.Text = fmt.Sprintf("%s; whether the operation was started is not known: inboxctl ops show %s", e.Text, id)
	return &unsure
}

// olderServer recognises a server that has no operations.
func olderServer(err error) error {
	e, ok := errors.AsType[*admin.Error](err)
	if !ok || e.Status != 404 || e.Code != codeUnknownPath {
		return err
	}
	return &admin.Error{Kind: admin.Internal, Code: "no_operations", Text: "this server is older than inboxctl and has no operations: update inboxd", Err: err}
}

// Codes of the server's faults that have another way on here.
const (
	codeUnknownPath = "unknown_path" // it does not have the path
	codePlanExpired = "plan_expired"
)

func conflictf(code, format string, args ...any) error {
	return &admin.Error{Kind: admin.Conflict, Code: code, Text: fmt.Sprintf(format, args...)}
}

// planAnswer is what a dry run, or a plan that changes nothing, shows.
func (a *app) planAnswer(v verb, terms admin.CommitRequest) shower {
	return func(b *bytes.Buffer, r bulkResult, asOf time.Time) {
		if r.Matched == 0 {
			fmt.Fprintf(b, "No %s matches.\n", v.job)
			a.skippedText(b, r.Skipped)
			return
		}
		fmt.Fprintf(b, "Would %s. Nothing was changed.\n", lowerFirst(v.sentence(v.do, r.Matched, r.ByOrg)))
		b.WriteString(a.planText(r.plan()) + a.termsText(terms))
		if a.flags.output == "wide" && len(r.ByOrg) > 0 {
			fmt.Fprintln(b)
			writeTable(b, orgCountColumns(), r.ByOrg, asOf, true, !a.flags.noHeaders)
		}
	}
}
