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

// outageWitnesses is how many channels must have met the silence before it is the
// provider's: fewer, and it is theirs alone.
const outageWitnesses = 3

// outage notices, per queue, that a provider has stopped answering. While it
// lasts failures cost no attempts and one job at a time asks again; the first
// answer, good or bad, ends it.
type outage struct {
	mu     sync.Mutex
	streak map[job.Queue]*streak
}

// streak is a row of attempts without an answer, and the channels that met it.
type streak struct {
	n        int
	channels map[int64]bool
}

func newOutage() *outage { return &outage{streak: map[job.Queue]*streak{}} }

func (o *outage) on(q job.Queue) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.scope(q) == job.ScopeProvider
}

// scope is what the current streak of a queue says is silent.
func (o *outage) scope(q job.Queue) job.Scope {
	s := o.streak[q]
	switch {
	case s == nil || s.n < outageAfter:
		return job.ScopeNone
	case len(s.channels) < outageWitnesses:
		return job.ScopeNumber
	}
	return job.ScopeProvider
}

// note takes one attempt's result and returns what is silent: nothing, the
// channel, or the provider. Automations ask no provider.
func (o *outage) note(c job.Claimed, r job.Result) job.Scope {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case c.Queue == job.Automations:
	case r.Verdict == job.Release, r.Class == job.ClassPanic, r.Verdict == job.Throttle && r.Scope == job.ScopeNone: // not the provider's word
	case silent(r):
		if o.streak[c.Queue] == nil {
			o.streak[c.Queue] = &streak{channels: map[int64]bool{}}
		}
		o.streak[c.Queue].n++
		o.streak[c.Queue].channels[c.ChannelID] = true
	default:
		delete(o.streak, c.Queue)
	}
	return o.scope(c.Queue)
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
	silence := p.outage.note(c, r)
	switch {
	case silence != job.ScopeNone && silent(r):
		cool.Scope, cool.RetryAfter = silence, 0
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
