package lane

import (
	"context"
	"time"
)

const (
	watchEvery = time.Second
	pingTime   = 500 * time.Millisecond
)

// watch asks a Redis that was given up whether it is back: without traffic
// nobody else would. Once it answers, it also looks whether Redis is set up to
// keep what it is given.
func (r *Redis) watch(ctx context.Context) {
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	checked := false
	for {
		if r.breaker.isOpen() || !checked {
			turn, cancel := context.WithTimeout(ctx, pingTime)
			if err := r.Ping(turn); err == nil && !checked {
				checked = r.checkPolicy(turn)
			}
			cancel()
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// checkPolicy warns of a Redis that may drop keys by itself: asynq's own
// bookkeeping does not survive that, and every loss costs a recall. It returns
// false if it has to be asked again; a server that does not tell is left alone.
func (r *Redis) checkPolicy(ctx context.Context) bool {
	policy, err := r.client.ConfigGet(ctx, "maxmemory-policy").Result()
	switch p := policy["maxmemory-policy"]; {
	case err != nil && ctx.Err() != nil:
		return false
	case err != nil || p == "":
		r.o.Logger.InfoContext(ctx, "redis does not tell its maxmemory-policy; it should be noeviction")
	case p != "noeviction":
		r.evicts.Set(1)
		r.o.Logger.WarnContext(ctx, "redis may evict keys: set maxmemory-policy noeviction, or jobs on their way get lost and are recalled late",
			"maxmemory_policy", p)
	}
	return true
}
