package limit

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// SetClock makes the scripts take this moment (microseconds) for now.
func (l *Limiter) SetClock(us int64) { l.testNow = strconv.FormatInt(us, 10) }

// Patient returns the options of a Limiter that waits for a slow Redis.
func Patient(o Options) Options {
	o.patience = time.Minute
	return o
}

// Client is the connection to Redis, for benchmarks beside the Limiter.
func (l *Limiter) Client() redis.UniversalClient { return l.client }

// Away reports whether the windows are in this process.
func (l *Limiter) Away() bool { return l.local.away.Load() }

// AllowRaw asks Redis for one token in a round trip of its own.
func (l *Limiter) AllowRaw(ctx context.Context, orgID int64, a job.Action, r job.Rate) error {
	return l.ask(ctx, []*check{{window: window{useAPI, orgID, a}, length: r.Window, cap: r.N, want: 1}})
}

// Longest is how long stamps are kept.
const Longest = longest

// Settle is how long nothing is given after the birth of a data set.
const Settle = settle
