package worker

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// AutomationRunner does everything a message, or a timer it started, sets off,
// all of it or nothing and each rule once, however often it is asked.
type AutomationRunner interface {
	RunAutomations(ctx context.Context, q automation.Request) (int, error)
}

// Automation is the processor of run_automation. It has no effect outside: what
// a rule sends is a job of its own.
type Automation struct {
	Runner AutomationRunner
}

// Process runs the rules that the job's message sets off. A message that is
// gone sets off nothing.
func (a *Automation) Process(ctx context.Context, c job.Claimed) job.Result {
	q := automation.Request{OrgID: c.OrgID, MessageID: c.SubjectID}
	if len(c.Args) > 0 {
		var timer automation.Timer
		if err := json.Unmarshal(c.Args, &timer); err != nil || timer.Minutes < 1 {
			return job.Result{Verdict: job.Fail, Class: job.ClassConfig, Detail: "the job's arguments are not those of a timer"}
		}
		q.Minutes = timer.Minutes
	}
	_, err := a.Runner.RunAutomations(ctx, q)
	switch {
	case inbox.KindOf(err) == inbox.NotFound:
		return job.Result{Verdict: job.Succeed, Class: job.ClassGone, Detail: "the message no longer exists"}
	case err != nil:
		// Our own trouble, and nothing was done: another try, up to the attempts.
		return job.Result{Verdict: job.Retry, Class: job.ClassTransient, RetryAfter: readPause, Detail: fmt.Sprintf("run automations: %v", err)}
	}
	return job.Result{Verdict: job.Succeed}
}
