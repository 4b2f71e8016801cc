package measure

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/limit"
	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/bandeja/inboxd/daemon/bench/internal/report"
)

const (
	bareScript     = "a bare script"
	ourLimiter     = "inboxd"
	limiterCallers = 64
)

// Limiter measures checks of limits beside the least that a script costs.
func Limiter(ctx context.Context, b *Bench) ([]*report.Table, error) {
	t := &report.Table{
		Name: "limits", Title: "Limits",
		Intro: fmt.Sprintf("Checks a second from %d callers, all granted. redis_rate counts by GCRA (approximate), ours is exact: never more than N in any rolling "+
			"window. Ours lets checks that come at once travel together; the others ask one by one, over %d connections.", limiterCallers, limiterCallers),
	}
	keys := []int{1, 10_000}
	for _, k := range keys {
		t.Columns = append(t.Columns, report.Column{Key: fmt.Sprint(k), Title: fmt.Sprintf("%d keys, checks/s", k)})
	}
	t.Columns[0].Title = "1 key, checks/s"
	s, err := b.Rig.Fresh(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close(ctx)
	o := *s.Redis
	o.PoolSize = limiterCallers
	client := redis.NewClient(&o)
	defer func() { _ = client.Close() }()
	ours, err := limit.New(limit.Options{Address: limit.Address{Addrs: []string{s.Redis.Addr}, DB: s.Redis.DB}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer func() { _ = ours.Close() }()
	checks := limiterChecks(client, ours)
	for range b.Plan.Rounds {
		for _, k := range keys {
			for _, c := range checks {
				rate, err := checksPerSecond(ctx, b.Plan.Checks, k, c.check)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", c.name, err)
				}
				t.Add(c.name, fmt.Sprint(k), rate)
				b.say("limits: %s, %d keys: %.0f checks/s", c.name, k, rate)
			}
		}
	}
	return []*report.Table{t}, nil
}

type limiterCheck struct {
	name  string
	check func(ctx context.Context, key int64) error
}

func limiterChecks(client *redis.Client, ours *limit.Limiter) []limiterCheck {
	bare, rate := redis.NewScript(`return 1`), redis_rate.NewLimiter(client)
	much := redis_rate.Limit{Rate: 10_000_000, Burst: 10_000_000, Period: time.Minute}
	return []limiterCheck{
		{bareScript, func(ctx context.Context, key int64) error {
			return bare.Run(ctx, client, []string{fmt.Sprint("bare:", key)}).Err()
		}},
		{ourLimiter, func(ctx context.Context, key int64) error {
			v := ours.Allow(ctx, key, job.ActionSendText, job.Rate{N: 10_000_000, Window: time.Minute})
			if v.Local || !v.OK {
				return fmt.Errorf("not counted by Redis: %+v", v)
			}
			return nil
		}},
		{"redis_rate", func(ctx context.Context, key int64) error {
			_, err := rate.Allow(ctx, fmt.Sprint("rate:", key), much)
			return err
		}},
	}
}

// checksPerSecond makes n checks, spread over so many keys. A few checks may go
// wrong, e.g. by a timeout on a busy machine; many mean that something else was
// measured.
func checksPerSecond(ctx context.Context, n, keys int, check func(context.Context, int64) error) (float64, error) {
	var next, failed atomic.Int64
	var g errgroup.Group
	began := time.Now()
	for range limiterCallers {
		g.Go(func() error {
			for i := next.Add(1); i <= int64(n) && ctx.Err() == nil; i = next.Add(1) {
				if err := check(ctx, i%int64(keys)); err != nil && failed.Add(1) > int64(n/100) {
					return err
				}
			}
			return ctx.Err()
		})
	}
	err := g.Wait()
	return float64(n) / time.Since(began).Seconds(), err
}
