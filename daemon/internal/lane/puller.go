package lane

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	idleWait   = 500 * time.Millisecond
	outageWait = 200 * time.Millisecond
)

// puller is the Redis client that asynq's Servers get. It stands between them and
// Redis in three places:
//
//   - A Server asks for one copy per round trip and sleeps when there is none.
//     Here several are fetched at once while there is work, as many as can begin
//     here (basket), and an empty queue is waited for: until a wake-up, or half a
//     second.
//   - Acks of many jobs travel together.
//   - asynq hands its syncer an ack with a context that is cancelled already, so
//     a failed ack could never be repeated: the cancellation is taken off.
type puller struct {
	redis.UniversalClient // what is asked at once travels together

	direct  redis.UniversalClient
	basket  *basket
	bells   *bells
	done    <-chan struct{}
	breaker *breaker
	resting *atomic.Bool // nothing is pulled
}

// EvalSha runs a script of asynq's.
func (p *puller) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	if queue, ok := dequeues(keys); ok {
		return p.dequeue(ctx, queue, redis.NewCmd(ctx, evalArgs(sha, keys, args)...))
	}
	return p.UniversalClient.EvalSha(context.WithoutCancel(ctx), sha, keys, args...)
}

// Eval runs a script that the server does not know yet. asynq asks for it where
// EvalSha failed.
func (p *puller) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return p.direct.Eval(context.WithoutCancel(ctx), script, keys, args...)
}

func evalArgs(sha string, keys []string, args []any) []any {
	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, "evalsha", sha, len(keys))
	for _, k := range keys {
		all = append(all, k)
	}
	return append(all, args...)
}

// dequeue answers with a copy that is here already, or asks for more.
func (p *puller) dequeue(ctx context.Context, queue string, cmd *redis.Cmd) *redis.Cmd {
	if held := p.basket.take(queue); held != nil {
		return held
	}
	if p.resting.Load() {
		p.wait(ctx, nil, outageWait)
		cmd.SetErr(redis.Nil) // as if there were nothing
		return cmd
	}
	bell := p.bells.of(queue) // before the first look: a wake-up in between is not lost
	began := time.Now()
	got := p.fetch(ctx, queue, cmd)
	switch err := got.Err(); {
	case errors.Is(err, redis.Nil):
		p.breaker.note(nil, time.Since(began))
		if p.wait(ctx, bell, idleWait) && !p.resting.Load() {
			return p.fetch(ctx, queue, cmd)
		}
	case err != nil && !strings.HasPrefix(err.Error(), "NOSCRIPT"):
		p.breaker.note(err, time.Since(began))
		p.wait(ctx, nil, outageWait) // asynq would try again at once
	}
	return got
}

// fetch asks for as many copies as the basket has room for, in one round trip,
// and answers with the first.
func (p *puller) fetch(ctx context.Context, queue string, cmd *redis.Cmd) *redis.Cmd {
	n := p.basket.begin(queue)
	all := make([]*redis.Cmd, n)
	pipe := p.direct.Pipeline()
	for i := range all {
		all[i] = redis.NewCmd(ctx, cmd.Args()...)
		_ = pipe.Process(ctx, all[i]) // it is only queued here
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	return p.basket.put(queue, all)
}

// wait returns true when the bell rang.
func (p *puller) wait(ctx context.Context, bell <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-bell:
		return true
	case <-t.C:
	case <-ctx.Done():
	case <-p.done:
	}
	return false
}

// dequeues recognises asynq's dequeue script by its keys: pending, paused,
// active, lease of one queue.
func dequeues(keys []string) (queue string, ok bool) {
	if len(keys) != 4 || !strings.HasSuffix(keys[0], "}:pending") || !strings.HasSuffix(keys[1], "}:paused") {
		return "", false
	}
	return strings.TrimSuffix(strings.TrimPrefix(keys[0], "asynq:{"), "}:pending"), true
}
