package lane_test

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/daemon/internal/devstack/proxy"
	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/lane"
)

// TestMain looks past one goroutine: go-redis looks once a second whether a
// server that refused it is back, and ends within that second after Close.
func TestMain(m *testing.M) {
	stacktest.Main(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// got collects the copies a handler saw.
type got struct {
	mu      sync.Mutex
	tickets []job.Ticket
	err     error
}

func (g *got) handle(_ context.Context, _ job.Queue, t job.Ticket) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tickets = append(g.tickets, t)
	return g.err
}

func (g *got) sorted() []job.Ticket {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := slices.Clone(g.tickets)
	slices.SortFunc(s, func(a, b job.Ticket) int { return int(a.ID - b.ID) })
	return s
}

func address(t *testing.T, raw string) lane.Address {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	db, err := strconv.Atoi(strings.Trim(u.Path, "/"))
	require.NoError(t, err)
	return lane.Address{Addrs: []string{u.Host}, DB: db}
}

func start(t *testing.T, a lane.Address, g *got) *lane.Redis {
	t.Helper()
	r, err := lane.New(lane.Options{
		Address: a, Queues: []job.Queue{job.WhatsApp, job.Instagram}, Slots: func(job.Queue) int { return 8 }, Handler: g.handle,
		Logger: slog.New(slog.DiscardHandler), Breaker: lane.BreakerOptions{Rest: 500 * time.Millisecond, Step: 200 * time.Millisecond},
	})
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context()))
	t.Cleanup(func() { r.Pause(); require.NoError(t, r.Stop()) })
	return r
}

// Many copies, fetched several at a time and stopped in the middle: each has run
// here or is still where another process finds it. One that was fetched and
// forgotten would be missed until the reconciler looks.
func TestStopForgetsNoCopy(t *testing.T) {
	t.Parallel()
	const all = 400
	raw := stacktest.Redis(t)
	a := address(t, raw)
	direct := redis.NewClient(&redis.Options{Addr: a.Addrs[0], DB: a.DB})
	t.Cleanup(func() { _ = direct.Close() })
	var ran atomic.Int64
	r, err := lane.New(lane.Options{
		Address: a, Queues: []job.Queue{job.WhatsApp}, Slots: func(job.Queue) int { return 64 }, Free: func(job.Queue) int { return 64 },
		Logger: slog.New(slog.DiscardHandler), Handler: func(context.Context, job.Queue, job.Ticket) error { ran.Add(1); return nil },
	})
	require.NoError(t, err)
	require.Empty(t, r.Enqueue(t.Context(), job.WhatsApp, job.SendMessage, tickets(all)))
	require.NoError(t, r.Start(t.Context()))
	require.Eventually(t, func() bool { return ran.Load() >= all/4 }, 30*time.Second, time.Millisecond)
	r.Pause()
	require.NoError(t, r.Stop())
	pending, err := direct.LLen(t.Context(), "asynq:{whatsapp}:pending").Result()
	require.NoError(t, err)
	require.Equal(t, int64(all), ran.Load()+pending)
	active, err := direct.LLen(t.Context(), "asynq:{whatsapp}:active").Result()
	require.NoError(t, err)
	require.Zero(t, active, "acks travel before the end")
}

func tickets(n int) (ts []job.Ticket) {
	for i := range n {
		ts = append(ts, job.Ticket{ID: int64(1 + i), Epoch: 1})
	}
	return ts
}

// Every copy arrives once, promptly (woken, not polled), in both queues, and a
// second hand-over of the same copy is no error.
func TestCopiesArrive(t *testing.T) {
	t.Parallel()
	g := &got{}
	r := start(t, address(t, stacktest.Redis(t)), g)
	require.Empty(t, r.Enqueue(t.Context(), job.WhatsApp, job.SendMessage, tickets(50)))
	require.Empty(t, r.Enqueue(t.Context(), job.Instagram, job.SendMessage, []job.Ticket{{ID: 60, Epoch: 3}}))
	want := append(tickets(50), job.Ticket{ID: 60, Epoch: 3})
	require.Eventually(t, func() bool { return slices.Equal(g.sorted(), want) }, 5*time.Second, 2*time.Millisecond)
}

// An operator drains this process: copies stay in Redis for the others until it
// is taken back.
func TestRestPullsNothing(t *testing.T) {
	t.Parallel()
	g := &got{}
	r := start(t, address(t, stacktest.Redis(t)), g)
	r.Rest(true)
	require.Eventually(t, func() bool {
		return len(r.Enqueue(t.Context(), job.WhatsApp, job.SendMessage, []job.Ticket{{ID: 1, Epoch: 1}})) == 0
	}, 20*time.Second, 100*time.Millisecond)
	require.Never(t, func() bool { return len(g.sorted()) > 0 }, time.Second, 50*time.Millisecond, "a drained process took a copy")
	r.Rest(false)
	require.Eventually(t, func() bool { return len(g.sorted()) == 1 }, 20*time.Second, 10*time.Millisecond)
}

// With Redis away the hand-over fails quickly and names every copy, so that
// they can be recalled; when it is back the lane works without a restart.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	a := address(t, stacktest.Redis(t))
	p, err := proxy.New(a.Addrs[0])
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	a.Addrs = []string{p.Addr()}
	g := &got{}
	r := start(t, a, g)
	require.NoError(t, r.Ping(t.Context()))
	require.Equal(t, 100, r.Share())

	p.Cut()
	begin := time.Now()
	failed := r.Enqueue(t.Context(), job.WhatsApp, job.SendMessage, tickets(100))
	require.Len(t, failed, 100)
	require.Less(t, time.Since(begin), 3*time.Second)
	require.Zero(t, r.Share())

	p.Pass()
	require.Eventually(t, func() bool { return r.Ping(t.Context()) == nil }, 10*time.Second, 20*time.Millisecond)
	require.Eventually(t, func() bool { return r.Share() == 10 }, 10*time.Second, 10*time.Millisecond, "the way back is a ramp")
	require.Eventually(t, func() bool { return r.Share() == 100 }, 10*time.Second, 10*time.Millisecond)
	require.Eventually(t, func() bool {
		return len(r.Enqueue(t.Context(), job.WhatsApp, job.SendMessage, tickets(3))) == 0
	}, 10*time.Second, 20*time.Millisecond)
	require.Eventually(t, func() bool { return slices.Equal(g.sorted(), tickets(3)) }, 10*time.Second, 10*time.Millisecond)
}

// asynq gives up an ack that failed once, because it keeps a cancelled context:
// the copy would run again a minute later. The puller repairs that.
func TestAckSurvivesAShortCut(t *testing.T) {
	t.Parallel()
	raw := stacktest.Redis(t)
	a := address(t, raw)
	direct := redis.NewClient(&redis.Options{Addr: a.Addrs[0], DB: a.DB})
	t.Cleanup(func() { _ = direct.Close() })
	p, err := proxy.New(a.Addrs[0])
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	a.Addrs = []string{p.Addr()}
	reached, release := make(chan struct{}), make(chan struct{})
	r, err := lane.New(lane.Options{
		Address: a, Queues: []job.Queue{job.WhatsApp}, Slots: func(job.Queue) int { return 2 },
		Logger: slog.New(slog.DiscardHandler),
		Handler: func(context.Context, job.Queue, job.Ticket) error {
			close(reached) // a second run would panic here
			<-release
			return nil
		},
	})
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context()))
	t.Cleanup(func() { r.Pause(); require.NoError(t, r.Stop()) })
	require.Empty(t, r.Enqueue(t.Context(), job.WhatsApp, job.SendMessage, tickets(1)))
	<-reached
	p.Cut()
	close(release) // the ack fails now
	require.Eventually(t, func() bool { return r.Ping(t.Context()) != nil }, 5*time.Second, 10*time.Millisecond)
	p.Pass()
	require.Eventually(t, func() bool {
		n, err := direct.Exists(t.Context(), "asynq:{whatsapp}:t:1.1").Result()
		return err == nil && n == 0
	}, 30*time.Second, 50*time.Millisecond, "the ack was never repeated")
}

func TestGenerationIsLostWithTheData(t *testing.T) {
	t.Parallel()
	raw := stacktest.Redis(t)
	a := address(t, raw)
	r := start(t, a, &got{})
	require.NoError(t, r.Mark(t.Context(), "g7"))
	mark, err := r.Generation(t.Context())
	require.NoError(t, err)
	require.Equal(t, "g7", mark)
	direct := redis.NewClient(&redis.Options{Addr: a.Addrs[0], DB: a.DB})
	t.Cleanup(func() { _ = direct.Close() })
	require.NoError(t, direct.FlushDB(t.Context()).Err())
	mark, err = r.Generation(t.Context())
	require.NoError(t, err)
	require.Empty(t, mark)
}

// A process starts without Redis; New must not need it.
func TestStartsWithoutRedis(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	r := start(t, lane.Address{Addrs: []string{addr}}, &got{})
	require.Error(t, r.Ping(t.Context()))
	require.Len(t, r.Enqueue(t.Context(), job.WhatsApp, job.SendMessage, tickets(2)), 2)
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	_, err := lane.New(lane.Options{})
	require.ErrorContains(t, err, "required")
}
