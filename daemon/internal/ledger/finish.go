package ledger

import (
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Kinds of job_events rows.
const (
	eventNone      int16 = 0
	eventFailed    int16 = 1
	eventDead      int16 = 2
	eventUncertain int16 = 3
	eventResolved  int16 = 4 // an operator settled an uncertain job; no attempt
)

const maxDetail = 500

// finish is what one attempt writes: history, or a new state of the job row.
type finish struct {
	done     bool
	state    job.State     // unless done
	delay    time.Duration // until a scheduled job is ready
	refund   bool          // the attempt is given back
	event    int16
	class    job.Class
	code     int
	detail   string
	effect   *job.Effect
	stripped int // how often disarm was called
}

// newFinish decides what a result means for the job: the one place where
// verdicts, attempts, deadlines and the at-most-once rule meet.
func newFinish(c job.Claimed, r job.Result) *finish {
	policy := job.PolicyOf(c.Type)
	f := &finish{class: r.Class, code: r.Code, detail: storable(r.Detail)}
	switch r.Verdict {
	case job.Succeed:
		f.done = true
	case job.Release:
		f.state, f.refund = job.Ready, true
	case job.Fail:
		f.state, f.event = job.Dead, eventDead
	case job.Doubt:
		if policy.AtMostOnce {
			f.state, f.event = job.Uncertain, eventUncertain
			break
		}
		f.reschedule(c, r)
	case job.Throttle:
		f.refund = true
		f.reschedule(c, r)
	case job.Retry:
		f.reschedule(c, r)
	}
	f.effect = f.messageEffect(c, r)
	return f
}

// reschedule plans the next attempt, or death when none is left in time.
func (f *finish) reschedule(c job.Claimed, r job.Result) {
	tries := c.Attempt
	if f.refund {
		tries = c.Throttled + 1 // the attempt is given back, so it cannot tell how often
	}
	f.delay = max(r.RetryAfter, job.Backoff(r.Class, tries, rand.Float64())) //nolint:gosec // jitter needs no secrecy
	switch {
	case !f.refund && c.Attempt >= c.MaxAttempts:
		f.state, f.event = job.Dead, eventDead
	case time.Now().Add(f.delay).After(c.Deadline):
		f.state, f.event, f.class = job.Dead, eventDead, job.ClassDeadline
	default:
		f.state, f.event = job.Scheduled, eventFailed
	}
}

func (f *finish) messageEffect(c job.Claimed, r job.Result) *job.Effect {
	if c.Type != job.SendMessage && c.Type != job.SendTemplate {
		return nil
	}
	e := &job.Effect{
		JobID: c.ID, Epoch: c.Epoch, MessageID: c.SubjectID, Attempt: c.Attempt,
		Class: f.class, Code: f.code, Detail: f.detail,
	}
	switch {
	case f.done && r.Message != nil:
		e.Status, e.ProviderID, e.WaID = r.Message.Status, storable(r.Message.ProviderID), storable(r.Message.WaID)
	case f.state == job.Dead && !f.done:
		e.Status = inbox.Failed
	case f.state == job.Uncertain && !f.done:
		e.Status = inbox.Uncertain
	case !f.done:
		e.Status = inbox.Queued // says something new only of an uncertain message
	default:
		return nil
	}
	return e
}

// disarm removes the provider's text first, then its id, then all effects.
func (f *finish) disarm() bool {
	f.stripped++
	switch {
	case f.stripped == 1:
		f.detail = ""
		if f.effect != nil {
			f.effect.Detail = ""
		}
	case f.stripped == 2 && f.effect != nil:
		f.effect.ProviderID = ""
	case f.stripped <= 3:
		f.effect = nil
	default:
		return false
	}
	return true
}

// storable makes text from outside fit for a text column: valid UTF-8 without
// NUL, at most maxDetail bytes.
func storable(s string) string {
	s = inbox.Clean(s)
	if len(s) <= maxDetail {
		return s
	}
	cut := maxDetail
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strings.Clone(s[:cut])
}
