package worker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/worker"
)

type fakeOutbox struct {
	out inbox.Outgoing
	err error
	got [2]int64
}

func (o *fakeOutbox) Outgoing(_ context.Context, orgID, messageID int64) (inbox.Outgoing, error) {
	o.got = [2]int64{orgID, messageID}
	return o.out, o.err
}

type fakeSender struct {
	sent     []inbox.Outgoing
	callback string
}

func (s *fakeSender) Send(_ context.Context, out inbox.Outgoing, callback string) job.Result {
	s.sent, s.callback = append(s.sent, out), callback
	return job.Result{Verdict: job.Succeed, Message: &job.MessageEffect{Status: inbox.Accepted, ProviderID: "wamid.1"}}
}

// If this breaks, a customer gets a message that must not go out any more, or
// one that should go out is given up.
func TestSend(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	sent := job.Result{Verdict: job.Succeed, Message: &job.MessageEffect{Status: inbox.Accepted, ProviderID: "wamid.1"}}
	cases := []struct {
		name   string
		change func(*inbox.Outgoing)
		err    error
		want   job.Result
		sends  bool
	}{
		{"InTheWindow", func(*inbox.Outgoing) {}, nil, sent, true},
		{"LastMomentOfTheWindow", func(o *inbox.Outgoing) { o.LastInboundAt = now.Add(time.Nanosecond - inbox.Window) }, nil, sent, true},
		{"WindowClosed", func(o *inbox.Outgoing) { o.LastInboundAt = now.Add(-inbox.Window) }, nil, job.Result{Verdict: job.Fail, Class: job.ClassWindowClosed}, false},
		{"NeverWrote", func(o *inbox.Outgoing) { o.LastInboundAt = time.Time{} }, nil, job.Result{Verdict: job.Fail, Class: job.ClassWindowClosed}, false},
		{"TemplateNeedsNoWindow", func(o *inbox.Outgoing) {
			o.LastInboundAt, o.Message.Kind = time.Time{}, inbox.KindTemplate
		}, nil, sent, true},
		{"ChannelPaused", func(o *inbox.Outgoing) { o.Channel.State = inbox.ChannelPaused }, nil, job.Result{Verdict: job.Throttle, Class: job.ClassChannelDead, RetryAfter: 30 * time.Second}, false},
		{"ChannelBroken", func(o *inbox.Outgoing) { o.Channel.State = inbox.ChannelBroken }, nil, job.Result{Verdict: job.Fail, Class: job.ClassChannelDead}, false},
		{"AlreadyAccepted", func(o *inbox.Outgoing) { o.Message.Status = inbox.Accepted }, nil, job.Result{Verdict: job.Succeed}, false},
		{"AlreadyRead", func(o *inbox.Outgoing) { o.Message.Status = inbox.Read }, nil, job.Result{Verdict: job.Succeed}, false},
		{"AlreadyOutOnADeadChannel", func(o *inbox.Outgoing) {
			o.Message.Status, o.Channel.State = inbox.Sent, inbox.ChannelBroken
		}, nil, job.Result{Verdict: job.Succeed}, false},
		{"Gone", nil, inbox.Faultf(inbox.NotFound, "message_not_found", "gone"), job.Result{Verdict: job.Fail, Class: job.ClassGone}, false},
		{"DatabaseAway", nil, errors.New("connection refused"), job.Result{Verdict: job.Throttle, Class: job.ClassTransient, RetryAfter: 3 * time.Second}, false},
		{"TakenOver", func(o *inbox.Outgoing) { o.Message.JobID = 77 }, nil, job.Result{Verdict: job.Succeed, Class: job.ClassGone}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out := inbox.Outgoing{
				Message:       inbox.Message{ID: 41, JobID: 1, Kind: inbox.KindText, Status: inbox.Queued, Text: "hello"},
				Channel:       inbox.Channel{Kind: inbox.WhatsApp, State: inbox.ChannelActive},
				LastInboundAt: now.Add(-time.Hour),
			}
			if c.change != nil {
				c.change(&out)
			}
			outbox, sender := &fakeOutbox{out: out, err: c.err}, &fakeSender{}
			s := worker.Send{Outbox: outbox, Sender: sender, Now: func() time.Time { return now }}
			got := s.Process(t.Context(), claimed(1))
			require.Empty(t, cmp.Diff(c.want, got, cmpopts.IgnoreFields(job.Result{}, "Detail")))
			require.Equal(t, got.Class != job.ClassNone, got.Detail != "", "what is unusual says why, for operators")
			require.NotContains(t, got.Detail, "hello")
			require.Equal(t, [2]int64{3, 41}, outbox.got, "of this org")
			if !c.sends {
				require.Empty(t, sender.sent)
				return
			}
			require.Equal(t, []inbox.Outgoing{out}, sender.sent)
			require.Equal(t, "1.1", sender.callback, "a status webhook finds the job by it")
		})
	}
}
