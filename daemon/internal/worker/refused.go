package worker

import (
	"context"
	"log/slog"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// pauseRefused lets a job whose channel's token was refused wait for a new one:
// the channel is paused with the reason, and no attempt is used up. Any other
// result is returned as it is.
func pauseRefused(ctx context.Context, p Pauser, log *slog.Logger, c inbox.Channel, version int64, r job.Result) job.Result {
	if r.Class != job.ClassAuth || r.Verdict != job.Fail || p == nil {
		return r
	}
	reason := "the access token does not work"
	if r.Detail != "" {
		reason += ": " + r.Detail
	}
	r.Verdict, r.RetryAfter = job.Throttle, channelPause
	paused, err := p.PauseChannel(context.WithoutCancel(ctx), c.OrgID, c.ID, version, reason)
	switch {
	case err != nil: // the next attempt is refused too, and pauses it
		log.WarnContext(ctx, "channel not paused", "org_id", c.OrgID, "channel", c.ID, "error", err)
	case paused:
		log.ErrorContext(ctx, "channel paused: it needs a new access token", "org_id", c.OrgID, "channel", c.ID,
			"channel_type", string(c.Kind), "code", r.Code)
	}
	return r
}

// waitForChannel is the outcome of a job whose channel is paused.
func waitForChannel(c inbox.Channel) job.Result {
	r := job.Result{Verdict: job.Throttle, Class: job.ClassChannelDead, RetryAfter: channelPause, Detail: "the channel is paused"}
	if c.StateReason != "" {
		r.Detail += ": " + c.StateReason
	}
	return r
}
