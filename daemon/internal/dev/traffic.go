package dev

import (
	"context"
	"log/slog"
	"sync"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// traffic is the play itself: customers write through the simulator, agents
// answer over the public API.
type traffic struct {
	sim    *metasim.Sim
	agents *agents
	script *script
	bulk   *script
	rate   float64
	logger *slog.Logger
}

// run plays until ctx ends. Agents keep working on what they were given until
// work ends.
func (t *traffic) run(ctx, work context.Context) {
	var playing sync.WaitGroup
	playing.Go(func() {
		pace(ctx, t.rate, func(i int) {
			from := t.script.customer()
			if _, err := t.sim.Inbound(from.channel.account.ID, from.contact, question(i)); err != nil {
				t.logger.ErrorContext(ctx, "customer cannot write", "error", err)
				return
			}
			t.agents.give(work, t.script.answer(i, from))
		})
	})
	playing.Go(func() {
		pace(ctx, t.rate*bulkShare, func(int) { t.agents.give(work, t.bulk.bulk()) })
	})
	playing.Wait()
}
