package ledger

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

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
	remote chan struct{} // there is something to announce

	mu    sync.Mutex
	local []chan<- struct{} // listeners of this process
}

func newWaker() *waker { return &waker{remote: make(chan struct{}, 1)} }

// Wake says that these queues may have ready work. It returns at once; a lost
// notification costs at most one poll interval.
func (l *Ledger) Wake(queues ...job.Queue) {
	if len(queues) > 0 {
		l.wake.ring()
	}
}

func (w *waker) ring() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.local {
		signal(c)
	}
	signal(w.remote)
}

// Announce sends what Wake asked for to the other processes until ctx ends. A
// notification goes out when its transaction has committed, and that is relaxed:
// listeners need not wait for a disk that has nothing of theirs.
func (l *Ledger) Announce(ctx context.Context) {
	for {
		select {
		case <-l.wake.remote:
		case <-ctx.Done():
			return
		}
		sendCtx, cancel := context.WithTimeout(ctx, notifyTimeout)
		if _, err := l.pool.Exec(sendCtx, "SELECT pg_notify('"+notifyChannel+"', '') WHERE "+relaxedCommit); err != nil {
			l.log.DebugContext(ctx, "notify failed; pollers will find the work", "error", err)
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
	lost := false
	for ctx.Err() == nil {
		err := l.listenOnce(ctx, c, func() {
			if lost {
				l.log.InfoContext(ctx, "listener is connected again")
			}
			lost = false
		})
		if ctx.Err() != nil {
			return
		}
		if !lost {
			l.log.WarnContext(ctx, "listener lost its connection; polling meanwhile", "error", err)
		}
		lost = true
		pause(ctx, listenBackoff)
	}
}

// listenOnce listens on one connection until it breaks.
func (l *Ledger) listenOnce(ctx context.Context, c chan<- struct{}, connected func()) error {
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
	connected()
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
