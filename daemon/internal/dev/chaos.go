package dev

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// redisAway is how long Redis stays down when it is killed on purpose.
const redisAway = 2 * time.Second

// mishap is something that goes wrong at a moment of the play.
type mishap struct {
	at time.Duration
	do func(ctx context.Context) error
}

// mishaps returns what the options ask for, in order of time: worker kills
// spread evenly over the play, the Redis restart in its middle.
func (s *stage) mishaps() []mishap {
	var all []mishap
	workers := s.fleet.workers()
	for i, at := range spread(s.options.For, s.options.KillWorkers) {
		victim := workers[i%len(workers)]
		all = append(all, mishap{at, func(ctx context.Context) error {
			s.say("killing %s (process %d) with -9", victim.name, victim.pid())
			return victim.kill(ctx)
		}})
	}
	if s.options.RestartRedis {
		all = append(all, mishap{s.options.For / 2, s.loseRedis})
	}
	slices.SortStableFunc(all, func(a, b mishap) int { return int(a.at - b.at) })
	return all
}

// spread returns n moments that cut whole into n+1 equal parts.
func spread(whole time.Duration, n int) []time.Duration {
	var at []time.Duration
	for i := range n {
		at = append(at, whole*time.Duration(i+1)/time.Duration(n+1))
	}
	return at
}

func (s *stage) loseRedis(ctx context.Context) error {
	s.say("killing redis for %s", redisAway)
	if err := s.stack.KillRedis(ctx); err != nil {
		return fmt.Errorf("restart redis: %w", err)
	}
	wait(ctx, redisAway)
	if err := s.stack.StartRedis(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("restart redis: %w", err)
	}
	return s.board.refresh()
}

// befall lets the mishaps happen until ctx ends.
func befall(ctx context.Context, all []mishap) error {
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
