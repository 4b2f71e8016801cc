package telemetry

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// Health knows whether the process is alive (its loops go round) and ready
// (what it needs answers, and it is not stopping). The two are kept apart: an
// outage of the database makes a process not ready, but restarting it would
// not help. Safe for concurrent use.
type Health struct {
	now      func() time.Time
	mu       sync.Mutex
	loops    []*loop
	checks   []*check
	draining bool
}

// NewHealth returns a Health that is alive and ready until told otherwise. now
// is the clock; nil means time.Now.
func NewHealth(now func() time.Time) *Health {
	if now == nil {
		now = time.Now
	}
	return &Health{now: now}
}

// Part is one line of a Report.
type Part struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// Report says how things are. OK is true if every part is.
type Report struct {
	OK    bool   `json:"ok"`
	Parts []Part `json:"parts"`
}

// Loop adds a loop that must go round at least once in every most, and returns
// the function it calls at each turn. It counts as having just turned. A turn
// must end whatever the world outside does: give its calls deadlines shorter
// than most.
func (h *Health) Loop(name string, most time.Duration) (tick func()) {
	l := &loop{name: name, most: most, last: h.now()}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.loops = append(h.loops, l)
	return func() {
		now := h.now()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.last = now
	}
}

type loop struct {
	name string
	most time.Duration
	mu   sync.Mutex
	last time.Time
}

// Check is something a ready process needs.
type Check struct {
	Name    string                      // as shown: "postgres"
	Run     func(context.Context) error // nil error: fine; the error's text is shown to operators
	Timeout time.Duration               // after it the answer is an error; 0: 2 s
	Fresh   time.Duration               // how long an answer is used again; 0: 1 s
}

// AddReady adds a check. It runs when somebody asks, never twice at the same
// time, and one that does not come back holds up nobody.
func (h *Health) AddReady(c Check) {
	c.Timeout = cmp.Or(c.Timeout, 2*time.Second)
	c.Fresh = cmp.Or(c.Fresh, time.Second)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, &check{Check: c, now: h.now})
}

// Drain makes the process not ready from now on: it is stopping.
func (h *Health) Drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draining = true
}

// Live reports on the loops. It never waits. A process that is stopping is
// alive: its loops end one after the other, and how long that may take is the
// service manager's to say.
func (h *Health) Live() Report {
	h.mu.Lock()
	loops, draining := h.loops, h.draining
	h.mu.Unlock()
	now := h.now()
	r := Report{OK: true, Parts: []Part{}}
	if draining {
		return r
	}
	for _, l := range loops {
		l.mu.Lock()
		idle := now.Sub(l.last)
		l.mu.Unlock()
		p := Part{Name: l.name, OK: idle <= l.most}
		if !p.OK {
			p.Error = "no turn for " + idle.Round(time.Millisecond).String() + ", at most " + l.most.String() + " expected"
		}
		r.add(p)
	}
	return r
}

// Ready runs the checks side by side and reports on them, and on draining. It
// takes no longer than the longest timeout.
func (h *Health) Ready(ctx context.Context) Report {
	h.mu.Lock()
	checks, draining := h.checks, h.draining
	h.mu.Unlock()
	parts := make([]Part, len(checks))
	var wait sync.WaitGroup
	for i, c := range checks {
		wait.Go(func() { parts[i] = c.part(ctx) })
	}
	wait.Wait()
	r := Report{OK: true, Parts: []Part{}}
	for _, p := range parts {
		r.add(p)
	}
	accepting := Part{Name: "accepting", OK: !draining}
	if draining {
		accepting.Error = "the process is stopping"
	}
	r.add(accepting)
	return r
}

func (r *Report) add(p Part) {
	r.OK = r.OK && p.OK
	r.Parts = append(r.Parts, p)
}
