package dispatch

import (
	"context"
	"errors"
	"sync"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// mostCouriers bounds how many batches are under way to Redis at once: while they
// are, nothing more is handed out for it, and the postgres lane goes on.
const mostCouriers = 2

// couriers bring what was handed out to the redis lane, while the dispatcher
// makes its next rounds. What does not arrive they take back. One goroutine sends
// them off.
type couriers struct {
	remote Remote
	ledger Ledger
	back   func() // called when one comes back that was missed

	away sync.WaitGroup

	mu     sync.Mutex
	busy   int
	missed bool  // somebody was wanted and none was there
	failed bool  // something did not arrive since somebody last asked
	err    error // why what did not arrive could not be taken back
}

// free reports whether one can be sent off; if not, its return makes a round.
func (c *couriers) free() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missed = c.busy >= mostCouriers
	return !c.missed
}

// bring returns at once. Ask free before.
func (c *couriers) bring(ctx context.Context, k kind, tickets []job.Ticket) {
	c.mu.Lock()
	c.busy++
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), roundTimeout)
	c.away.Go(func() {
		defer cancel()
		failed := c.remote.Enqueue(ctx, k.queue, k.typ, tickets)
		var err error
		if len(failed) > 0 {
			_, err = c.ledger.Recall(ctx, "enqueue", failed)
		}
		c.returned(len(failed) > 0, err)
	})
}

func (c *couriers) returned(failed bool, err error) {
	c.mu.Lock()
	c.busy--
	c.failed, c.err = c.failed || failed, errors.Join(c.err, err)
	missed := c.missed
	c.missed = false
	c.mu.Unlock()
	if missed {
		c.back()
	}
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
