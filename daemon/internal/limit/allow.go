package limit

import (
	"context"
	"sync"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Verdict answers whether an org may do something now.
type Verdict struct {
	OK         bool
	Limit      int
	Remaining  int           // tokens left after this one
	RetryAfter time.Duration // not OK: exactly when it would be; else zero
	Reset      time.Duration // until the oldest token in use comes back; zero: none is in use
	Local      bool          // counted by this process alone, against its share
	Stamp      int64         // of the token, for Refund
}

// Allow takes one token of what the API may accept. It always answers, at the
// latest when Redis has had its time: never an error, never closed, never
// unbounded.
func (l *Limiter) Allow(ctx context.Context, orgID int64, a job.Action, r job.Rate) Verdict {
	return l.one(ctx, orgID, a, r, 1)
}

// Peek says what Allow would, and takes nothing.
func (l *Limiter) Peek(ctx context.Context, orgID int64, a job.Action, r job.Rate) Verdict {
	return l.one(ctx, orgID, a, r, 0)
}

// PeekOut says how much of what may leave for the provider is in use, and takes
// nothing; false: this process does not know, because Redis or, right after a
// loss of its data, the ledger is away.
func (l *Limiter) PeekOut(ctx context.Context, orgID int64, a job.Action, r job.Rate) (used int, reset time.Duration, known bool) {
	if l.local.away.Load() {
		return 0, 0, false
	}
	c := &check{window: window{useOut, orgID, a}, length: r.Window, cap: r.N}
	l.queue.ask(ctx, l, c)
	l.seedAndAsk(ctx, unseeded([]*check{c}))
	if !c.answer.answered || c.answer.granted < 0 || c.answer.local {
		return 0, 0, false
	}
	return c.answer.used, micros(c.answer.wait), true
}

func (l *Limiter) one(ctx context.Context, orgID int64, a job.Action, r job.Rate, want int) Verdict {
	c := &check{window: window{useAPI, orgID, a}, length: r.Window, cap: r.N, want: want}
	for try := 0; !c.answer.answered && try < 2; try++ { // twice: Redis may come back in between
		if !l.local.away.Load() {
			l.queue.ask(ctx, l, c)
		}
		if !c.answer.answered {
			l.local.answer(c, try > 0)
		}
	}
	got := c.answer
	v := Verdict{
		OK: got.granted == 1 || want == 0 && got.wait == 0, Limit: r.N, Remaining: max(0, r.N-got.used),
		Reset: micros(got.back), Local: got.local, Stamp: got.stamp,
	}
	if !v.OK {
		v.RetryAfter = micros(got.wait)
	}
	if want > 0 {
		l.metrics.count(got)
	}
	return v
}

// Refund gives the token of a verdict back: what it was for did not happen.
func (l *Limiter) Refund(ctx context.Context, orgID int64, a job.Action, v Verdict) {
	if v.OK {
		l.giveBack(ctx, []returned{{window{useAPI, orgID, a}, v.Stamp, 1}})
	}
}

// queue collects the checks that come while others are under way, so that one
// round trip and one run of the script serve them all: nobody waits for
// company, and the more come at once the less each one costs.
type queue struct {
	mu      sync.Mutex
	waiting []*batch
	flying  bool
	wg      sync.WaitGroup
}

type batch struct {
	checks []*check
	done   chan struct{}
}

// ask returns when Redis has answered the check or failed to. It does not end
// with ctx: it is bounded, and the check may be counted already.
func (q *queue) ask(ctx context.Context, l *Limiter, c *check) {
	q.mu.Lock()
	if n := len(q.waiting); n == 0 || len(q.waiting[n-1].checks) == mostChecks {
		q.waiting = append(q.waiting, &batch{done: make(chan struct{})})
	}
	b := q.waiting[len(q.waiting)-1]
	b.checks = append(b.checks, c)
	if !q.flying {
		q.flying = true
		ctx = context.WithoutCancel(ctx)
		q.wg.Go(func() { q.fly(ctx, l) })
	}
	q.mu.Unlock()
	<-b.done
}

// fly carries batches until none waits.
func (q *queue) fly(ctx context.Context, l *Limiter) {
	for {
		q.mu.Lock()
		if len(q.waiting) == 0 {
			q.flying = false
			q.mu.Unlock()
			return
		}
		b := q.waiting[0]
		q.waiting = q.waiting[1:]
		q.mu.Unlock()
		if !l.local.away.Load() { // it may have failed meanwhile: then nobody waits again
			l.note(l.ask(ctx, b.checks))
		}
		close(b.done)
	}
}

func (q *queue) drain() { q.wg.Wait() }
