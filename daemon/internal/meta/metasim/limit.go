package metasim

import (
	"sync"
	"time"
)

// The pair rule of the Cloud API, read literally: one message per 6 s to one
// user; up to 45 may go within 6 s, borrowed from the time after.
const (
	pairWindow = 6 * time.Second
	pairBurst  = 45
)

// limits are the send limits of one account. Safe for concurrent use.
type limits struct {
	mu       sync.Mutex
	pairs    map[string]*pair
	second   time.Time // start of the current second
	inSecond int
}

type pair struct {
	start   time.Time // of the current burst window
	n       int       // sends in it
	blocked time.Time // nothing before this
}

func newLimits() *limits { return &limits{pairs: map[string]*pair{}} }

// takeNumber counts a send against the throughput of the number.
func (l *limits) takeNumber(now time.Time, perSecond int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.second) >= time.Second || now.Before(l.second) {
		l.second, l.inSecond = now, 0
	}
	if l.inSecond >= perSecond {
		return false
	}
	l.inSecond++
	return true
}

// takePair counts a send to one recipient. When a burst window ends, the debt
// of its n sends is n × 6 s from its start.
func (l *limits) takePair(now time.Time, recipient string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.pairs[recipient]
	if p == nil {
		p = &pair{start: now}
		l.pairs[recipient] = p
	}
	if p.n > 0 && now.Sub(p.start) >= pairWindow {
		p.blocked = p.start.Add(time.Duration(p.n) * pairWindow)
		p.n = 0
	}
	if now.Before(p.blocked) || p.n >= pairBurst {
		return false
	}
	if p.n == 0 {
		p.start = now
	}
	p.n++
	return true
}
