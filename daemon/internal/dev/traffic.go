package dev

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const bulkShare = 0.05 // templates in bulk, per inbound message

// traffic lets customers write and agents answer and, beside it, does what the
// options ask for.
func (r *run) traffic(ctx context.Context) error {
	since, err := r.baseline(ctx)
	if err != nil {
		return fmt.Errorf("mark the begin: %w", err)
	}
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	agents := newAgents(r.api, r.journal)
	active, end := context.WithCancel(ctx)
	defer end()
	if r.options.For > 0 {
		active, end = context.WithTimeout(active, r.options.For)
		defer end()
	}
	var side sync.WaitGroup
	var frontErr, faultErr error
	began := time.Now()
	side.Go(func() { faultErr = inject(active, r.faults()) })
	if len(r.options.Front) > 0 {
		side.Go(func() {
			defer end()
			frontErr = r.front(active)
		})
	}
	r.converse(active, work, agents)
	lasted := time.Since(began)
	side.Wait()
	if !r.options.reports() {
		stopWork()
		agents.finish()
		r.say("stopped after %s; with --report FILE it waits for what is under way and says what became of every message", lasted.Round(time.Second))
		r.journal.summary(r.say)
		return errors.Join(frontErr, faultErr)
	}
	return errors.Join(frontErr, faultErr, r.finish(context.WithoutCancel(ctx), since, lasted, agents, stopWork))
}

// converse runs customers, who write through the simulator, and agents, who
// answer over the public API, until ctx ends. Agents keep working on what they
// were given until work ends.
func (r *run) converse(ctx, work context.Context, agents *agents) {
	answered, bulk := newWorkload(r.options.Seed, r.orgs), newWorkload(r.options.Seed+1, r.orgs)
	var running sync.WaitGroup
	running.Go(func() {
		pace(ctx, r.options.Rate, func(i int) {
			from := answered.customer()
			if _, err := r.sim.Inbound(from.channel.account.ID, from.contact, question(i)); err != nil {
				r.options.Logger.ErrorContext(ctx, "customer cannot write", "error", err)
				return
			}
			agents.give(work, answered.answer(i, from))
		})
	})
	running.Go(func() {
		pace(ctx, r.options.Rate*bulkShare, func(int) { agents.give(work, bulk.bulk()) })
	})
	running.Wait()
}

// pace calls do(0), do(1) ... on a fixed schedule, rate times per second, until
// ctx ends. The schedule does not wait for anybody: when do was slow, what is
// due is caught up at once. It returns the number of calls.
func pace(ctx context.Context, rate float64, do func(i int)) int {
	if rate <= 0 {
		<-ctx.Done()
		return 0
	}
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := 0; ; i++ {
		due := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return i
		}
		if ctx.Err() != nil {
			return i // both were ready
		}
		do(i)
	}
}

// wait returns after d, false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
