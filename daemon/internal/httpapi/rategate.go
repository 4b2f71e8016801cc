package httpapi

import (
	"sync"
	"time"
)

// rateGate lets at most limit events through per period. It is safe for
// concurrent use.
type rateGate struct {
	now    func() time.Time
	limit  int
	period time.Duration

	mu      sync.Mutex
	began   time.Time
	passed  int
	skipped int
}

func newRateGate(now func() time.Time, limit int, period time.Duration) *rateGate {
	return &rateGate{now: now, limit: limit, period: period}
}

// allow reports whether this event may pass, and how many were held back since
// the last one that did.
func (g *rateGate) allow() (skipped int, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.now(); now.Sub(g.began) >= g.period {
		g.began, g.passed = now, 0
	}
	if g.passed >= g.limit {
		g.skipped++
		return 0, false
	}
	g.passed++
	skipped, g.skipped = g.skipped, 0
	return skipped, true
}
