package worker

import (
	"context"
	"sync"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// outageAfter is how many attempts in a row the provider must leave without a
// usable answer before they stop counting against the jobs.
const outageAfter = 10

const coolTimeout = 2 * time.Second

// outage notices, per queue, that a provider has stopped answering. While it
// lasts failures cost no attempts and one job at a time asks again; the first
// answer, good or bad, ends it.
type outage struct {
	mu     sync.Mutex
	streak map[job.Queue]int
}

func newOutage() *outage { return &outage{streak: map[job.Queue]int{}} }

func (o *outage) on(q job.Queue) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.streak[q] >= outageAfter
}

// note takes one attempt's result and reports whether the outage is on.
func (o *outage) note(q job.Queue, r job.Result) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case r.Verdict == job.Release, r.Class == job.ClassPanic, r.Verdict == job.Throttle && r.Scope == job.ScopeNone: // not the provider's word
	case silent(r):
		o.streak[q]++
	default:
		o.streak[q] = 0
	}
	return o.streak[q] >= outageAfter
}

// silent reports whether the provider said nothing about the job: it did not
// answer, or only that it is out of service.
func silent(r job.Result) bool {
	if r.Verdict != job.Retry && r.Verdict != job.Doubt {
		return false
	}
	switch r.Class {
	case job.ClassNotSent, job.ClassAmbiguous:
		return true
	case job.ClassTransient:
		return r.Code == 0 || r.Code == 2 || r.Code == 131016 || r.Code == 133004
	default:
		return false
	}
}

// pressure passes on what an attempt says about the provider: a throttle cools
// down what it names, in every process, and in an outage a failure that surely
// had no effect is waited out instead of counted.
func (p *Pool) pressure(ctx context.Context, c job.Claimed, r job.Result) job.Result {
	cool := job.Cooldown{Scope: r.Scope, Queue: c.Queue, ChannelID: c.ChannelID, Class: r.Class, Code: r.Code, RetryAfter: r.RetryAfter}
	out := p.outage.note(c.Queue, r)
	switch {
	case out && silent(r):
		cool.Scope, cool.RetryAfter = job.ScopeProvider, 0
		if r.Verdict == job.Retry {
			r.Verdict = job.Throttle
		}
	case r.Verdict != job.Throttle:
		return r
	}
	if p.o.Cooler == nil || cool.Scope == job.ScopeNone {
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, coolTimeout)
	defer cancel()
	if _, err := p.o.Cooler.CoolDown(ctx, cool); err != nil {
		p.o.Logger.WarnContext(ctx, "cool-down not recorded", "job", c.ID, "scope", string(cool.Scope), "error", err)
	}
	return r
}
