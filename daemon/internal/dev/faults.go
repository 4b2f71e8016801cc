package dev

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// redisAway is how long Redis stays down when it is killed on purpose.
const redisAway = 2 * time.Second

// fault is something that is broken on purpose at a moment of the run.
type fault struct {
	at time.Duration
	do func(ctx context.Context) error
}

// faults returns what the options ask for, in order of time: worker kills
// evenly over the run, the Redis restart in its middle.
func (r *run) faults() []fault {
	var all []fault
	workers := r.children.workers()
	for i, at := range evenly(r.options.For, r.options.KillWorkers) {
		victim := workers[i%len(workers)]
		all = append(all, fault{at, func(ctx context.Context) error {
			r.say("killing %s (process %d) with -9", victim.name, victim.pid())
			return victim.kill(ctx)
		}})
	}
	if r.options.RestartRedis {
		all = append(all, fault{r.options.For / 2, r.restartRedis})
	}
	slices.SortStableFunc(all, func(a, b fault) int { return int(a.at - b.at) })
	return all
}

// evenly returns n moments that cut whole into n+1 equal parts.
func evenly(whole time.Duration, n int) []time.Duration {
	var at []time.Duration
	for i := range n {
		at = append(at, whole*time.Duration(i+1)/time.Duration(n+1))
	}
	return at
}

func (r *run) restartRedis(ctx context.Context) error {
	r.say("killing redis for %s", redisAway)
	if err := r.stack.KillRedis(ctx); err != nil {
		return fmt.Errorf("restart redis: %w", err)
	}
	wait(ctx, redisAway)
	if err := r.stack.StartRedis(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("restart redis: %w", err)
	}
	return r.manifest.refresh()
}

// inject makes the faults happen until ctx ends.
func inject(ctx context.Context, all []fault) error {
	began := time.Now()
	for _, m := range all {
		if !wait(ctx, m.at-time.Since(began)) {
			return nil
		}
		if err := m.do(ctx); err != nil {
			return err
		}
	}
	return nil
}
