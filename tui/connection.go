package tui

import (
	"time"
)

// Back-off between two questions to a server that is away.
const (
	shortestWait = 500 * time.Millisecond
	longestWait  = 15 * time.Second
	// early is how much too early a tick may come and still count.
	early = 100 * time.Millisecond
)

// connection is the way to the server: at most one question is open, the next
// is armed by the answer, and failures wait longer and longer. It never gives
// up. The zero value has its first question open.
type connection struct {
	random   func() float64
	number   int       // of the last question
	closed   bool      // its answer has come
	due      time.Time // when to ask next, once closed
	failures int       // in a row
	err      error     // of the last answer
}

// ask reports whether a question is to be put now, and counts it.
func (c *connection) ask(now time.Time, period time.Duration) bool {
	if !c.closed || now.Add(early).Before(c.due) {
		return false
	}
	c.number++
	c.closed = false
	// From the time it was due, so that it does not drift; what was missed
	// while the machine slept is not made up for.
	if c.due = c.due.Add(period); !c.due.After(now) {
		c.due = now.Add(period)
	}
	return true
}

// answered takes the outcome of the open question.
func (c *connection) answered(err error, now time.Time) {
	c.closed, c.err = true, err
	if err == nil {
		c.failures = 0
		return
	}
	c.failures++
	wait := min(shortestWait<<min(c.failures, 8), longestWait)
	// Half of it at random: a hundred screens must not come back together.
	c.due = now.Add(wait/2 + time.Duration(c.random()*float64(wait/2)))
}

// freshness is how much the data can be trusted.
type freshness int

const (
	connecting freshness = iota
	live
	lagging
	stale
)

// freshnessOf says how much data of an age can be trusted, where somebody wants it
// every interval. Two intervals are a lag, five (but never less than ten seconds)
// make it stale. A slow server that is asked less often, every period, makes it no
// fresher; it is stale once an answer is missing.
func freshnessOf(age, interval, period time.Duration) freshness {
	switch {
	case age <= 2*interval+heartbeat:
		return live
	case age <= max(5*interval, 2*period, 10*time.Second):
		return lagging
	}
	return stale
}
