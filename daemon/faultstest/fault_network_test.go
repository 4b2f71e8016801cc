package faultstest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/devstack/proxy"
)

// anyone draws a process.
func (r *rig) anyone(dice *rand.Rand) *process {
	all := r.processes()
	return all[dice.IntN(len(all))]
}

func (r *rig) silenceRedis(ctx context.Context, dice *rand.Rand) (recovery, error) {
	return r.silence(ctx, r.anyone(dice).redis, between(dice, time.Second, 7*time.Second))
}

func (r *rig) silencePostgres(ctx context.Context, dice *rand.Rand) (recovery, error) {
	return r.silence(ctx, r.anyone(dice).postgres, between(dice, time.Second, 7*time.Second))
}

// cutOff is long enough for others to declare the worker dead while it runs: it
// must have fallen silent towards Meta before.
func (r *rig) cutOff(ctx context.Context, dice *rand.Rand) (recovery, error) {
	p := r.workers[dice.IntN(len(r.workers))]
	if _, _, err := p.alive(ctx); err != nil {
		return nil, err
	}
	return r.silence(ctx, p.postgres, between(dice, 22*time.Second, 35*time.Second))
}

// silence swallows everything on a way for d.
func (r *rig) silence(ctx context.Context, way *proxy.Proxy, d time.Duration) (recovery, error) {
	way.BlackHole()
	wait(ctx, d)
	way.Pass()
	return r.unfinished(ctx)
}

// slowDown delays every piece on both ways of one process.
func (r *rig) slowDown(ctx context.Context, dice *rand.Rand) (recovery, error) {
	p, d := r.anyone(dice), between(dice, 50*time.Millisecond, 2*time.Second)
	p.postgres.Delay(d)
	p.redis.Delay(d)
	wait(ctx, between(dice, 3*time.Second, 8*time.Second))
	p.postgres.Pass()
	p.redis.Pass()
	return r.unfinished(ctx)
}

// losePostgresReply is the commit whose outcome its author cannot know.
func (r *rig) losePostgresReply(ctx context.Context, dice *rand.Rand) (recovery, error) {
	return r.loseReply(ctx, r.anyone(dice).postgres, 300)
}

func (r *rig) loseRedisReply(ctx context.Context, dice *rand.Rand) (recovery, error) {
	return r.loseReply(ctx, r.workers[dice.IntN(len(r.workers))].redis, 40)
}

// loseReply lets the next request of at least size bytes reach the server and
// loses its answer.
func (r *rig) loseReply(ctx context.Context, way *proxy.Proxy, size int) (recovery, error) {
	happened := way.DropReply(func(piece []byte) bool { return len(piece) >= size })
	bounded, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	select {
	case <-happened:
	case <-bounded.Done():
		return nil, fmt.Errorf("no request came by: %w", bounded.Err())
	}
	return r.unfinished(ctx)
}
