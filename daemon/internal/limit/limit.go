// Package limit counts what orgs do against their limits: a sliding window in
// Redis that never lets more than N through in any stretch of the window's
// length, and one in this process while Redis is away. It owns the counting; it
// refuses to know which limit an org has (control does) and what happens to
// what is over it (httpapi and dispatch do).
//
// Every limit is counted twice, in windows of their own: `api` is what the
// public API accepts (Allow), `out` is what leaves for the provider (Take).
//
//   - One script asks for any number of windows in one round trip, at one moment
//     of Redis' own clock. Checks that come while another is under way travel
//     together in the next one.
//   - A window keeps the stamps of its tokens for an hour, so that a limit of
//     another number or length is exact at once, both ways.
//   - An emptied Redis (or one that came back from an older file, or a replica
//     that took over) is a new data set: every `out` window younger than its own
//     length is first filled with what the ledger knows to have started. `api`
//     windows begin empty.
//   - Without Redis a process counts by itself: its share is the limit, less
//     what the ledger knows of other starts, divided by the live processes and
//     rounded down, so that all shares together stay within the limit. Only
//     where the limit is smaller than the number of processes each may do one:
//     never closed comes first. What it gave is carried over to Redis after.
package limit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Seeder knows which jobs have started: it returns, per span, the time of every
// start within it, in any order, those under way included.
type Seeder interface {
	Starts(ctx context.Context, spans []job.Span) (map[job.Span][]time.Time, error)
}

// Options are what a Limiter needs. Only the Logger is required.
type Options struct {
	Address      Address                    // none: every window is in this process
	Seeder       Seeder                     // nil: nothing has started before
	Processes    func() (apis, workers int) // alive, this one included; nil: one of each
	ChannelRates map[job.Queue]job.Rate     // per number or account; nil: WhatsApp 80 per second, Instagram 300
	PairInterval time.Duration              // between two messages to one customer, WhatsApp only; zero: 6 s
	PairBurst    int                        // messages that may come at once; zero: 5
	Logger       *slog.Logger
	Registerer   prometheus.Registerer // nil: metrics are kept but not exposed
	Now          func() time.Time      // for the local windows; nil: time.Now

	patience time.Duration // of one round trip to Redis; tests only
}

const (
	callTimeout = 150 * time.Millisecond // of one round trip to Redis; then this process counts by itself
	seedTimeout = 2 * time.Second        // for the ledger's answer
	restAfter   = time.Second            // how long a failed Redis is left alone

	// settle is how long after the birth of a data set nothing is given: tokens
	// of before get into the ledger within it, where seeding finds them.
	settle = 200 * time.Millisecond

	// longest is how long stamps are kept: no limit looks back further.
	longest = time.Hour

	// seedAgain is when to ask again if the ledger does not answer. Without it
	// nothing can be sent anyway.
	seedAgain = 250 * time.Millisecond
)

// Limiter is safe for concurrent use.
type Limiter struct {
	o       Options
	client  redis.UniversalClient // nil: no Redis configured
	scripts scripts
	metrics *metrics
	local   *local
	queue   queue           // of checks that wait for their round trip
	closed  context.Context //nolint:containedctx // the life of the goroutine that waits for Redis
	close   context.CancelFunc
	wg      sync.WaitGroup

	failures atomic.Int64 // of Redis, in a row

	testNow string // instead of Redis' clock, in microseconds
}

// New prepares the client; it does not connect, because Redis may be away and
// come later.
func New(o Options) (*Limiter, error) {
	if o.Logger == nil {
		return nil, errors.New("limit: Logger is required")
	}
	o = o.filled()
	l := &Limiter{o: o, scripts: newScripts(), metrics: newMetrics(o.Registerer), local: newLocal(o)}
	l.closed, l.close = context.WithCancel(context.Background())
	if len(o.Address.Addrs) == 0 {
		l.local.away.Store(true)
		l.metrics.local.Set(1)
		return l, nil
	}
	options := o.Address.options(o.patience)
	options.OnConnect = l.recognise
	l.client = redis.NewUniversalClient(options)
	return l, nil
}

func (o Options) filled() Options {
	if o.Processes == nil {
		o.Processes = func() (int, int) { return 1, 1 }
	}
	if o.ChannelRates == nil {
		o.ChannelRates = map[job.Queue]job.Rate{job.WhatsApp: {N: 80, Window: time.Second}, job.Instagram: {N: 300, Window: time.Second}}
	}
	if o.PairInterval == 0 {
		o.PairInterval = 6 * time.Second
	}
	if o.PairBurst == 0 {
		o.PairBurst = 5
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.patience == 0 {
		o.patience = callTimeout
	}
	return o
}

// Open begins the data set, if it is new, so that the first Take need not wait
// for it to settle. It is optional.
func (l *Limiter) Open(ctx context.Context) {
	if !l.local.away.Load() {
		l.note(l.ask(ctx, []*check{{window: window{use: useOut}, length: longest}}))
	}
}

// Close ends the connections. Checks under way end within their time.
func (l *Limiter) Close() error {
	l.close()
	l.queue.drain()
	l.wg.Wait()
	if l.client == nil {
		return nil
	}
	return l.client.Close()
}
