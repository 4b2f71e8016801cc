package stacktest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"

	"github.com/redis/go-redis/v9"
)

const (
	redisDatabases = 1024           // of the servers devstack starts
	redisCounter   = "stacktest:db" // in database 0: the last number given out
)

// Redis returns the URL of an empty Redis database of the test's own; it is
// emptied again at the test's end. Only keys are apart: FLUSHALL, pub/sub
// channels and CLIENT commands reach the other tests on the server.
func Redis(tb testing.TB) string {
	tb.Helper()
	s := shared.get(tb)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), patience)
	defer cancel()
	number, err := nextDatabase(ctx, s.redisURL)
	if err != nil {
		tb.Fatalf("take a Redis database: %v", err)
	}
	own := numbered(s.redisURL, number)
	if err := flush(ctx, own); err != nil {
		tb.Fatalf("empty Redis database: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := flush(ctx, own); err != nil {
			tb.Errorf("empty Redis database: %v", err)
		}
	})
	return own
}

// nextDatabase counts through 1..1023; database 0 holds the counter.
func nextDatabase(ctx context.Context, server string) (int64, error) {
	var n int64
	err := withRedis(server, func(c *redis.Client) (err error) {
		n, err = c.Incr(ctx, redisCounter).Result()
		return err
	})
	return 1 + n%(redisDatabases-1), err
}

func flush(ctx context.Context, server string) error {
	return withRedis(server, func(c *redis.Client) error { return c.FlushDB(ctx).Err() })
}

func withRedis(server string, use func(*redis.Client) error) error {
	options, err := redis.ParseURL(server)
	if err != nil {
		return err
	}
	options.PoolSize, options.DisableIdentity = 1, true
	client := redis.NewClient(options)
	return errors.Join(use(client), client.Close())
}

// numbered returns the server's URL with another database number.
func numbered(server string, number int64) string {
	u, err := url.Parse(server)
	if err != nil {
		return server // go-redis has parsed it before us
	}
	u.Path = fmt.Sprintf("/%d", number)
	return u.String()
}
