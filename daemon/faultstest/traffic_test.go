package faultstest_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

const crowd = 64 // agents at work at once

// traffic is customers who write and agents who answer, at a steady rate, and
// campaigns. All chance comes from the rig's seed.
type traffic struct {
	rig    *rig
	agents *agents
	stop   context.CancelFunc // of new work
	work   sync.WaitGroup
	seats  chan struct{}
}

// converse begins traffic of rate actions per second.
func (r *rig) converse(ctx context.Context, rate float64) *traffic {
	flowing, stop := context.WithCancel(ctx)
	f := &traffic{rig: r, agents: newAgents(r.base, r.journal), stop: stop, seats: make(chan struct{}, crowd)}
	f.work.Go(func() { f.flow(flowing, ctx, rate) })
	return f
}

// flow keeps a fixed schedule: it does not slow down because the daemon does.
func (f *traffic) flow(flowing, ctx context.Context, rate float64) {
	dice, all := f.rig.dice(1), f.rig.everyone("")
	tick := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-tick.C:
		case <-flowing.Done():
			return
		}
		c := all[dice.IntN(len(all))]
		switch n := dice.IntN(20); {
		case n < 6:
			f.writes(c, fmt.Sprint("question ", i))
		case n < 16:
			f.seated(ctx, func() { f.agents.reply(ctx, c, fmt.Sprint("answer ", i)) })
		case n < 18 && c.kind == metasim.WhatsApp:
			f.seated(ctx, func() { f.agents.template(ctx, c) })
		default:
			f.seated(ctx, func() { f.agents.read(ctx, c) })
		}
	}
}

func (f *traffic) writes(c *conversation, text string) {
	if _, err := f.rig.sim.Inbound(c.account, c.contact, text); err != nil {
		f.rig.journal.wrong("a customer cannot write: %v", err)
	}
}

// campaign sends n templates at once, so that there is more to do than slots.
func (f *traffic) campaign(ctx context.Context, first, n int) {
	all := f.rig.everyone(metasim.WhatsApp)
	for i := range n {
		c := all[(first+i)%len(all)]
		f.seated(ctx, func() { f.agents.template(ctx, c) })
	}
}

// seated runs do beside the schedule; without a free seat it is left out.
func (f *traffic) seated(ctx context.Context, do func()) {
	select {
	case f.seats <- struct{}{}:
	case <-ctx.Done():
		return
	default:
		return
	}
	f.work.Go(func() {
		defer func() { <-f.seats }()
		do()
	})
}

// end lets everybody finish what they have begun.
func (f *traffic) end() {
	f.stop()
	f.work.Wait()
	f.agents.http.CloseIdleConnections()
}
