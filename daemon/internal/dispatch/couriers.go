package dispatch

import (
	"context"
	"sync"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// mostCouriers bounds how many batches are under way to Redis at once: a round
// that has another waits, so a slow Redis slows the hand-outs down.
const mostCouriers = 2

// couriers bring what was handed out to the redis lane, while the dispatcher
// makes its next rounds. What does not arrive they take back.
type couriers struct {
	remote Remote
	ledger Ledger

	free chan struct{}
	away sync.WaitGroup

	mu     sync.Mutex
	failed bool  // since somebody last asked
	err    error // why what did not arrive could not be taken back
}

func newCouriers(o Options) *couriers {
	return &couriers{remote: o.Remote, ledger: o.Ledger, free: make(chan struct{}, mostCouriers)}
}

// bring returns as soon as a courier is on the way.
func (c *couriers) bring(ctx context.Context, k kind, tickets []job.Ticket) {
	c.free <- struct{}{} // each comes back within its deadline
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), roundTimeout)
	c.away.Go(func() {
		defer func() { cancel(); <-c.free }()
		failed := c.remote.Enqueue(ctx, k.queue, k.typ, tickets)
		if len(failed) == 0 {
			return
		}
		_, err := c.ledger.Recall(ctx, "enqueue", failed)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.failed, c.err = true, err
	})
}

// refused reports whether something did not arrive since the last call, and why it
// could not be taken back: then Redis is left alone for a round.
func (c *couriers) refused() (yes bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	yes, err = c.failed, c.err
	c.failed, c.err = false, nil
	return yes, err
}

// wait returns when everybody is back.
func (c *couriers) wait() { c.away.Wait() }
