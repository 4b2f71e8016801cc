package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// groupLanes is how many transactions of a group are under way at most: one
	// looks while another waits for the disk.
	groupLanes   = 2
	groupTimeout = 10 * time.Second

	// groupSingles is how many requests of a group are done alone at the same time:
	// those that wait for a lock shall not use up the connections.
	groupSingles = 4
)

// errAlone says that a request was not done with the others and may be done by
// itself: it is too large, somebody holds its row, or the server has refused the
// transaction.
var errAlone = errors.New("not done together with others")

// group lets requests that come at the same time share a transaction. Batching
// is natural: an idle group runs the first request at once, and what comes while
// its lanes are busy travels in the next transaction. There is no timer.
//
// A request that would hold up the others, or makes their transaction fail, is
// sent back with errAlone: whoever came with it does it alone.
type group[T any] struct {
	run     func(ctx context.Context, requests []*T) error // in one transaction
	size    func(*T) int                                   // bytes
	most    int                                            // bytes of one transaction
	metrics groupMetrics

	singles chan struct{} // as long as groupSingles

	mu      sync.Mutex
	waiting []*member[T]
	flying  int
}

func newGroup[T any](m groupMetrics, most int, size func(*T) int, run func(context.Context, []*T) error) *group[T] {
	return &group[T]{run: run, size: size, most: most, metrics: m, singles: make(chan struct{}, groupSingles)}
}

// member is a request that waits for its transaction.
type member[T any] struct {
	request *T
	ctx     context.Context //nolint:containedctx // the transaction belongs to the trace of its first request
	came    time.Time
	done    chan error
}

// do returns when the request's transaction is over; only nil says that it is
// committed, and only then may the request be read. A request whose ctx ends
// before its transaction begins is forgotten; later it may be done or not.
func (g *group[T]) do(ctx context.Context, request *T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if g.size(request) > g.most {
		return errAlone
	}
	m := &member[T]{request: request, ctx: ctx, came: time.Now(), done: make(chan error, 1)}
	g.join(m)
	select {
	case err := <-m.done:
		return err
	case <-ctx.Done():
		g.leave(m)
		return ctx.Err()
	}
}

// alone does what a request needs that was sent back.
func (g *group[T]) alone(ctx context.Context, do func() error) error {
	select {
	case g.singles <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-g.singles }()
	g.metrics.alone.Inc()
	return do()
}

func (g *group[T]) join(m *member[T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, m)
	if g.flying < groupLanes {
		g.flying++
		go g.fly()
	}
}

func (g *group[T]) leave(m *member[T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = slices.DeleteFunc(g.waiting, func(x *member[T]) bool { return x == m })
}

// fly is a lane: it runs transactions until nobody waits.
func (g *group[T]) fly() {
	for batch := g.take(); batch != nil; batch = g.take() {
		err := g.attempt(batch)
		for _, m := range batch {
			m.done <- err
		}
	}
}

// take returns those who travel together, in the order in which they came.
func (g *group[T]) take() (batch []*member[T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.flying--
		return nil
	}
	n, bytes := 0, 0
	for n < len(g.waiting) {
		if bytes += g.size(g.waiting[n].request); bytes > g.most {
			break
		}
		n++
	}
	batch, g.waiting = g.waiting[:n:n], g.waiting[n:]
	if len(g.waiting) == 0 {
		g.waiting = nil // and does not keep alive whom it held
	}
	return batch
}

// attempt runs one transaction. What the server has refused, or what panics, is
// for each to try alone: then it meets its own fault, and nobody else's.
func (g *group[T]) attempt(batch []*member[T]) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: panic: %v\n%s", errAlone, cause, debug.Stack())
		}
	}()
	requests := make([]*T, len(batch))
	for i, m := range batch {
		requests[i] = m.request
		g.metrics.wait.Observe(time.Since(m.came).Seconds())
	}
	g.metrics.size.Observe(float64(len(batch)))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(batch[0].ctx), groupTimeout)
	defer cancel()
	if err = g.run(ctx, requests); refused(err) {
		return fmt.Errorf("%w: %w", errAlone, err)
	}
	return err
}

// refused reports whether a transaction has failed by the server's own word: then
// nothing of it is durable. After anything else, a lost connection above all, it
// may be.
func refused(err error) bool {
	if errors.Is(err, errRolledBack) || errors.Is(err, errLost) {
		return true
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.SeverityUnlocalized == "ERROR"
}
