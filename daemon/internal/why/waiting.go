package why

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// itself is what the job's own row says.
func (v *view) itself() {
	switch {
	case v.State == job.Held:
		v.hold(inspect.Cause{Code: "held", Since: v.ReadyAt, Text: "an operator holds this job by itself", Command: fmt.Sprintf("inboxctl jobs release %d", v.ID)})
	case v.State == job.Scheduled && v.Throttled > 0:
		v.hold(inspect.Cause{Code: "backoff", Who: "inboxd", Since: v.StartedAt, Until: v.RunAt, Text: "it was throttled (" + v.trouble() + ") and tries again then; that costs no attempt"})
	case v.State == job.Scheduled && v.Attempt > 0:
		v.hold(inspect.Cause{Code: "backoff", Who: "inboxd", Since: v.StartedAt, Until: v.RunAt, Text: fmt.Sprintf("attempt %d failed (%s): it tries again then", v.Attempt, v.trouble())})
	case v.State == job.Scheduled && v.Epoch > 0:
		v.hold(inspect.Cause{Code: "pair_pacing", Who: "inboxd", Since: v.DispatchedAt, Until: v.RunAt, Text: "messages to one customer keep a distance, as Meta asks"})
	case v.State == job.Scheduled:
		v.hold(inspect.Cause{Code: "scheduled", Since: &v.CreatedAt, Until: v.RunAt, Text: "it is not due yet"})
	}
	if v.CancelRequested {
		v.hold(inspect.Cause{Code: "cancel_requested", Text: "somebody has asked to cancel it: it does not start again"})
	}
}

// trouble is the class and text of the last error.
func (v *view) trouble() string {
	s := cmp.Or(string(v.Class), "no error on record")
	if v.Error != "" {
		s += ": " + v.Error
	}
	return s
}

// processes is whether anybody is there to run it.
func (v *view) processes() {
	if v.Workers == 0 {
		v.hold(inspect.Cause{Code: "no_worker", Text: fmt.Sprintf("no live process runs %s: start one (APP_MODE=worker or all); `inboxctl status` lists those there are", v.Type)})
	}
}

// holds are operators' pauses, those without an end first.
func (v *view) holds() {
	for _, endless := range []bool{true, false} {
		for _, h := range v.Holds {
			if (h.ExpiresAt == nil) == endless {
				v.hold(holdCause(h))
			}
		}
	}
}

func holdCause(h inspect.Hold) inspect.Cause {
	c := inspect.Cause{Code: "queue_hold", Who: h.Owner, Since: &h.CreatedAt, Until: h.ExpiresAt, Text: HoldText(h)}
	switch {
	case h.Org != "":
		c.Code, c.Command = "org_hold", fmt.Sprintf("inboxctl orgs resume %s --hold %d", h.Org, h.ID)
	case h.Queue != 0:
		c.Command = fmt.Sprintf("inboxctl queues resume %s --hold %d", h.Queue, h.ID)
	}
	if h.Type != 0 {
		c.Code = "type_hold"
	}
	return c
}

// HoldText says what a hold holds: "acme whatsapp is paused: INC-812".
func HoldText(h inspect.Hold) string {
	var what []string
	if h.Org != "" {
		what = append(what, h.Org)
	}
	if h.Queue != 0 {
		what = append(what, h.Queue.String())
	}
	if h.Type != 0 {
		what = append(what, h.Type.String())
	}
	s := strings.Join(what, " ") + " is paused"
	if h.Reason != "" {
		s += ": " + h.Reason
	}
	return s
}

// rests are what the provider has asked for, as a whole or for this channel.
func (v *view) rests() {
	for _, r := range v.Resting {
		if v.Queue == job.TokenRefresh && (r.Scope == "channel" || r.Scope == job.ScopeWABA) {
			continue // a new token may be what the channel waits for
		}
		what := map[job.Scope]string{
			job.ScopeProvider: "Meta answers nobody on " + v.Queue.String(), job.ScopeApp: "Meta throttles the whole app",
			job.ScopeWABA: "Meta throttles the business account", "channel": "Meta throttles the number or account",
		}[r.Scope]
		text := fmt.Sprintf("%s (%s): it is left alone", what, cmp.Or(string(r.Class), "throttled"))
		if r.Code != 0 {
			text = fmt.Sprintf("%s (%s, code %d): it is left alone", what, cmp.Or(string(r.Class), "throttled"), r.Code)
		}
		v.hold(inspect.Cause{Code: string(r.Scope) + "_cooldown", Who: "Meta", Until: &r.Until, Text: text})
	}
}

// channel is its way out: paused, or restricted as a whole.
func (v *view) channel() {
	c := v.Channel
	if c == nil || v.Queue == job.TokenRefresh {
		return
	}
	if c.State == inbox.ChannelPaused {
		cause := inspect.Cause{Code: "channel_paused", Text: fmt.Sprintf("channel %d (%s %s) is paused", c.ID, c.Kind, c.ExternalID), Command: fmt.Sprintf("inboxctl channels resume %d", c.ID)}
		if c.Reason != "" {
			cause.Text += ": " + c.Reason
		}
		if strings.Contains(c.Reason, "token") {
			cause.Code, cause.Command = "token_dead", fmt.Sprintf("inboxctl channels token %d --token-file FILE", c.ID)
		}
		v.hold(cause)
	}
	if r := c.Restriction; r.Covers == inbox.CoversSends {
		v.hold(restricted(r))
	}
}

func restricted(r inbox.Restriction) inspect.Cause {
	c := inspect.Cause{Code: "channel_restricted", Who: "Meta", Text: r.Says()}
	if !r.Until.IsZero() {
		c.Until = &r.Until
	}
	return c
}

// order is the job of its conversation that goes first.
func (v *view) order() {
	a := v.Ahead
	if a == nil {
		return
	}
	c := inspect.Cause{Code: "conversation", Since: &a.Since, Text: fmt.Sprintf(
		"job %d of the same conversation goes first and is %s: see `inboxctl jobs why %d`", a.ID, a.State, a.ID)}
	switch {
	case a.State == job.Scheduled:
		c.Until = &a.RunAt
	case a.State == job.Held:
		c.Command = fmt.Sprintf("inboxctl jobs release %d", a.ID)
	case a.Younger:
		c.Text = fmt.Sprintf("job %d of the same conversation is more urgent and goes first: see `inboxctl jobs why %d`", a.ID, a.ID)
	}
	v.hold(c)
}

// limit is the token it needs to leave.
func (v *view) limit(ctx context.Context) {
	action, limited := v.Type.Action()
	if !limited || v.o.Limits == nil {
		return
	}
	r := v.control.Rate(v.OrgID, action, v.Now)
	w := job.Want{OrgID: v.OrgID, Action: action, Rate: r, Most: r.N}
	if v.Priority == job.Bulk {
		w.Most = job.BulkMost(r.N)
	}
	set, own := v.control.Limit(v.OrgID, string(action), v.Now)
	c := inspect.Cause{
		Code: "limit", Command: fmt.Sprintf("inboxctl limits set --org %s %s=%s --for 1h", v.Org, action, rateText(max(1, 2*r.N), r.Window)),
		Text: fmt.Sprintf("%s has used up its %s of %s", v.Org, action, rateText(r.N, r.Window)),
	}
	if w.Most < r.N {
		c.Text = fmt.Sprintf("%s has used up the %d of its %s of %s that bulk work may use", v.Org, w.Most, action, rateText(r.N, r.Window))
	}
	if own {
		c.Who, c.Since = set.Owner, &set.SetAt
	}
	if r.N == 0 {
		c.Text = fmt.Sprintf("%s may do no %s at all: its limit is 0", v.Org, action)
		if own && !set.ExpiresAt.IsZero() {
			c.Until = &set.ExpiresAt
		}
		v.hold(c)
		return
	}
	if wait := v.o.Limits.Look(ctx, w).RetryAfter; wait > 0 {
		c.Until = in(v.Now, wait)
		v.hold(c)
	}
}

func rateText(n int, window time.Duration) string {
	unit, ok := map[time.Duration]string{time.Second: "s", time.Minute: "min", time.Hour: "h"}[window]
	if !ok {
		unit = window.String()
	}
	return fmt.Sprintf("%d/%s", n, unit)
}

// shares are how much of an org, and of all, may be under way at once.
func (v *view) shares() {
	if v.Workers == 0 {
		return
	}
	own, bounded := v.control.Concurrency(v.OrgID, v.Now)
	share := job.OrgShare(v.Slots, max(1, v.Crowd))
	switch {
	case bounded && v.OfOrg >= own:
		set, _ := v.control.Limit(v.OrgID, "concurrency", v.Now)
		v.hold(inspect.Cause{
			Code: "concurrency", Who: set.Owner, Since: &set.SetAt, Text: fmt.Sprintf("%s has %d of %d jobs under way at once: it waits for one to end", v.Org, v.OfOrg, own),
			Command: fmt.Sprintf("inboxctl limits set --org %s concurrency=%d --for 1h", v.Org, 2*max(1, own)),
		})
	case v.Slots > 0 && v.UnderWay >= v.Slots && v.bound:
		v.hold(inspect.Cause{Code: "slots", Text: "all slots are busy: it waits for a job to end"})
	case v.Slots > 0 && v.UnderWay >= v.Slots:
		v.hold(inspect.Cause{Code: "slots", Text: fmt.Sprintf("all %d slots are busy: it waits for a job to end; more processes, or more slots (INBOXD_SLOTS), let more run at once", v.Slots)})
	case v.OfOrg >= share && v.bound:
		v.hold(inspect.Cause{Code: "org_share", Text: fmt.Sprintf("%s has %d jobs under way, its fair share: it waits for one to end", v.Org, v.OfOrg)})
	case v.OfOrg >= share:
		v.hold(inspect.Cause{Code: "org_share", Text: fmt.Sprintf("%s has %d jobs under way, its fair share of %d slots: it waits for one to end", v.Org, v.OfOrg, v.Slots)})
	}
}

// pacing is the distance between messages by one number, and to one customer.
func (v *view) pacing(ctx context.Context) {
	if _, limited := v.Type.Action(); !limited || v.o.Limits == nil || v.Channel == nil {
		return
	}
	c := v.o.Limits.Passable(ctx, job.Passage{Queue: v.Queue, ChannelID: v.Channel.ID, Pair: v.SerialKey})
	if c.ChannelWait > 0 {
		v.hold(inspect.Cause{Code: "number_pacing", Who: "inboxd", Until: in(v.Now, c.ChannelWait), Text: "its number sends as fast as Meta lets it"})
	}
	if c.PairWait > 0 && v.State != job.Scheduled {
		v.hold(inspect.Cause{Code: "pair_pacing", Who: "inboxd", Until: in(v.Now, c.PairWait), Text: "messages to one customer keep a distance, as Meta asks"})
	}
}

// failures are what lets the job start, and then fail.
func (v *view) failures() {
	const retry = "; it would fail, and nothing is sent"
	m, c := v.Message, v.Channel
	switch {
	case v.DeadlineAt != nil && !v.DeadlineAt.After(v.Now):
		v.add(inspect.Cause{Code: "deadline", Since: v.DeadlineAt, Text: "its deadline has passed" + retry})
	case c != nil && c.State == inbox.ChannelBroken:
		v.add(inspect.Cause{Code: "channel_broken", Who: "Meta", Text: fmt.Sprintf("channel %d is broken: %s%s", c.ID, cmp.Or(c.Reason, "Meta refused it"), retry), Command: fmt.Sprintf("inboxctl channels resume %d", c.ID)})
	case c != nil && c.Restriction.Restricts() && c.Restriction.Covers != inbox.CoversSends:
		cause := restricted(c.Restriction)
		cause.Code = "template_restricted"
		v.add(cause)
	case m != nil && m.Kind != inbox.KindTemplate && !inbox.WindowOpen(m.LastInboundAt, v.Now):
		cause := inspect.Cause{Code: "window_closed", Who: "Meta", Text: "the customer's last message is more than 24 hours old: only a template can be sent" + retry, Command: fmt.Sprintf("inboxctl jobs cancel %d", v.ID)}
		if !m.LastInboundAt.IsZero() {
			cause.Since = in(m.LastInboundAt, inbox.Window)
		}
		v.add(cause)
	}
}

// turn is where it stands, and that nothing else holds it.
func (v *view) turn() {
	if v.State != job.Ready {
		return
	}
	where := "it is the next of its org in " + v.Queue.String()
	switch {
	case v.Waiting >= 10_000:
		where = fmt.Sprintf("10000 or more jobs of its org are before it in %s", v.Queue)
	case v.Waiting > 0:
		where = fmt.Sprintf("%d of its org before it in %s", v.Waiting, v.Queue)
	}
	if v.Neighbor > 1 && !v.bound {
		where += fmt.Sprintf(", and %d orgs take turns", v.Neighbor)
	}
	if !v.held() {
		where = "nothing holds it; " + where
	}
	v.add(inspect.Cause{Code: "turn", Since: v.ReadyAt, Text: where})
}

// lane is how it would reach a worker.
func (v *view) lane() {
	dial := 0
	if v.o.Dial != nil {
		dial = v.o.Dial(v.Queue)
	}
	by := "PostgreSQL"
	if v.Place < dial {
		by = "Redis (by PostgreSQL while Redis is away)"
	}
	v.add(inspect.Cause{Code: "lane", Text: fmt.Sprintf("it will travel by %s: the dial is at %d%%, its conversation at %d", by, dial, v.Place)})
}
