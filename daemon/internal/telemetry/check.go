package telemetry

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// check remembers the last answer of a Check and lets one run be shared by all
// who ask meanwhile.
type check struct {
	Check
	now func() time.Time

	mu      sync.Mutex
	at      time.Time     // when the last run ended; zero: never
	err     error         // its answer
	flight  chan struct{} // closed when the present run ends; nil: none
	started time.Time     // when it began
}

func (c *check) part(ctx context.Context) Part {
	p := Part{Name: c.Name, OK: true}
	if err := c.answer(ctx); err != nil {
		p.OK, p.Error = false, err.Error()
	}
	return p
}

func (c *check) answer(ctx context.Context) error {
	c.mu.Lock()
	now := c.now()
	if !c.at.IsZero() && now.Sub(c.at) < c.Fresh {
		defer c.mu.Unlock()
		return c.err
	}
	if c.flight == nil {
		c.flight, c.started = make(chan struct{}), now
		// The run belongs to all who wait: the first one leaving must not end it.
		go c.run(context.WithoutCancel(ctx), c.flight)
	}
	flight, left := c.flight, c.Timeout-now.Sub(c.started)
	c.mu.Unlock()

	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-flight:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.err
	case <-timer.C:
		return fmt.Errorf("no answer within %s", c.Timeout)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *check) run(ctx context.Context, flight chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	err := c.call(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.err, c.flight = c.now(), err, nil
	close(flight)
}

// call turns a panic into an answer: it runs outside the request that net/http
// would have guarded.
func (c *check) call(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("check panicked: %v", p)
		}
	}()
	return c.Run(ctx)
}
