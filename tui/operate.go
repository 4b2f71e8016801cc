package tui

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/text"
)

const (
	// manyJobs is from how many jobs on a change is confirmed by a name.
	manyJobs = 1000
	// watchTime bounds how long an operation is watched before it goes on by
	// itself; it is looked at each watchEvery.
	watchTime  = 60 * time.Second
	watchEvery = 500 * time.Millisecond
)

// Changer changes what is shown. *admin.Client is one.
type Changer interface {
	PlanOperation(ctx context.Context, r admin.PlanRequest) (admin.One[admin.Operation], error)
	CommitOperation(ctx context.Context, id string, r admin.CommitRequest) (admin.One[admin.Operation], error)
	Operation(ctx context.Context, id string) (admin.One[admin.Operation], error)
	AddHold(ctx context.Context, h admin.HoldAdd) (admin.One[admin.HoldResult], error)
	ReleaseHolds(ctx context.Context, h admin.HoldRelease) (admin.One[admin.HoldResult], error)
	SetLimits(ctx context.Context, l admin.LimitSet) (admin.One[admin.LimitResult], error)
}

// work makes a command that has the server do something within a time.
func (m model) work(limit time.Duration, do func(ctx context.Context) tea.Msg) tea.Cmd {
	base := m.ctx
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(base, limit)
		defer cancel()
		return do(ctx)
	}
}

// operation is the question of one operation: planned first, with its numbers.
func (m model) operation(verb, about string, r admin.PlanRequest) question {
	number, source := m.question.number+1, m.options.Changer
	return question{number: number, verb: verb, about: about, plan: func(q question) (tea.Cmd, error) {
		r.Reason = q.value("reason")
		return m.work(admin.PlanTime+questionTimeout, func(ctx context.Context) tea.Msg {
			answer, err := source.PlanOperation(ctx, r)
			if err != nil {
				return countedMsg{number: number, err: err}
			}
			plan := clean(answer.Item)
			msg := countedMsg{number: number, lines: planLines(plan.Plan), warning: plan.Plan.Warnings, phrase: m.phraseOf(plan.Plan), op: plan.ID}
			msg.commit = func() tea.Cmd { return m.commit(number, verb, plan.ID) } //nolint:contextcheck // It is done after the count has ended, with the context of the program.
			return msg
		}), nil
	}}
}

// phraseOf is what must be typed: y for one job, the number for several, a name
// for very many.
func (m model) phraseOf(p admin.Plan) string {
	switch {
	case p.Matched == 0:
		return ""
	case p.Matched == 1:
		return "y"
	case p.Matched <= manyJobs || len(p.ByOrg) == 0:
		return strconv.FormatInt(p.Matched, 10)
	}
	return p.ByOrg[0].Org
}

func planLines(p admin.Plan) []string {
	if p.Matched == 0 {
		lines := []string{"no job matches"}
		for _, s := range p.Skipped {
			lines = append(lines, fmt.Sprintf("(%d left alone: %s)", s.N, s.Reason))
		}
		return lines
	}
	lines := []string{fmt.Sprintf("%d jobs: %s", p.Matched, orgsText(p.ByOrg))}
	var more []string
	for name, n := range map[string]*int64{"customers": p.Customers} {
		if n != nil {
			more = append(more, fmt.Sprintf("%s %d", name, *n))
		}
	}
	if p.OutsideWindow != nil && *p.OutsideWindow > 0 {
		more = append(more, fmt.Sprintf("outside the 24 h window %d (Meta refuses them)", *p.OutsideWindow))
	}
	if p.MaybeSent != nil && *p.MaybeSent > 0 {
		more = append(more, fmt.Sprintf("perhaps sent already %d", *p.MaybeSent))
	}
	if len(more) > 0 {
		lines = append(lines, strings.Join(more, ", "))
	}
	for _, s := range p.Skipped {
		lines = append(lines, fmt.Sprintf("left alone: %d, %s", s.N, s.Reason))
	}
	return append(lines, "undo: "+p.Undo.Text)
}

func orgsText(orgs []admin.OrgCount) string {
	var parts []string
	for i, o := range orgs {
		if i == 4 {
			parts = append(parts, fmt.Sprintf("%d more orgs", len(orgs)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %d", o.Org, o.N))
	}
	return strings.Join(parts, ", ")
}

// commit starts a plan and watches it to its end, as long as that is not too
// long.
func (m model) commit(number int, verb, id string) tea.Cmd {
	source := m.options.Changer
	return m.work(watchTime, func(ctx context.Context) tea.Msg {
		answer, err := source.CommitOperation(ctx, id, admin.CommitRequest{})
		for err == nil && !answer.Item.Ended() {
			select {
			case <-ctx.Done():
				return committedMsg{number: number, undo: undoOperation(id), text: verb + " goes on by itself: inboxctl ops watch " + id} //nolint:contextcheck // It is asked later, with the context of the program.
			case <-time.After(watchEvery):
			}
			var next admin.One[admin.Operation]
			if next, err = source.Operation(ctx, id); err == nil {
				answer = next
			}
		}
		if err != nil {
			return committedMsg{number: number, err: err, op: id, end: reason(err)}
		}
		o := clean(answer.Item)
		msg := committedMsg{number: number, text: verb + ": " + outcomeText(o) + " (operation " + o.ID + ")", op: o.ID, end: outcomeText(o)}
		if o.Plan.Undo.Possible && o.Kind != admin.OpUndo {
			msg.undo = undoOperation(o.ID) //nolint:contextcheck // It is asked later, with the context of the program.
		}
		return msg
	})
}

// outcomeText is how an operation has ended; one that did not go to its end says
// so first.
func outcomeText(o admin.Operation) string {
	parts := []string{fmt.Sprintf("%d done", o.Progress.Done)}
	if o.State != admin.OpDone {
		parts = append([]string{o.State}, parts...)
	}
	for _, skip := range o.Progress.Skipped {
		parts = append(parts, fmt.Sprintf("%d left alone (%s)", skip.N, skip.Reason))
	}
	s := strings.Join(parts, ", ")
	if o.Progress.Failed > 0 {
		s += fmt.Sprintf(", %d failed", o.Progress.Failed)
	}
	if o.Error != nil {
		s += ": " + *o.Error
	}
	return s
}

// pause is the question of a hold.
func (m model) pause(about string, h admin.HoldAdd) question {
	number, source := m.question.number+1, m.options.Changer
	q := question{number: number, verb: "Pause", about: about, fields: []field{{"for", "1h", "a duration, or empty: until resumed"}, {"reason", "", "shown to everybody"}}}
	q.plan = func(q question) (tea.Cmd, error) {
		var err error
		if h.LastsMS, err = lasting(q.value("for")); err != nil {
			return nil, err
		}
		h.Reason, h.DryRun = q.value("reason"), true
		return m.work(questionTimeout, func(ctx context.Context) tea.Msg {
			answer, err := source.AddHold(ctx, h)
			if err != nil {
				return countedMsg{number: number, err: err}
			}
			lines := []string{"jobs of it do not start any more; what runs, ends"}
			if n := answer.Item.Waiting; n != nil {
				lines = append(lines, fmt.Sprintf("%d unfinished jobs wait then", *n))
			}
			return countedMsg{number: number, lines: append(lines, "undo: "+m.keys.Key(keys.Pause)+" resumes it"), phrase: "y", commit: func() tea.Cmd { //nolint:contextcheck // It is done after the count has ended, with the context of the program.
				h.DryRun = false
				return m.holdChanged(number, "paused "+about, func(ctx context.Context) (admin.One[admin.HoldResult], error) { return source.AddHold(ctx, h) },
					func(r admin.HoldResult) undoing { return undoPause(about, h, r.Holds) })
			}}
		}), nil
	}
	return q
}

// resume is the question of the end of a hold.
func (m model) resume(about string, r admin.HoldRelease, h admin.TopHold) question {
	number, source := m.question.number+1, m.options.Changer
	return question{number: number, verb: "Resume", about: about, plan: func(q question) (tea.Cmd, error) {
		r.Reason = q.value("reason")
		lines := []string{"paused by " + h.Owner + " since " + h.Since.UTC().Format("15:04:05Z")}
		if h.Reason != nil && *h.Reason != "" {
			lines = append(lines, "reason: "+*h.Reason)
		}
		return func() tea.Msg {
			return countedMsg{number: number, lines: lines, phrase: "y", commit: func() tea.Cmd {
				return m.holdChanged(number, "resumed "+about, func(ctx context.Context) (admin.One[admin.HoldResult], error) { return source.ReleaseHolds(ctx, r) },
					func(admin.HoldResult) undoing { return undoResume(about, r, h) })
			}}
		}, nil
	}}
}

func (m model) holdChanged(number int, done string, do func(ctx context.Context) (admin.One[admin.HoldResult], error), back func(admin.HoldResult) undoing) tea.Cmd {
	return m.work(admin.AppliedTime+questionTimeout, func(ctx context.Context) tea.Msg {
		answer, err := do(ctx)
		if err != nil {
			return committedMsg{number: number, err: err}
		}
		if a := answer.Item.Applied; a != nil {
			done += ", " + a.Text()
		}
		if n := len(answer.Item.Others); n > 0 {
			done += fmt.Sprintf("; %d other holds are still on it", n)
		}
		return committedMsg{number: number, text: done, undo: back(answer.Item)}
	})
}

// countLimit asks what a change of limits would come to.
func (m model) countLimit(number int, set admin.LimitSet) tea.Cmd {
	source := m.options.Changer
	return m.work(questionTimeout, func(ctx context.Context) tea.Msg {
		dry := set
		dry.DryRun = true
		answer, err := source.SetLimits(ctx, dry)
		if err != nil {
			return countedMsg{number: number, err: err}
		}
		var lines []string
		for name := range set.Values {
			lines = append(lines, name+": "+limitOf(answer.Item.Before, name)+" becomes "+limitOf(answer.Item.Limits, name))
		}
		until := "until somebody changes it"
		if set.LastsMS > 0 {
			until = "for " + text.Millis(float64(set.LastsMS)) + ", then as before"
		}
		return countedMsg{number: number, lines: append(lines, until), phrase: "y", commit: func() tea.Cmd { //nolint:contextcheck // It is done after the count has ended, with the context of the program.
			return m.work(admin.AppliedTime+questionTimeout, func(ctx context.Context) tea.Msg {
				answer, err := source.SetLimits(ctx, set)
				if err != nil {
					return committedMsg{number: number, err: err}
				}
				done := "limit of " + set.Org + " set"
				if a := answer.Item.Applied; a != nil {
					done += ", " + a.Text()
				}
				return committedMsg{number: number, text: done, undo: undoLimit(source, set, answer.Item)} //nolint:contextcheck // It is asked later, with the context of the program.
			})
		}}
	})
}

func limitOf(limits []admin.Limit, name string) string {
	for _, l := range limits {
		if l.Name == name {
			return admin.LimitText(l.Value, l.WindowMS)
		}
	}
	return "none"
}
