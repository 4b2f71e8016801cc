package limit_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/limit"
)

const (
	benchCallers = 64
	benchOrgs    = 500
)

// BenchmarkCheck compares a check with the least that a call of a script can
// cost, through the same client, in the same run, each with 64 callers over 500
// orgs.
func BenchmarkCheck(b *testing.B) {
	at := address(b, stacktest.Redis(b))
	l := start(b, limit.Patient(limit.Options{Address: at}))
	rate := job.Rate{N: 1_000_000, Window: job.DefaultRate(job.ActionSendText).Window}
	one := redis.NewScript(`return 1`)
	wide := redis.NewClient(&redis.Options{Addr: at.Addrs[0], DB: at.DB, PoolSize: benchCallers})
	b.Cleanup(func() { require.NoError(b, wide.Close()) })
	for name, call := range map[string]func(ctx context.Context, org int64) error{
		"Bare":     func(ctx context.Context, _ int64) error { return one.Run(ctx, l.Client(), []string{"x"}).Err() },
		"BareWide": func(ctx context.Context, _ int64) error { return one.Run(ctx, wide, []string{"x"}).Err() },
		"Raw":      func(ctx context.Context, org int64) error { return l.AllowRaw(ctx, org, job.ActionSendText, rate) },
		"RawDenied": func(ctx context.Context, org int64) error {
			return l.AllowRaw(ctx, org, job.ActionRetry, perMinute(60))
		},
		"Allow": func(ctx context.Context, org int64) error {
			l.Allow(ctx, org, job.ActionSendTemplate, rate)
			return nil
		},
		"AllowDenied": func(ctx context.Context, org int64) error {
			l.Allow(ctx, org, job.ActionAssign, perMinute(60))
			return nil
		},
	} {
		b.Run(name, func(b *testing.B) {
			var next atomic.Int64
			b.SetParallelism(benchCallers / 2) // GOMAXPROCS is 2 where this is measured
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := call(b.Context(), next.Add(1)%benchOrgs); err != nil {
						b.Error(err)
						return
					}
				}
			})
			require.False(b, l.Away())
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "checks/s")
		})
	}
}

// BenchmarkTake asks for tokens of 500 orgs at once, as a dispatcher does.
func BenchmarkTake(b *testing.B) {
	l := start(b, limit.Patient(limit.Options{Address: address(b, stacktest.Redis(b))}))
	wants := make([]job.Want, benchOrgs)
	for i := range wants {
		wants[i] = want(int64(i), job.Rate{N: 1_000_000, Window: limit.Longest}, 4)[0]
	}
	for b.Loop() {
		l.Take(b.Context(), wants)
	}
}
