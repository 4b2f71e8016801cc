package worker

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Outbox reads what is to be sent.
type Outbox interface {
	Outgoing(ctx context.Context, orgID, messageID int64) (inbox.Outgoing, error)
}

// Sender makes the outside call; it asks the fence itself, right before it
// writes.
type Sender interface {
	Send(ctx context.Context, out inbox.Outgoing, callback string) job.Result
}

// Send is the processor of send_message and send_template.
type Send struct {
	Outbox Outbox
	Sender Sender
	Pauser Pauser
	Keeper Restricter // nil: restrictions are not kept
	Now    func() time.Time
	Logger *slog.Logger
}

// Process sends the job's message unless it is gone, already out, or not
// allowed any more: the 24-hour window is checked again at this moment.
func (s *Send) Process(ctx context.Context, c job.Claimed) job.Result {
	out, err := s.Outbox.Outgoing(ctx, c.OrgID, c.SubjectID)
	switch {
	case inbox.KindOf(err) == inbox.NotFound:
		return job.Result{Verdict: job.Fail, Class: job.ClassGone, Detail: "the message no longer exists"}
	case err != nil:
		// Our own trouble, and nothing was sent: it costs the message no attempt.
		return job.Result{Verdict: job.Throttle, Class: job.ClassTransient, RetryAfter: readPause, Detail: fmt.Sprintf("read the message: %v", err)}
	}
	if out.Message.JobID != c.ID { // a newer job has taken the message over: this one is done, without effect
		return job.Result{Verdict: job.Succeed, Class: job.ClassGone, Detail: "another job sends this message now"}
	}
	if r, refused := s.refuse(c, out); refused {
		return r
	}
	result := restrict(ctx, s.Keeper, s.Logger, c, out, s.Sender.Send(ctx, out, c.Callback()), s.Now())
	return pauseRefused(ctx, s.Pauser, s.Logger, out.Channel, out.TokenVersion, result)
}

func (s *Send) refuse(c job.Claimed, out inbox.Outgoing) (job.Result, bool) {
	switch {
	case out.Message.Status >= inbox.Accepted && out.Message.Status <= inbox.Read:
		return job.Result{Verdict: job.Succeed}, true // a status webhook was faster
	case out.Channel.State == inbox.ChannelPaused:
		return waitForChannel(out.Channel), true
	case out.Channel.State != inbox.ChannelActive:
		return job.Result{Verdict: job.Fail, Class: job.ClassChannelDead, Detail: "the channel is " + string(out.Channel.State)}, true
	case out.Restriction.Restricts():
		return waitForProvider(c, out.Restriction, s.Now()), true
	case out.Message.Kind != inbox.KindTemplate && !inbox.WindowOpen(out.LastInboundAt, s.Now()):
		return job.Result{
			Verdict: job.Fail, Class: job.ClassWindowClosed,
			Detail: "the customer's last message is more than 24 hours old: send a template",
		}, true
	}
	return job.Result{}, false
}

const (
	channelPause = 30 * time.Second
	readPause    = 3 * time.Second
)
