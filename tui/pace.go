package tui

import (
	"time"

	"github.com/bandeja/inboxd/tui/text"
)

const (
	// slowInARow is how many slow answers make the view ask less often: one may be
	// chance.
	slowInARow = 2
	// quickInARow is how many quick ones make it ask as often as they allow.
	quickInARow = 3
	// mostPace bounds how much less often it asks.
	mostPace = 16
)

// pace is how much less often a slow server is asked. The zero value is as often
// as the operator wants.
type pace struct {
	times       int // as long between two questions; 0 and 1: as the operator wants
	slow, quick int // answers in a row
}

// of is the interval at this pace.
func (p *pace) of(interval time.Duration) time.Duration {
	return interval * time.Duration(max(p.times, 1))
}

// took takes how long an answer took, and reports whether the pace is another
// one now: a server that needs more than half of the interval is asked half as
// often; one that is quick again, as often as its answers allow.
func (p *pace) took(d, interval time.Duration) (changed bool) {
	times := max(p.times, 1)
	switch {
	case d > p.of(interval)/2:
		p.slow, p.quick = p.slow+1, 0
	case d < p.of(interval)/8:
		p.slow, p.quick = 0, p.quick+1
	default:
		p.slow, p.quick = 0, 0
	}
	switch {
	case p.slow >= slowInARow && times < mostPace:
		*p = pace{times: times * 2}
	case p.quick >= quickInARow && times > 1:
		for times > 1 && d < interval*time.Duration(times)/8 {
			times /= 2
		}
		*p = pace{times: times}
	default:
		return false
	}
	return true
}

// paced takes how long an answer took, and says if the server is asked more or
// less often for it.
func (m model) paced(took time.Duration) model {
	before := m.pace.of(m.interval)
	if !m.pace.took(took, m.interval) {
		if soon := m.now.Add(m.wanted()); m.pace.times > 1 && m.pace.quick > 0 && m.connection.due.After(soon) {
			m.connection.due = soon // it may be quick again: whether it is, is soon known
		}
		return m
	}
	if soon := m.now.Add(m.period()); m.connection.due.After(soon) {
		m.connection.due = soon
	}
	now := m.pace.of(m.interval)
	if now > before {
		return m.say("an answer takes " + text.Millis(float64(took.Milliseconds())) + ": asking every " + now.String() + " now")
	}
	return m.say("the server is quick again: asking every " + now.String())
}
