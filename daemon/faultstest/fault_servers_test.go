package faultstest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// killRedis: back after 0 to 3 seconds, with nothing in it.
func (r *rig) killRedis(ctx context.Context, dice *rand.Rand) (recovery, error) {
	if err := r.stack.KillRedis(ctx); err != nil {
		return nil, err
	}
	rec, err := r.unfinished(ctx)
	wait(ctx, between(dice, 0, 3*time.Second))
	return rec, errors.Join(err, r.stack.StartRedis(context.WithoutCancel(ctx)))
}

func (r *rig) flushRedis(ctx context.Context, _ *rand.Rand) (recovery, error) {
	err := r.withRedis(func(c *redis.Client) error { return c.FlushAll(ctx).Err() })
	if err != nil {
		return nil, err
	}
	return r.unfinished(ctx)
}

// loseLeases makes asynq forget who works on what: the lease keys are gone, as
// after an eviction, or all leases have run out, as a worker sees it whose clock
// is minutes ahead (asynq's leases go by each worker's own clock).
func (r *rig) loseLeases(ctx context.Context, dice *rand.Rand) (recovery, error) {
	gone := dice.IntN(2) == 0
	err := r.withRedis(func(c *redis.Client) error {
		keys, err := c.Keys(ctx, "asynq:*:lease").Result()
		if err != nil || len(keys) == 0 {
			return err
		}
		if gone {
			return c.Del(ctx, keys...).Err()
		}
		for _, key := range keys {
			members, err := c.ZRange(ctx, key, 0, -1).Result()
			if err != nil {
				return err
			}
			for _, m := range members {
				if err := c.ZAddXX(ctx, key, redis.Z{Score: float64(time.Now().Add(-2 * time.Minute).Unix()), Member: m}).Err(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.unfinished(ctx)
}

// crashPostgres cuts everybody off in the middle, as pg_ctl -m immediate does,
// and starts it again after 0 to 3 seconds. What counts is from its start on.
func (r *rig) crashPostgres(ctx context.Context, dice *rand.Rand) (recovery, error) {
	if err := r.stack.KillPostgres(ctx); err != nil {
		return nil, err
	}
	wait(ctx, between(dice, 0, 3*time.Second))
	at := time.Now()
	if err := r.stack.StartPostgres(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	return r.written(at), nil
}

// freezeWrites makes PostgreSQL refuse every write for some seconds, as one
// does that has been demoted.
func (r *rig) freezeWrites(ctx context.Context, dice *rand.Rand) (recovery, error) {
	if err := r.setReadOnly(ctx, true); err != nil {
		return nil, err
	}
	return r.thaw(ctx, between(dice, 2*time.Second, 8*time.Second))
}

// demote is the same for longer than workers may be silent: nobody may be
// declared dead for it.
func (r *rig) demote(ctx context.Context, _ *rand.Rand) (recovery, error) {
	if err := r.setReadOnly(ctx, true); err != nil {
		return nil, err
	}
	return r.thaw(ctx, 20*time.Second)
}

func (r *rig) thaw(ctx context.Context, after time.Duration) (recovery, error) {
	wait(ctx, after)
	if err := r.setReadOnly(context.WithoutCancel(ctx), false); err != nil {
		return nil, err
	}
	return r.written(time.Now()), nil
}

func (r *rig) setReadOnly(ctx context.Context, on bool) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	return untilDone(ctx, func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, r.stack.DatabaseURL)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		if _, err = conn.Exec(ctx, `ALTER SYSTEM SET default_transaction_read_only = `+strconv.FormatBool(on)); err != nil {
			return fmt.Errorf("set read-only %t: %w", on, err)
		}
		_, err = conn.Exec(ctx, `SELECT pg_reload_conf()`)
		return err
	})
}

func (r *rig) withRedis(use func(*redis.Client) error) error {
	options, err := redis.ParseURL(r.stack.RedisURL)
	if err != nil {
		return err
	}
	options.PoolSize, options.DisableIdentity = 1, true
	c := redis.NewClient(options)
	return errors.Join(use(c), c.Close())
}
