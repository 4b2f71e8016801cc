package adminapi

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/job/operation"
)

func wireOperation(o operation.Operation, now time.Time) admin.Operation {
	w := admin.Operation{
		ID: idOf(o.ID), Kind: string(o.Kind), State: string(o.State), As: word(string(o.As)),
		UndoOf: idWord(o.UndoOf), UndoneBy: idWord(o.UndoneBy), Actor: o.Actor, Reason: word(o.Reason),
		Plan: wirePlan(o), Progress: wireProgress(o, now), AbortIf: o.AbortIf, Error: word(o.Error),
		CreatedAt: o.CreatedAt.UTC(), CommittedAt: timeWord(o.CommittedAt), FinishedAt: timeWord(o.FinishedAt),
	}
	if o.State == operation.Planned {
		w.ExpiresAt = timeWord(o.ExpiresAt)
	}
	if o.Rate > 0 {
		w.Rate = &o.Rate
	}
	if o.Canary > 0 {
		w.Canary = &o.Canary
	}
	var s admin.Selector
	if len(o.Selector) > 0 && json.Unmarshal(o.Selector, &s) == nil {
		w.Selector = &s
	}
	return w
}

func wirePlan(o operation.Operation) admin.Plan {
	p := admin.Plan{
		Matched: o.Matched, Skipped: wireSkips(o.Plan.Skipped), Customers: o.Plan.Customers, OutsideWindow: o.Plan.OutsideWindow,
		MaybeSent: o.Plan.MaybeSent, Warnings: o.Plan.Warnings, Undo: wireUndo(o),
	}
	if p.ByOrg, _ = byOrg(o.Plan.ByOrg); p.Warnings == nil {
		p.Warnings = []string{}
	}
	return p
}

func wireSkips(skips []operation.Skip) []admin.Skip {
	list := []admin.Skip{}
	for _, s := range skips {
		list = append(list, admin.Skip{Reason: s.Reason, N: s.N})
	}
	return list
}

// wireUndo says what can be taken back. How many is known before the commit; after
// it the plan of an undo counts.
func wireUndo(o operation.Operation) admin.Undo {
	texts := map[operation.Kind]string{
		operation.Retry:   "jobs that have not begun to run are dead again, as they were; what has run stays as it is",
		operation.Cancel:  "cancelled jobs come back as they were, unless their message was sent again meanwhile; running ones are no longer asked to stop",
		operation.Discard: "discarded jobs come back as they were, unless their message was sent again meanwhile",
		operation.Hold:    "held jobs wait again as they did before",
		operation.Release: "jobs that have not begun to run are held again; what has run stays as it is",
		operation.Resolve: "what was said of an uncertain job cannot be taken back",
		operation.Undo:    "an undo cannot be undone: plan the change again",
	}
	u := admin.Undo{Possible: o.Kind.Undoable() && o.UndoneBy == 0, Text: texts[o.Kind]}
	switch {
	case o.Kind.Undoable() && o.UndoneBy != 0:
		u.Text = fmt.Sprintf("it was undone by operation %d", o.UndoneBy)
	case o.State == operation.Expired:
		u.Possible, u.Text = false, "it has changed nothing"
	case u.Possible && o.State == operation.Planned:
		u.N = &o.Matched
	case u.Possible && o.State.Ended() && o.Done == 0:
		u.Possible, u.N = false, new(int64)
	case o.Kind == operation.Retry && u.Possible && o.State.Ended() && o.Succeeded+o.FailedAgain >= o.Done:
		u.Possible, u.N, u.Text = false, new(int64), "every one of the jobs has run since: there is nothing left to take back"
	}
	return u
}

func wireProgress(o operation.Operation, now time.Time) admin.Progress {
	p := admin.Progress{Done: o.Done, Skipped: wireSkips(o.Skipped), Failed: o.Failed, Phase: phaseOf(o), EtaMS: etaOf(o, now)}
	if o.Kind == operation.Retry {
		p.Succeeded, p.FailedAgain = &o.Succeeded, &o.FailedAgain
	}
	return p
}

func phaseOf(o operation.Operation) string {
	switch {
	case o.State == operation.Planned:
		return "planned"
	case o.State.Ended():
		return "ended"
	case o.Canary == 0 || o.CanaryPassed:
		return "running"
	case o.Visited < min(int64(o.Canary), o.Matched):
		return "canary"
	}
	return "waiting_for_canary"
}

// etaOf goes on at the speed so far; nil where there is none, or the canary
// decides.
func etaOf(o operation.Operation, now time.Time) *int64 {
	left := o.Matched - o.Visited
	if o.State != operation.Running || o.Canary > 0 && !o.CanaryPassed {
		return nil
	}
	took := now.Sub(o.CommittedAt).Seconds()
	perSecond := o.Rate
	if perSecond == 0 && took > 0 {
		perSecond = float64(o.Visited) / took
	}
	if left > 0 && perSecond <= 0 {
		return nil
	}
	ms := int64(0)
	if left > 0 {
		ms = int64(float64(left) / perSecond * 1000)
	}
	return &ms
}
