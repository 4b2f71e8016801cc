package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/worker"
)

type fakeKeeper struct {
	err   error
	kept  []inbox.Restriction
	whole []bool
}

func (k *fakeKeeper) Restrict(_ context.Context, _ inbox.Channel, r inbox.Restriction, wholeAccount bool) (int, error) {
	k.kept, k.whole = append(k.kept, r), append(k.whole, wholeAccount)
	return 1, k.err
}

type refusingSender struct{ answer job.Result }

func (s refusingSender) Send(context.Context, inbox.Outgoing, string) job.Result { return s.answer }

func offerTo(now time.Time) inbox.Outgoing {
	return inbox.Outgoing{
		Message: inbox.Message{ID: 41, JobID: 1, Kind: inbox.KindTemplate, Status: inbox.Queued, Payload: []byte(`{"name":"offer","language":"en-US"}`)},
		Channel: inbox.Channel{ID: 5, Kind: inbox.WhatsApp, State: inbox.ChannelActive}, LastInboundAt: now.Add(-time.Hour),
	}
}

// What Meta does not let out must not be asked for again and again; and an
// agent must not wait a day for a message that could have been another.
func TestRestrictedWaits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	paused := inbox.Restriction{Covers: inbox.CoversTemplate, Name: "offer", Language: "en_us", State: inbox.RestrictionPaused}
	with := func(change func(*inbox.Restriction)) inbox.Restriction { r := paused; change(&r); return r }
	cases := map[string]struct {
		r        inbox.Restriction
		priority job.Priority
		want     job.Result
	}{
		"Paused":      {paused, job.Bulk, job.Result{Verdict: job.Throttle, Class: job.ClassTemplatePaused, RetryAfter: time.Hour}},
		"EndsSoon":    {with(func(r *inbox.Restriction) { r.Until = now.Add(5 * time.Minute) }), job.Normal, job.Result{Verdict: job.Throttle, Class: job.ClassTemplatePaused, RetryAfter: 5 * time.Minute}},
		"EndsLate":    {with(func(r *inbox.Restriction) { r.Until = now.Add(50 * time.Hour) }), job.Bulk, job.Result{Verdict: job.Throttle, Class: job.ClassTemplatePaused, RetryAfter: time.Hour}},
		"Agent":       {paused, job.Interactive, job.Result{Verdict: job.Fail, Class: job.ClassTemplatePaused}},
		"Disabled":    {with(func(r *inbox.Restriction) { r.State = inbox.RestrictionDisabled }), job.Bulk, job.Result{Verdict: job.Fail, Class: job.ClassTemplateInvalid}},
		"Account":     {inbox.Restriction{Covers: inbox.CoversSends, State: inbox.RestrictionPaused}, job.Interactive, job.Result{Verdict: job.Throttle, Class: job.ClassPolicyBlocked, RetryAfter: 30 * time.Second}},
		"AllTemplate": {inbox.Restriction{Covers: inbox.CoversTemplates, State: inbox.RestrictionPaused}, job.Bulk, job.Result{Verdict: job.Throttle, Class: job.ClassTemplatePaused, RetryAfter: time.Hour}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, sender := offerTo(now), &fakeSender{}
			out.Restriction = c.r
			s := worker.Send{Outbox: &fakeOutbox{out: out}, Sender: sender, Now: func() time.Time { return now }}
			claim := claimed(1)
			claim.Priority = c.priority
			got := s.Process(t.Context(), claim)
			require.Empty(t, cmp.Diff(c.want, got, cmpopts.IgnoreFields(job.Result{}, "Detail")))
			require.Contains(t, got.Detail, "Meta", "operators see who stops it")
			require.Empty(t, sender.sent)
		})
	}
}

// One answer is enough to know for all the others.
func TestAnswersRestrict(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	answer := func(v job.Verdict, class job.Class, scope job.Scope, wait time.Duration) job.Result {
		return job.Result{Verdict: v, Class: class, Scope: scope, RetryAfter: wait, Code: 7, Detail: "why"}
	}
	paused := answer(job.Fail, job.ClassTemplatePaused, job.ScopeTemplate, time.Hour)
	offer := inbox.Restriction{Covers: inbox.CoversTemplate, Name: "offer", Language: "en_us", State: inbox.RestrictionPaused, Reason: "why", Until: now.Add(time.Hour)}
	gone := offer
	gone.State, gone.Until = inbox.RestrictionDisabled, time.Time{}
	cases := map[string]struct {
		answer   job.Result
		text     bool
		priority job.Priority
		err      error
		kept     inbox.Restriction
		whole    bool
		want     job.Verdict
		wait     time.Duration
	}{
		"Paused":        {answer: paused, kept: offer, whole: true, want: job.Throttle, wait: time.Hour},
		"Agent":         {answer: paused, priority: job.Interactive, kept: offer, whole: true, want: job.Fail, wait: time.Hour},
		"NotRecorded":   {answer: paused, err: errors.New("connection refused"), kept: offer, whole: true, want: job.Throttle, wait: time.Hour},
		"Disabled":      {answer: answer(job.Fail, job.ClassTemplateInvalid, job.ScopeTemplate, 0), kept: gone, whole: true, want: job.Fail},
		"BadParameters": {answer: answer(job.Fail, job.ClassTemplateInvalid, job.ScopeNone, 0), want: job.Fail},
		"Payment": {
			answer: answer(job.Fail, job.ClassBilling, job.ScopeTemplates, time.Hour), whole: true, want: job.Throttle, wait: time.Hour,
			kept: inbox.Restriction{Covers: inbox.CoversTemplates, State: inbox.RestrictionPaused, Reason: "why", Until: now.Add(time.Hour)},
		},
		"PaymentOfAText": {answer: answer(job.Fail, job.ClassBilling, job.ScopeTemplates, time.Hour), text: true, want: job.Fail, wait: time.Hour},
		"Spam": {
			answer: answer(job.Retry, job.ClassIntegrityThrottle, job.ScopeTemplates, 2*time.Hour), want: job.Throttle, wait: time.Hour,
			kept: inbox.Restriction{Covers: inbox.CoversTemplates, State: inbox.RestrictionPaused, Reason: "why", Until: now.Add(2 * time.Hour)},
		},
		"Locked": {
			answer: answer(job.Fail, job.ClassPolicyBlocked, job.ScopeWABA, 0), text: true, priority: job.Interactive, whole: true, want: job.Throttle, wait: 30 * time.Second,
			kept: inbox.Restriction{Covers: inbox.CoversSends, State: inbox.RestrictionPaused, Reason: "why"},
		},
		"Country":  {answer: answer(job.Fail, job.ClassPolicyBlocked, job.ScopeNone, 0), want: job.Fail},
		"Throttle": {answer: answer(job.Throttle, job.ClassThrottleWABA, job.ScopeWABA, time.Minute), want: job.Throttle, wait: time.Minute},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, keeper := offerTo(now), &fakeKeeper{err: c.err}
			if c.text {
				out.Message.Kind = inbox.KindText
			}
			s := worker.Send{
				Outbox: &fakeOutbox{out: out}, Sender: refusingSender{c.answer}, Keeper: keeper,
				Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler),
			}
			claim := claimed(1)
			claim.Priority = max(c.priority, job.Interactive)
			if c.priority == 0 {
				claim.Priority = job.Bulk
			}
			got := s.Process(t.Context(), claim)
			require.Equal(t, c.want, got.Verdict)
			require.Equal(t, c.wait, got.RetryAfter)
			require.Equal(t, 7, got.Code, "operators see the answer")
			if c.kept == (inbox.Restriction{}) {
				require.Empty(t, keeper.kept)
				return
			}
			require.Equal(t, []inbox.Restriction{c.kept}, keeper.kept)
			require.Equal(t, []bool{c.whole}, keeper.whole)
			if got.Verdict == job.Throttle {
				require.Equal(t, job.ScopeNone, got.Scope, "nothing else has to cool down")
			}
		})
	}
}
