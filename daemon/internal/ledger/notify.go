package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// notifyChannel is the LISTEN/NOTIFY channel that says "there is ready work".
const notifyChannel = "inboxd_ready"

const (
	notifyTimeout  = 2 * time.Second
	listenPing     = 5 * time.Second
	listenPingWait = 3 * time.Second
	listenBackoff  = 500 * time.Millisecond
)

// waker tells every process that there is ready work: after the commit, never
// inside the transaction (NOTIFY serialises commits), and one notification at
// a time, so that a burst of commits costs one.
type waker struct {
	pool *pgxpool.Pool
	log  *slog.Logger

	mu      sync.Mutex
	pending bool
	sending bool
	local   []chan<- struct{}
}

func newWaker(pool *pgxpool.Pool, log *slog.Logger) *waker { return &waker{pool: pool, log: log} }

// Wake says that these queues may have ready work. It returns at once; a lost
// notification costs at most one poll interval.
func (l *Ledger) Wake(queues ...job.Queue) {
	if len(queues) > 0 {
		l.wake.wake()
	}
}

func (w *waker) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.local {
		signal(c)
	}
	w.pending = true
	if !w.sending {
		w.sending = true
		go w.send()
	}
}

func (w *waker) send() {
	for {
		w.mu.Lock()
		if !w.pending {
			w.sending = false
			w.mu.Unlock()
			return
		}
		w.pending = false
		w.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), notifyTimeout)
		if _, err := w.pool.Exec(ctx, "SELECT pg_notify('"+notifyChannel+"', '')"); err != nil {
			w.log.DebugContext(ctx, "notify failed; pollers will find the work", "error", err)
		}
		cancel()
	}
}

// Listen signals c (without blocking) whenever there may be ready work: on
// every notification, after every reconnect, and at once for work of this
// process. It returns when ctx ends. A connection that stops answering is
// replaced within listenPing + listenPingWait.
func (l *Ledger) Listen(ctx context.Context, c chan<- struct{}) {
	l.wake.mu.Lock()
	l.wake.local = append(l.wake.local, c)
	l.wake.mu.Unlock()
	for ctx.Err() == nil {
		if err := l.listenOnce(ctx, c); ctx.Err() == nil {
			l.log.WarnContext(ctx, "listener lost its connection; polling meanwhile", "error", err)
			pause(ctx, listenBackoff)
		}
	}
}

func (l *Ledger) listenOnce(ctx context.Context, c chan<- struct{}) error {
	connectCtx, cancel := context.WithTimeout(ctx, listenPing)
	defer cancel()
	conn, err := pgx.ConnectConfig(connectCtx, l.pool.Config().ConnConfig.Copy())
	if err != nil {
		return fmt.Errorf("connect the listener: %w", err)
	}
	defer func() {
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closeCtx)
	}()
	if _, err := conn.Exec(connectCtx, "LISTEN "+notifyChannel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	signal(c)
	for {
		waitCtx, cancel := context.WithTimeout(ctx, listenPing)
		_, err := conn.WaitForNotification(waitCtx)
		quiet := waitCtx.Err() != nil
		cancel()
		switch {
		case err == nil:
			signal(c)
		case ctx.Err() != nil:
			return ctx.Err()
		case !quiet:
			return fmt.Errorf("wait for a notification: %w", err)
		default:
			pingCtx, cancel := context.WithTimeout(ctx, listenPingWait)
			err := conn.Ping(pingCtx)
			cancel()
			if err != nil {
				return fmt.Errorf("ping the listener: %w", err)
			}
		}
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
