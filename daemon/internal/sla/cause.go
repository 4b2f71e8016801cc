package sla

import (
	"slices"
	"time"
)

// Cause is what a miss was due to.
type Cause string

// The causes. The first press of send parts them: before it the miss is the
// agent's (or the provider's, whose webhook came late), after it the machine's.
const (
	Human     Cause = "human"
	QueueWait Cause = "queue_wait" // ready, and neither held nor out of tokens
	Hold      Cause = "hold"       // an operator's pause
	Limit     Cause = "limit"      // the org's own limit, or the provider's throttle
	Retries   Cause = "retries"    // backing off after a failure
	Provider  Cause = "provider"   // its answer took long, or its webhook
)

// Causes lists them in the order they are stored in, from 1.
func Causes() []Cause { return []Cause{Human, QueueWait, Hold, Limit, Retries, Provider} }

// Spent is what the time of a miss went to, on the clock of the wall. The parts
// add up to the whole.
type Spent struct {
	Human     time.Duration
	Closed    time.Duration // of the human's part, outside business hours
	QueueWait time.Duration
	Hold      time.Duration
	Limit     time.Duration
	Retries   time.Duration
	Provider  time.Duration
}

// Attempt is one try to send the answer. What has not happened is zero.
type Attempt struct {
	ReadyAt   time.Time // when its wait began
	StartedAt time.Time
	EndedAt   time.Time
	Throttled bool // it ended because the provider throttles
	Final     bool // nothing followed by itself: a human had to act
}

// Evidence is what is known of a miss. The story ends when it was answered, or
// when it was due and was not.
type Evidence struct {
	StartedAt, ReceivedAt, DueAt time.Time
	AnsweredAt                   time.Time // zero: not
	PressedAt                    time.Time // the first press of send; zero: none
	Closed                       time.Duration
	Target                       time.Duration
	Late                         time.Duration // open time from arrival to the answer; 0: not answered
	Attempts                     []Attempt
	Holds                        []Span // that covered the answer's jobs
	Limits                       []Span // without a token for them
}

// Explain says what a miss was due to. It looks at stored moments only, and at
// none after the end: explained late it is the same.
func Explain(e Evidence) (Cause, Spent) {
	end := e.DueAt
	if !e.AnsweredAt.IsZero() {
		end = e.AnsweredAt
	}
	pressed := !e.PressedAt.IsZero() && e.PressedAt.Before(e.DueAt)
	var spent Spent
	arrived := clamp(e.ReceivedAt, e.StartedAt, end)
	press := end
	if pressed {
		press = clamp(e.PressedAt, arrived, end)
	}
	spent.Provider = arrived.Sub(e.StartedAt)
	spent.Human = press.Sub(arrived)
	spent.Closed = min(e.Closed, spent.Human)
	spent.Human -= spent.Closed
	if pressed {
		var machine Spent
		machine.follow(e, press, end)
		spent.add(machine)
		return machine.largest(), spent
	}
	quick := !e.AnsweredAt.IsZero() && e.Late < e.Target
	if quick || !e.ReceivedAt.Before(e.DueAt) {
		return Provider, spent // its webhook left the agent no chance, or took what the agent would have needed
	}
	return Human, spent
}

// follow walks along the attempts from press to end.
func (s *Spent) follow(e Evidence, press, end time.Time) {
	attempts := slices.Clone(e.Attempts)
	slices.SortStableFunc(attempts, func(a, b Attempt) int { return a.ReadyAt.Compare(b.ReadyAt) })
	at, last := press, Attempt{}
	for _, a := range attempts {
		ready := clamp(a.ReadyAt, at, end)
		s.idle(last, ready.Sub(at))
		started := until(a.StartedAt, ready, end)
		s.wait(e, Span{ready, started})
		at = until(a.EndedAt, started, end)
		s.Provider += at.Sub(started)
		last = a
	}
	s.idle(last, end.Sub(at))
}

// idle is time in which no attempt is under way, after the last one.
func (s *Spent) idle(last Attempt, d time.Duration) {
	switch {
	case last.ReadyAt.IsZero():
		s.QueueWait += d
	case last.Final:
		s.Human += d
	case last.Throttled:
		s.Limit += d
	default:
		s.Retries += d
	}
}

// wait splits a wait: a hold explains it before a limit does.
func (s *Spent) wait(e Evidence, wait Span) {
	held := overlap(wait, e.Holds)
	free := cut(wait, e.Holds)
	limited := time.Duration(0)
	for _, f := range free {
		limited += overlap(f, e.Limits)
	}
	s.Hold += held
	s.Limit += limited
	s.QueueWait += wait.To.Sub(wait.From) - held - limited
}

func (s *Spent) add(o Spent) {
	s.Human += o.Human
	s.QueueWait += o.QueueWait
	s.Hold += o.Hold
	s.Limit += o.Limit
	s.Retries += o.Retries
	s.Provider += o.Provider
}

// largest returns the cause with the most time; of equals the earlier one, but
// the human last: the answer was given.
func (s *Spent) largest() Cause {
	best, most := Human, s.Human
	for _, p := range []struct {
		cause Cause
		spent time.Duration
	}{{Provider, s.Provider}, {Retries, s.Retries}, {Limit, s.Limit}, {Hold, s.Hold}, {QueueWait, s.QueueWait}} {
		if p.spent >= most {
			best, most = p.cause, p.spent
		}
	}
	return best
}

// Saturated returns when an org had no token: n starts lay within the window
// before. Starts are the moments tokens were used.
func Saturated(starts []time.Time, n int, window time.Duration, within Span) []Span {
	if n <= 0 {
		return []Span{within}
	}
	slices.SortFunc(starts, time.Time.Compare)
	var full []Span
	for i := n - 1; i < len(starts); i++ {
		from, to := starts[i], starts[i-n+1].Add(window)
		if !from.Before(to) {
			continue
		}
		if last := len(full) - 1; last >= 0 && !full[last].To.Before(from) {
			full[last].To = later(full[last].To, to)
			continue
		}
		full = append(full, Span{from, to})
	}
	return full
}
