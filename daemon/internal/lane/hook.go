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
	ackTimeout = 5 * time.Second
)

// hook sits between asynq's Servers and go-redis. It turns polling into
// waiting: an empty dequeue waits for a wake-up (or half a second) and tries
// once more. And it repairs acks: asynq hands its syncer an ack with a context
// that is cancelled already, so a failed ack could never be repeated.
type hook struct {
	bells   *bells
	done    <-chan struct{}
	breaker *breaker
	resting *atomic.Bool // nothing is pulled
}

func (h *hook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if errors.Is(ctx.Err(), context.Canceled) {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), ackTimeout)
			defer cancel()
		}
		queue, ok := dequeues(cmd)
		if !ok {
			return next(ctx, cmd)
		}
		return h.dequeue(ctx, cmd, queue, next)
	}
}

func (h *hook) dequeue(ctx context.Context, cmd redis.Cmder, queue string, next redis.ProcessHook) error {
	if h.resting.Load() {
		h.wait(ctx, nil, outageWait)
		cmd.SetErr(redis.Nil) // as if there were nothing
		return redis.Nil
	}
	bell := h.bells.of(queue) // before the first look: a wake-up in between is not lost
	began := time.Now()
	err := next(ctx, cmd)
	switch {
	case errors.Is(err, redis.Nil):
		h.breaker.note(nil, time.Since(began))
		if !h.wait(ctx, bell, idleWait) || h.resting.Load() {
			return err
		}
		cmd.SetErr(nil)
		return next(ctx, cmd)
	case err != nil && !strings.HasPrefix(err.Error(), "NOSCRIPT"):
		h.breaker.note(err, time.Since(began))
		h.wait(ctx, nil, outageWait) // asynq would try again at once
	}
	return err
}

// wait returns true when the bell rang.
func (h *hook) wait(ctx context.Context, bell <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-bell:
		return true
	case <-t.C:
	case <-ctx.Done():
	case <-h.done:
	}
	return false
}

// dequeues recognises asynq's dequeue script by its keys: pending, paused,
// active, lease of one queue.
func dequeues(cmd redis.Cmder) (queue string, ok bool) {
	if name := cmd.Name(); name != "evalsha" && name != "eval" {
		return "", false
	}
	args := cmd.Args()
	if len(args) < 7 {
		return "", false
	}
	pending, ok1 := args[3].(string)
	paused, ok2 := args[4].(string)
	if !ok1 || !ok2 || !strings.HasSuffix(pending, "}:pending") || !strings.HasSuffix(paused, "}:paused") {
		return "", false
	}
	return strings.TrimSuffix(strings.TrimPrefix(pending, "asynq:{"), "}:pending"), true
}
