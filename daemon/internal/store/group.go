package store

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// groupSingles is how many requests of a group are done alone at the same time:
// those that wait for a lock shall not use up the connections.
const groupSingles = 4

// errGone says that a transaction was not committed because one of its requests
// is nobody's any more.
var errGone = fmt.Errorf("a request was given up: %w", context.Canceled)

// group lets requests that come at the same time share a transaction. Batching
// is natural: an idle group runs the first request at once, and what comes while
// its lanes are busy travels in the next transaction. There is no timer.
//
// A request that would wait for a lock, or makes the transaction of all fail, is
// done alone. In a conversation requests keep the order in which they came: those
// that came after one that is done alone are too, behind it.
type group[T any] struct {
	groupWork[T]
	metrics groupMetrics
	log     *slog.Logger
	singles chan struct{} // as long as groupSingles

	mu      sync.Mutex
	waiting []*member[T]
	flying  int
	aboard  map[int64]bool         // conversations of the transactions under way
	lines   map[int64][]*member[T] // of conversations: who is done alone, and who waits for it
}

// groupWork is what a group must know of its requests.
type groupWork[T any] struct {
	name  string
	lanes int            // transactions under way at most: one may look while another waits for the disk
	most  int            // bytes of one transaction
	size  func(*T) int   // bytes
	line  func(*T) int64 // the conversation in which it must keep its place; 0: none is known
	// run does requests, maybe again, in one transaction and returns those that
	// must be done alone because somebody holds their rows; one that is alone waits.
	// It calls ready just before it commits, and does not commit if that fails.
	run func(ctx context.Context, requests []*T, alone bool, ready func() error) (held []*T, err error)
}

func newGroup[T any](m groupMetrics, log *slog.Logger, w groupWork[T]) *group[T] {
	return &group[T]{
		groupWork: w, metrics: m, log: log, singles: make(chan struct{}, groupSingles), aboard: map[int64]bool{}, lines: map[int64][]*member[T]{},
	}
}

// member is a request that waits for its transaction.
type member[T any] struct {
	request    *T
	ctx        context.Context //nolint:containedctx // ends when nobody waits for the request any more
	line       int64
	came       time.Time
	done       chan error
	gone       bool // nobody waits: it must not be committed
	committing bool
}

// over reports whether nobody waits for the request any more.
func (m *member[T]) over() bool {
	deadline, ok := m.ctx.Deadline()
	m.gone = m.gone || m.ctx.Err() != nil || ok && !time.Now().Before(deadline)
	return m.gone
}

// do returns when the request's transaction is over; only nil says that it is
// committed, and only then may the request be read. One whose ctx ends before its
// COMMIT is sent is not committed; after that it may be, and the error says so.
func (g *group[T]) do(ctx context.Context, request *T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m := &member[T]{request: request, ctx: ctx, line: g.line(request), came: time.Now(), done: make(chan error, 1)}
	g.join(m)
	select {
	case err := <-m.done:
		return err
	case <-ctx.Done():
		return g.leave(m)
	}
}

func (g *group[T]) join(m *member[T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, m)
	if g.flying < g.lanes {
		g.flying++
		go g.fly()
	}
}

func (g *group[T]) leave(m *member[T]) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.committing {
		return inDoubt(m.ctx.Err())
	}
	m.gone = true
	return m.ctx.Err()
}

// inDoubt is the answer to who asked for something that may be durable or not.
func inDoubt(cause error) error {
	fault := inbox.Faultf(inbox.Temporary, "outcome_unknown",
		"the database did not confirm in time: the request may have been accepted; repeat it only with the same idempotency key")
	fault.Err = cause
	return fault
}

// fly is a lane: it runs transactions until nobody waits.
func (g *group[T]) fly() {
	for batch := g.take(); len(batch) > 0; batch = g.take() {
		for _, m := range batch {
			g.metrics.wait.Observe(time.Since(m.came).Seconds())
		}
		g.metrics.size.Observe(float64(len(batch)))
		held, err := g.travel(batch, false)
		g.land(batch, held, err)
	}
}

// take returns those who travel together, in the order in which they came. Who
// has somebody of their conversation before them, under way elsewhere, waits.
func (g *group[T]) take() (batch []*member[T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var stay []*member[T]
	bytes, full, aboard, behind := 0, false, map[int64]bool{}, map[int64]bool{}
	for _, m := range g.waiting {
		size := g.size(m.request)
		switch {
		case m.over():
		case len(g.lines[m.line]) > 0:
			g.sendAlone(m, aloneBehind)
		case full || g.aboard[m.line] || behind[m.line]:
			stay, behind[m.line] = append(stay, m), m.line != 0
		case len(batch) > 0 && bytes+size > g.most:
			stay, full = append(stay, m), true // and nobody who came later is taken before it
		default:
			bytes += size
			batch, aboard[m.line] = append(batch, m), m.line != 0
		}
	}
	for line, is := range aboard {
		if is {
			g.aboard[line] = true
		}
	}
	if g.waiting = stay; len(batch) == 0 {
		g.flying--
	}
	return batch
}

// land gives everybody their answer, or has them done alone.
func (g *group[T]) land(batch []*member[T], held []*T, err error) {
	refused := refused(err)
	if refused {
		g.log.Warn("requests are done one by one: the transaction they shared was refused", "kind", g.name, "requests", len(batch), "error", err)
	}
	sent := make(map[*T]bool, len(held))
	for _, r := range held {
		sent[r] = true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range batch {
		delete(g.aboard, m.line)
		m.line = g.line(m.request)
		switch {
		case m.gone: // and not in it
		case refused:
			g.sendAlone(m, aloneRefused)
		case sent[m.request]:
			g.sendAlone(m, aloneHeld)
		default:
			m.done <- err
		}
	}
}
