package limit

import (
	"context"
	"errors"
	"time"
)

// note takes the outcome of a call to Redis and returns whether it went well.
// After the second failure in a row this process counts by itself, so that only
// the calls under way have waited; a goroutine of its own looks when Redis is
// back. One slow answer is asked for once more: while the others still count in
// Redis, a share of our own comes on top.
func (l *Limiter) note(err error) bool {
	if err == nil {
		l.failures.Store(0)
		return true
	}
	if l.failures.Add(1) < 2 || l.closed.Err() != nil || !l.local.away.CompareAndSwap(false, true) {
		return false
	}
	l.metrics.local.Set(1)
	l.o.Logger.Warn("redis does not answer; limits are counted in this process", "error", err)
	l.wg.Go(l.comeBack)
	return false
}

// comeBack tries Redis once in a while and returns to it, with all that was
// given meanwhile.
func (l *Limiter) comeBack() {
	t := time.NewTicker(restAfter)
	defer t.Stop()
	for {
		select {
		case <-l.closed.Done():
			return
		case <-t.C:
		}
		if err := l.carryOver(l.closed); err == nil {
			l.metrics.local.Set(0)
			l.o.Logger.Info("redis answers again; limits are counted there")
			return
		} else if !errors.Is(err, context.Canceled) {
			l.o.Logger.Debug("redis does not answer yet", "error", err)
		}
	}
}

// carryOver tells Redis of the tokens given here. Nothing is given locally
// meanwhile, and whoever waited for that goes to Redis afterwards.
func (l *Limiter) carryOver(ctx context.Context) error {
	ping, cancel := context.WithTimeout(ctx, l.o.patience)
	defer cancel()
	if err := l.client.Ping(ping).Err(); err != nil {
		return err
	}
	return l.local.handOver(func(given map[window]*ring) error {
		return l.pipelined(ctx, l.scripts.carry, func(run func(keys []string, args ...any)) {
			for w, r := range given {
				if len(r.own) == 0 {
					continue
				}
				key, book := w.keys()
				args := make([]any, 0, 4+len(r.own))
				args = append(args, l.testNow, longest.Microseconds(), r.length.Microseconds(), flag(w.ledgered()))
				for _, us := range r.own {
					args = append(args, us)
				}
				run([]string{birthKey, key, book}, args...)
			}
		})
	})
}
