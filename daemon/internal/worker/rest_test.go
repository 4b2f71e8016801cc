package worker_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// An operator drains a worker and takes it back: what runs ends, what waits goes
// to the others at once, nothing new begins, and after it everything is as before.
func TestRest(t *testing.T) {
	t.Parallel()
	g := newGate()
	p := parts{slots: 1, processor: g}
	pool := p.build(t)
	require.Equal(t, 1, pool.Reserve(job.WhatsApp, 1))
	pool.Run(t.Context(), claimed(1))
	<-g.reached
	var copies sync.WaitGroup
	handle := func(id int64) {
		copies.Go(func() {
			if err := pool.Handle(t.Context(), job.WhatsApp, ticket(id)); err != nil {
				t.Errorf("handle %d: %v", id, err)
			}
		})
	}
	handle(2) // waits for the slot
	require.Eventually(t, func() bool { return pool.Holds(ticket(2)) }, patience, time.Millisecond)

	pool.Rest(true)
	pool.Rest(true)
	require.Eventually(t, func() bool { return !pool.Holds(ticket(2)) }, patience, time.Millisecond)
	require.NoError(t, pool.Handle(t.Context(), job.WhatsApp, ticket(3)), "a copy that comes now is sent back")
	require.Zero(t, pool.Reserve(job.WhatsApp, 1))
	require.True(t, pool.Holds(ticket(1)), "what runs goes on")
	close(g.release)
	require.Eventually(t, func() bool { return !pool.Holds(ticket(1)) }, patience, time.Millisecond)

	pool.Rest(false)
	pool.Rest(false)
	require.NoError(t, pool.Handle(t.Context(), job.WhatsApp, ticket(4)))
	require.Equal(t, 1, pool.Reserve(job.WhatsApp, 1))
	pool.Unreserve(job.WhatsApp, 1)
	copies.Wait()
	require.ElementsMatch(t, []job.Ticket{ticket(2), ticket(3)}, p.recaller.recalled)
	require.Len(t, p.recorder.outcomes(), 2)
	drained(t, pool)
}
