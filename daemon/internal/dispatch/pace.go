package dispatch

import (
	"context"
	"maps"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// pace asks whether what was just claimed may leave by its number and to its
// customer now. What may not is put back: for a number the job is ready again
// and the number left alone until it has room; for a pair the job is scheduled,
// which keeps its conversation in order. It returns which may go.
func (d *Dispatcher) pace(ctx context.Context, k kind, out []job.HandOut) (goes []bool, err error) {
	goes = make([]bool, len(out))
	for i := range goes {
		goes[i] = true
	}
	_, limited := k.typ.Action()
	if d.o.Limits == nil || !limited || len(out) == 0 {
		return goes, nil
	}
	passages := make([]job.Passage, len(out))
	for i, h := range out {
		passages[i] = job.Passage{Queue: k.queue, ChannelID: h.ChannelID, Pair: h.SerialKey}
	}
	var back []job.Deferral
	now := time.Now()
	for i, c := range d.o.Limits.Clear(ctx, passages) {
		if c.ChannelWait <= 0 && c.PairWait <= 0 {
			continue
		}
		goes[i] = false
		back = append(back, job.Deferral{Ticket: out[i].Ticket, After: c.PairWait})
		if c.ChannelWait > 0 {
			d.paced[out[i].ChannelID] = now.Add(c.ChannelWait)
		}
	}
	if len(back) > 0 {
		err = d.o.Ledger.Defer(ctx, back, d.o.WorkerID)
	}
	return goes, err
}

// blocked returns the channels to leave alone: paused, cooling down, or paced.
func (d *Dispatcher) blocked(view job.Outlook, now time.Time) []int64 {
	maps.DeleteFunc(d.paced, func(_ int64, until time.Time) bool { return !now.Before(until) })
	channels := view.Channels
	for id := range d.paced {
		channels = append(channels, id)
	}
	return channels
}
