package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/bandeja/inboxd/daemon/bench/internal/rig"
)

// Asynq is hibiken/asynq by itself: everything is in Redis only.
type Asynq struct {
	Servers int // 1: as its README starts one; more share one auto-pipelined client

	client  redis.UniversalClient
	plain   *redis.Client
	tasks   *asynq.Client
	running []*asynq.Server
}

// Facts implements Peer.
func (a *Asynq) Facts() Facts {
	f := Facts{
		Name: "asynq", Version: moduleVersion("github.com/hibiken/asynq"), Settings: "one Server, concurrency 200, 16 callers of Enqueue",
		Crash: "Redis lost (no AOF here): every job lost. Worker lost: its jobs wait 60 to 120 s, then run again.",
	}
	if a.Servers > 1 {
		f.Name = "asynq tuned"
		f.Settings = fmt.Sprintf("%d Servers and 128 callers of Enqueue share one auto-pipelined client, check interval 1 ms", a.Servers)
	}
	return f
}

const asynqConcurrency = 200

// Start implements Peer.
func (a *Asynq) Start(_ context.Context, s *rig.Servers, t *Tally) error {
	o := *s.Redis
	o.PoolSize = 64
	a.plain = redis.NewClient(&o)
	a.client = a.plain
	config := asynq.Config{Concurrency: asynqConcurrency, LogLevel: asynq.FatalLevel}
	if a.Servers > 1 {
		piped, err := a.plain.AutoPipeline()
		if err != nil {
			return err
		}
		a.client = piped
		config.TaskCheckInterval, config.Concurrency = time.Millisecond, asynqConcurrency/a.Servers
	}
	a.tasks = asynq.NewClientFromRedisClient(a.client)
	for range max(1, a.Servers) {
		server := asynq.NewServerFromRedisClient(a.client, config)
		err := server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
			var p payload
			err := json.Unmarshal(task.Payload(), &p)
			t.Ran(p.At)
			return err
		}))
		if err != nil {
			return err
		}
		a.running = append(a.running, server)
	}
	return nil
}

// Feed implements Peer.
func (a *Asynq) Feed(ctx context.Context, n int) error {
	callers := 16
	if a.Servers > 1 {
		callers = 128
	}
	return spread(callers, n, func() error { return a.enqueue(ctx, 0) })
}

// Send implements Peer.
func (a *Asynq) Send(ctx context.Context, at time.Time) error { return a.enqueue(ctx, at.UnixNano()) }

func (a *Asynq) enqueue(ctx context.Context, at int64) error {
	_, err := a.tasks.EnqueueContext(ctx, asynq.NewTask("noop", payload{at}.encode()))
	return err
}

// Settled implements Peer.
func (a *Asynq) Settled(ctx context.Context) (bool, error) {
	return redisEmpty(ctx, a.plain, "asynq:{default}:pending", "asynq:{default}:active")
}

// redisEmpty reports whether all these lists are empty.
func redisEmpty(ctx context.Context, client *redis.Client, lists ...string) (bool, error) {
	for _, key := range lists {
		if n, err := client.LLen(ctx, key).Result(); err != nil || n > 0 {
			return false, err
		}
	}
	return true, nil
}

// PIDs implements Peer.
func (a *Asynq) PIDs() []int { return nil }

// Stop implements Peer.
func (a *Asynq) Stop(context.Context) error {
	var wg sync.WaitGroup
	for _, s := range a.running {
		wg.Go(s.Shutdown)
	}
	wg.Wait()
	return a.plain.Close()
}
