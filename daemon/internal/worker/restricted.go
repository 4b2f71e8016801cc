package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Restricter keeps what the provider does not let out any more, on the channel
// or its whole account, and says on how many channels.
type Restricter interface {
	Restrict(ctx context.Context, c inbox.Channel, r inbox.Restriction, wholeAccount bool) (int, error)
}

// longestWait is how long a job waits at most before it looks again whether its
// template may go out. What lifts a restriction makes it look at once.
const longestWait = time.Hour

// waitForProvider is the outcome of a job that a known restriction stops. An
// agent's template fails, so that the agent can choose another and the
// conversation goes on; what a program sends waits.
func waitForProvider(c job.Claimed, r inbox.Restriction, now time.Time) job.Result {
	switch {
	case r.Covers == inbox.CoversSends:
		return job.Result{Verdict: job.Throttle, Class: job.ClassPolicyBlocked, RetryAfter: channelPause, Detail: r.Says()}
	case r.State == inbox.RestrictionDisabled:
		return job.Result{Verdict: job.Fail, Class: job.ClassTemplateInvalid, Detail: r.Says()}
	case c.Priority == job.Interactive:
		return job.Result{Verdict: job.Fail, Class: job.ClassTemplatePaused, Detail: r.Says()}
	}
	wait := longestWait
	if !r.Until.IsZero() {
		wait = min(wait, max(r.Until.Sub(now), time.Second))
	}
	return job.Result{Verdict: job.Throttle, Class: job.ClassTemplatePaused, RetryAfter: wait, Detail: r.Says()}
}

// restricts returns what an answer says the provider lets out no more, beyond
// the one message it is about.
func restricts(out inbox.Outgoing, r job.Result, now time.Time) inbox.Restriction {
	x := inbox.Restriction{State: inbox.RestrictionPaused, Reason: r.Detail}
	if r.RetryAfter > 0 {
		x.Until = now.Add(r.RetryAfter)
	}
	template := out.Message.Kind == inbox.KindTemplate
	switch {
	case r.Verdict != job.Fail && r.Verdict != job.Retry:
		return inbox.Restriction{}
	case r.Scope == job.ScopeTemplate && template:
		x.Covers = inbox.CoversTemplate
		x.Name, x.Language = inbox.TemplateOf(out.Message.Payload)
		if r.Class == job.ClassTemplateInvalid {
			x.State, x.Until = inbox.RestrictionDisabled, time.Time{}
		}
	case r.Scope == job.ScopeTemplates && template:
		x.Covers = inbox.CoversTemplates
	case r.Scope == job.ScopeWABA && r.Class == job.ClassPolicyBlocked:
		x.Covers = inbox.CoversSends
	}
	return x
}

// restrict keeps what the answer to a send says about others, and lets the job
// wait with them instead of failing.
func restrict(ctx context.Context, keep Restricter, log *slog.Logger, c job.Claimed, out inbox.Outgoing, r job.Result, now time.Time) job.Result {
	x := restricts(out, r, now)
	if keep == nil || !x.Restricts() || (x.Covers == inbox.CoversTemplate && x.Name == "") {
		return r
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), coolTimeout)
	defer cancel()
	channels, err := keep.Restrict(ctx, out.Channel, x, r.Class != job.ClassIntegrityThrottle)
	if err != nil { // the next attempt is answered alike
		log.WarnContext(ctx, "restriction not recorded", "org_id", c.OrgID, "channel", out.Channel.ID, "error", err)
	} else {
		log.ErrorContext(ctx, "the provider restricts what may be sent", "org_id", c.OrgID, "channel", out.Channel.ID,
			"covers", string(x.Covers), "template", x.Name, "channels", channels, "code", r.Code)
	}
	waits := waitForProvider(c, x, now)
	if waits.Verdict == job.Fail { // in the provider's own words
		return r
	}
	waits.Code = r.Code
	return waits
}
