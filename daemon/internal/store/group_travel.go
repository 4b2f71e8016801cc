package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// errRefused says that nothing of a transaction is durable and each of its
// requests may be tried alone.
var errRefused = errors.New("refused")

// travel runs the transaction of members; again without those who have gone, as
// long as it is not being committed.
func (g *group[T]) travel(batch []*member[T], alone bool) (held []*T, err error) {
	for {
		present := g.present(batch)
		if len(present) == 0 {
			return nil, errGone // nobody listens
		}
		var committing bool
		held, committing, err = g.attempt(present, alone)
		switch {
		case err == nil || refused(err):
			return held, err
		case committing:
			return nil, inDoubt(err)
		case len(g.present(present)) == len(present):
			return nil, err
		}
	}
}

// present returns those for whom somebody waits.
func (g *group[T]) present(batch []*member[T]) (present []*member[T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range batch {
		if m.committing = false; !m.over() {
			present = append(present, m)
		}
	}
	return present
}

// attempt runs one transaction. It has the time that the most hurried member has,
// and ends early when all have gone.
func (g *group[T]) attempt(batch []*member[T], alone bool) (held []*T, committing bool, err error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(batch[0].ctx)) // it belongs to the trace of the first
	defer cancel()
	requests, left := make([]*T, len(batch)), atomic.Int64{}
	left.Store(int64(len(batch)))
	var hurry time.Time
	for i, m := range batch {
		requests[i] = m.request
		if d, ok := m.ctx.Deadline(); ok && (hurry.IsZero() || d.Before(hurry)) {
			hurry = d
		}
		defer context.AfterFunc(m.ctx, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		})()
	}
	if !hurry.IsZero() {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, hurry)
		defer stop()
	}
	defer func() {
		if cause := recover(); cause != nil {
			if err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack()); !committing {
				err = fmt.Errorf("%w: %w", errRefused, err)
			}
		}
	}()
	held, err = g.run(ctx, requests, alone, func() error {
		if err := g.commit(batch); err != nil {
			return err
		}
		committing = true
		return nil
	})
	return held, committing, err
}

// commit notes that the COMMIT of these is sent, unless somebody has gone.
func (g *group[T]) commit(batch []*member[T]) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range batch {
		if m.over() {
			return errGone
		}
	}
	for _, m := range batch {
		m.committing = true
	}
	return nil
}

// refused reports whether a transaction has failed by the server's own word: then
// nothing of it is durable. After anything else, a lost connection above all, it
// may be.
func refused(err error) bool {
	if errors.Is(err, errRolledBack) || errors.Is(err, errLost) || errors.Is(err, errRefused) {
		return true
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.SeverityUnlocalized == "ERROR"
}
