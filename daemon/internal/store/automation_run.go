package store

import (
	"context"
	"fmt"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/trace"
)

// RunAutomations does what a message, or a timer it started, sets off: all
// effects of all rules in one transaction, each rule once per message, however
// often it is called. It returns how many rules ran. What a rule cannot do (the
// window is closed, the channel is paused) is on its record, not an error. It
// returns a NotFound fault if the message is gone.
// Round trips: BEGIN, lock and look; take turns; insert the jobs of messages;
// the rest and COMMIT. Where nothing is set off the first is the only one.
func (s *Store) RunAutomations(ctx context.Context, q automation.Request) (int, error) {
	ctx = Named(ctx, QueryAutomation)
	var ran []*ruleRun
	var wake []job.Queue
	err := repeated(ctx, func() error {
		ran, wake = nil, nil
		return s.atomically(ctx, func(u *unit) error {
			sc, err := s.look(ctx, u, q)
			if err != nil {
				return err
			}
			if ran = sc.plan(q); len(ran) == 0 {
				return nil
			}
			if len(sc.sends) > 0 {
				wake = append(wake, queueOf(sc.thread.kind))
			}
			return s.perform(ctx, u, sc, ran)
		})
	})
	if err != nil {
		return 0, fmt.Errorf("run automations of message %d: %w", q.MessageID, err)
	}
	if len(wake) > 0 {
		s.jobs.Wake(wake...)
	}
	return len(ran), nil
}

// perform does what was planned. Locks: the conversation is held; then rules by
// id, whose turns are taken; jobs and messages are new.
func (s *Store) perform(ctx context.Context, u *unit, sc *scene, ran []*ruleRun) error {
	b := u.batch()
	found := sc.queuePeople(b, ran)
	sc.queueMessageIDs(b)
	if b.Len() > 0 {
		if err := u.send(ctx, b); err != nil {
			return fmt.Errorf("take turns: %w", err)
		}
	}
	if err := sc.insertJobs(ctx, s.jobs, u.tx); err != nil {
		return err
	}
	b = u.batch()
	if len(sc.sends) > 0 {
		queueSends(b, sc.now, sc.rows(trace.Parent(ctx)))
	}
	sc.settle(ran, found)
	sc.queueConversation(b)
	if err := sc.queueRuns(b, ran); err != nil {
		return err
	}
	return u.commit(ctx, b)
}

// ruleRun is a rule that was set off, with what its actions come to. results
// and rule.Actions have the same places.
type ruleRun struct {
	rule    automation.Rule
	results []automation.Result
	sent    int
}

// plannedSend is a message that a rule sends.
type plannedSend struct {
	outbound

	id, jobID int64
	result    *automation.Result
}

func (sc *scene) rows(parent string) []sendRow {
	rows := make([]sendRow, len(sc.sends))
	for i, o := range sc.sends {
		rows[i] = sendRow{outbound: o.outbound, id: o.id, jobID: o.jobID, channelID: sc.thread.channelID, trace: parent}
	}
	return rows
}

// plan decides which rules run and which of their messages may go.
func (sc *scene) plan(q automation.Request) (ran []*ruleRun) {
	event, ok := sc.event(q)
	if !ok {
		return nil
	}
	for _, rule := range sc.rules {
		if !rule.Matches(event) {
			continue
		}
		r := &ruleRun{rule: rule, results: make([]automation.Result, len(rule.Actions))}
		for i, a := range rule.Actions {
			r.results[i] = automation.Result{Action: a.Type}
			if a.Sends() {
				sc.planSend(r, a, &r.results[i])
			}
		}
		ran = append(ran, r)
	}
	return ran
}

// planSend lets a message go, or notes why not.
func (sc *scene) planSend(r *ruleRun, a automation.Action, result *automation.Result) {
	o, err := outboundOf(a, sc)
	if err == nil {
		err = o.check(sc.thread, sc.now)
	}
	if err != nil {
		result.Skip(err)
		return
	}
	if sc.recent >= automation.MostSends {
		result.Result, result.Reason = automation.ResultSuppressed, "loop_guard"
		result.Detail = fmt.Sprintf("automations have sent %d messages in this conversation within a minute", automation.MostSends)
		return
	}
	sc.recent++
	r.sent++
	result.Result = automation.ResultSent
	sc.sends = append(sc.sends, &plannedSend{outbound: o, result: result})
}
