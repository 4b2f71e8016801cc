// Package lane carries hand-outs to workers through Redis: the only place that
// knows asynq. A copy in Redis is a hint, "<job>.<epoch>" and no customer
// data; it may be lost, doubled or late, because the ledger's claim decides.
// asynq's retries, archive, schedule, pause and inspector are not used.
package lane

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Handler runs one copy. Nil: forget the copy. An error: bring it again.
type Handler func(ctx context.Context, q job.Queue, t job.Ticket) error

// Address says where Redis is: one server, or the sentinels of Master.
type Address struct {
	Addrs              []string // host:port
	Master             string   // empty: no sentinel
	Username, Password string
	DB                 int
	TLS                bool
}

// options: deadlines are short and honoured (ContextTimeoutEnabled), nothing is
// retried here: the ledger repeats what is lost.
func (a Address) options() *redis.UniversalOptions {
	o := &redis.UniversalOptions{
		Addrs: a.Addrs, MasterName: a.Master, Username: a.Username, Password: a.Password, DB: a.DB,
		ContextTimeoutEnabled: true, DialTimeout: 300 * time.Millisecond, ReadTimeout: 500 * time.Millisecond,
		WriteTimeout: 500 * time.Millisecond, MaxRetries: -1, DialerRetries: 1, PoolSize: 32,
	}
	if a.TLS {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return o
}

// hasty is for pipelines: a caller waits for the one before and its own, and must
// hear of a Redis that has gone in time for the breaker.
func (a Address) hasty() *redis.UniversalOptions {
	o := a.options()
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = enqueueTimeout, enqueueTimeout, enqueueTimeout
	return o
}

// Options are what the lane needs; all are required but Free and
// Registerer.
type Options struct {
	Address    Address
	Queues     []job.Queue
	Slots      func(job.Queue) int // copies this process may hold at once
	Free       func(job.Queue) int // slots that could begin a copy now; nil: one
	Breaker    BreakerOptions
	Handler    Handler
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

const (
	taskType       = "job"
	redeliveries   = 100 // asynq's retries only ever redeliver an unclaimed or unacked copy
	timeoutMargin  = 2 * time.Minute
	enqueueTimeout = 300 * time.Millisecond
	enqueuers      = 256 // what they ask at once travels together
	few            = 4   // copies that do not wait for each other: a pipeline takes twice as long to come back
	wakeChannel    = "inboxd:wake"
	generationKey  = "inboxd:gen"
)

var errResting = errors.New("lane: redis has just failed and is left alone")

// Redis is the redis lane of one process. Safe for concurrent use.
type Redis struct {
	o       Options
	client  redis.UniversalClient // short deadlines, no retries
	basket  *basket
	shared  redis.UniversalClient // behind piped: one call carries those of many
	piped   redis.UniversalClient // what is asked at once travels together; it has no deadlines but shared's
	one     *asynq.Client         // by client: a few copies, each by itself, are there sooner
	many    *asynq.Client         // by piped: each costs less
	bells   *bells
	breaker *breaker
	evicts  prometheus.Gauge
	servers []*asynq.Server
	resting atomic.Bool
	stop    context.CancelFunc
	wg      sync.WaitGroup
}

// New prepares the clients; it does not connect, because Redis may be away and
// come later.
func New(o Options) (*Redis, error) {
	if len(o.Address.Addrs) == 0 || o.Handler == nil || o.Logger == nil || o.Slots == nil {
		return nil, errors.New("lane: Address, Slots, Handler and Logger are required")
	}
	if o.Free == nil {
		o.Free = func(job.Queue) int { return 1 }
	}
	r := &Redis{o: o, basket: newBasket(o.Free), bells: newBells(o.Queues), breaker: newBreaker(o.Breaker, o.Logger, o.Registerer)}
	r.evicts = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "inboxd_redis_may_evict", Help: "Whether Redis may drop keys by itself (1): its maxmemory-policy should be noeviction.",
	})
	if o.Registerer != nil {
		o.Registerer.MustRegister(r.evicts)
	}
	r.client = redis.NewUniversalClient(o.Address.options())
	r.shared = redis.NewUniversalClient(o.Address.hasty())
	piped, err := r.shared.AutoPipeline()
	if err != nil {
		return nil, fmt.Errorf("pipelines of the redis lane: %w", err)
	}
	r.piped, r.one, r.many = piped, asynq.NewClientFromRedisClient(r.client), asynq.NewClientFromRedisClient(piped)
	return r, nil
}

// Start begins to pull copies and to listen for wake-ups.
func (r *Redis) Start(ctx context.Context) error {
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	p := &puller{
		UniversalClient: r.piped, direct: r.client, basket: r.basket, bells: r.bells, done: ctx.Done(), breaker: r.breaker, resting: &r.resting,
	}
	r.wg.Go(func() { r.bells.listen(ctx, r.client) })
	r.wg.Go(func() { r.watch(ctx) })
	for _, q := range r.o.Queues {
		s := asynq.NewServerFromRedisClient(p, r.config(q))
		if err := s.Start(r.handler(q)); err != nil {
			return fmt.Errorf("start the redis lane for %s: %w", q, err)
		}
		r.servers = append(r.servers, s)
	}
	return nil
}

// config: the puller does the waiting, so asynq may check again at once; its
// schedule is not used, so it is rarely looked at.
func (r *Redis) config(q job.Queue) asynq.Config {
	return asynq.Config{
		Concurrency:              max(1, r.o.Slots(q)), // more would only wait here for a slot
		Queues:                   map[string]int{q.String(): 1},
		TaskCheckInterval:        time.Millisecond,
		DelayedTaskCheckInterval: 10 * time.Second,
		JanitorInterval:          time.Hour,
		ShutdownTimeout:          5 * time.Second,
		HealthCheckInterval:      time.Minute,
		RetryDelayFunc:           func(int, error, *asynq.Task) time.Duration { return 5 * time.Second },
		IsFailure:                func(error) bool { return false },
		Logger:                   logAdapter{r.o.Logger},
		LogLevel:                 asynq.WarnLevel,
	}
}

// handler does not pass asynq's context on as a deadline for the work: asynq
// frees its slot when it fires while the work runs on. The pool has its own.
func (r *Redis) handler(q job.Queue) asynq.HandlerFunc {
	return func(ctx context.Context, task *asynq.Task) error {
		t, ok := job.ParseTicket(string(task.Payload()))
		if !ok {
			return fmt.Errorf("not a ticket: %w", asynq.SkipRetry)
		}
		return r.o.Handler(ctx, q, t)
	}
}

// Rest pulls nothing until it is called with false: unlike Pause it can be taken
// back.
func (r *Redis) Rest(yes bool) { r.resting.Store(yes) }

// Pause stops pulling; copies already here go on.
func (r *Redis) Pause() {
	r.resting.Store(true)
	r.basket.emptied(time.Second)
	var wg sync.WaitGroup
	for _, s := range r.servers { // each ends its turn first
		wg.Go(s.Stop)
	}
	wg.Wait()
}

// Halt ends what Start began, after Pause and the pool's drain. Copies that
// never ran go back to Redis.
func (r *Redis) Halt() {
	var wg sync.WaitGroup
	for _, s := range r.servers {
		wg.Go(s.Shutdown)
	}
	if r.stop != nil {
		r.stop() // dequeues that wait for a wake-up end at once
	}
	wg.Wait()
	r.wg.Wait()
	r.servers, r.stop = nil, nil
}

// Stop halts the lane and closes its connections.
func (r *Redis) Stop() error {
	r.Halt()
	return errors.Join(r.client.Close(), r.shared.Close())
}

// Enqueue hands dispatched jobs over and returns those that may not have
// arrived: recall them. A copy that is there already counts as arrived.
func (r *Redis) Enqueue(ctx context.Context, q job.Queue, t job.Type, tickets []job.Ticket) (failed []job.Ticket) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := make(chan job.Ticket)
	by := r.many
	if len(tickets) <= few {
		by = r.one
	}
	opts := []asynq.Option{
		asynq.Queue(q.String()), asynq.MaxRetry(redeliveries),
		asynq.Timeout(job.PolicyOf(t).Timeout + timeoutMargin), asynq.Retention(0),
	}
	for range min(enqueuers, len(tickets)) {
		wg.Go(func() {
			for ticket := range next {
				if err := r.enqueue(ctx, by, ticket, opts); err != nil {
					mu.Lock()
					failed = append(failed, ticket)
					mu.Unlock()
				}
			}
		})
	}
	for _, ticket := range tickets {
		next <- ticket
	}
	close(next)
	wg.Wait()
	if len(failed) < len(tickets) {
		r.ring(ctx, q)
	}
	return failed
}

func (r *Redis) enqueue(ctx context.Context, by *asynq.Client, t job.Ticket, opts []asynq.Option) error {
	if r.Share() == 0 {
		return errResting
	}
	began := time.Now()
	task := asynq.NewTask(taskType, []byte(t.String()))
	_, err := by.EnqueueContext(ctx, task, append([]asynq.Option{asynq.TaskID(t.String())}, opts...)...)
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		err = nil
	}
	r.breaker.note(err, time.Since(began))
	return err
}

// ring wakes the Servers of a queue, here at once and then in every process.
// Losing it costs at most one wait.
func (r *Redis) ring(ctx context.Context, q job.Queue) {
	ctx, cancel := context.WithTimeout(ctx, enqueueTimeout)
	defer cancel()
	r.bells.ring(q.String())
	began := time.Now()
	r.breaker.note(r.client.Publish(ctx, wakeChannel, r.bells.message(q.String())).Err(), time.Since(began))
}

// Share is the percent of the dial this process may use now: 0 while Redis is
// away and its share travels by the postgres lane, less than 100 while it comes
// back.
func (r *Redis) Share() int { return r.breaker.share() }

// Ping asks Redis.
func (r *Redis) Ping(ctx context.Context) error {
	began := time.Now()
	err := r.client.Ping(ctx).Err()
	r.breaker.note(err, time.Since(began))
	return err
}

// Generation returns the mark of the data set; empty after a loss of data.
func (r *Redis) Generation(ctx context.Context) (string, error) {
	began := time.Now()
	v, err := r.client.Get(ctx, generationKey).Result()
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	r.breaker.note(err, time.Since(began))
	return v, err
}

// Mark writes the mark of the data set.
func (r *Redis) Mark(ctx context.Context, generation string) error {
	return r.client.Set(ctx, generationKey, generation, 0).Err()
}
