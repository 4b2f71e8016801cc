package dispatch

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// round is one look at the ledger and what is decided on it.
type round struct {
	d       *Dispatcher
	view    job.Outlook
	control *control.Snapshot
	now     time.Time
	blocked []int64
	window  map[job.Queue]int
	refused bool // by Redis, what an earlier round sent
}

// Round looks once and hands out what fits; what goes by Redis has arrived there
// when it returns. It returns true when a claim was filled to the brim, so there
// is probably more.
func (d *Dispatcher) Round(ctx context.Context) (more bool, err error) {
	more, err = d.round(ctx)
	d.couriers.wait()
	refused, errRecall := d.couriers.refused()
	return more && !refused, errors.Join(err, errRecall)
}

// round is a Round that does not wait for Redis.
func (d *Dispatcher) round(ctx context.Context) (more bool, err error) {
	// A claim must not be cut off by the end of the process between its commit
	// and its job's start: the round finishes under its own deadline.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), roundTimeout)
	defer cancel()
	if d.drained() {
		return false, nil
	}
	view, err := d.o.Poller.Poll(ctx)
	if err != nil {
		return false, err
	}
	d.turn++
	r := &round{d: d, view: view, control: d.o.Control(), now: time.Now()}
	d.windows.note(d.o.Ledger.Expired(), view.Slots, r.now)
	d.tokens.refresh(r.control.Version(), r.now)
	d.metrics.show(d.windows.sizes(view), r.dial)
	r.window, r.blocked = d.windows.left(view), d.blocked(view, r.now)
	r.refused, err = d.couriers.refused()
	err = errors.Join(err, d.recallDoubtful(ctx), d.recallWhileAway(ctx, r.now))
	work := r.work()
	d.idle = len(work) == 0
	for i := range work {
		w := work[(d.turn+i)%len(work)] // whoever comes first may take all free slots
		full, errWork := r.serve(ctx, w)
		more = more || full
		err = errors.Join(err, errWork)
	}
	more = more || view.More && d.idle // the walk ends with the last page, so this does not go on for ever
	return more && err == nil, err
}

// drained reports whether an operator has asked this process to take no work: it
// hands out none either, because that may be why it is drained.
func (d *Dispatcher) drained() bool { return d.o.Control().Drained(d.o.WorkerID) }

// recallDoubtful takes back what a claim whose answer was lost may have handed
// out: nobody else would look for it before it is stale.
func (d *Dispatcher) recallDoubtful(ctx context.Context) error {
	if !d.doubtful {
		return nil
	}
	_, err := d.o.Ledger.RecallOwn(ctx, "claim_lost", d.o.WorkerID)
	d.doubtful = err != nil
	return err
}

// recallWhileAway takes copies back from a Redis that does not answer, once per
// breakerAge: their jobs travel by PostgreSQL.
func (d *Dispatcher) recallWhileAway(ctx context.Context, now time.Time) error {
	if d.o.Remote == nil || d.o.Remote.Share() > 0 || now.Sub(d.recalled) < breakerAge {
		return nil
	}
	d.recalled = now
	_, err := d.o.Ledger.RecallOlder(ctx, "breaker", breakerAge)
	return err
}

// work is one kind with the orgs that may hand out jobs of it now.
type work struct {
	kind
	lines []job.Backlog
}

// work lists what can run here and is not held, throttled or cooling down.
func (r *round) work() (all []work) {
	for _, b := range r.view.Backlog { // sorted by queue, type, org, class
		if !r.d.o.Runner.Handles(b.Type) || slices.Contains(r.view.Queues, b.Queue) || r.d.tokens.throttled(b) ||
			r.control.Held(b.OrgID, b.Queue, b.Type, r.now) {
			continue
		}
		k := kind{b.Queue, b.Type}
		if len(all) == 0 || all[len(all)-1].kind != k {
			all = append(all, work{kind: k})
		}
		w := &all[len(all)-1]
		w.lines = append(w.lines, b)
	}
	return all
}

// serve hands out jobs of one kind by both lanes.
func (r *round) serve(ctx context.Context, w work) (full bool, err error) {
	dial := r.dial(w.queue)
	c := newCaps(r.view, w.queue, w.lines, r.control, r.now)
	local := &claim{r: r, w: w, caps: c, lane: job.LanePostgres, from: dial, to: 100}
	remote := &claim{r: r, w: w, caps: c, lane: job.LaneRedis, from: 0, to: dial}
	fullLocal, errLocal := local.run(ctx, local.take)
	fullRemote, errRemote := remote.run(ctx, remote.send)
	return fullLocal || fullRemote, errors.Join(errLocal, errRemote)
}

// dial is what is set for the queue, or less while Redis is away or coming back.
func (r *round) dial(q job.Queue) int {
	if r.d.o.Remote == nil {
		return 0
	}
	return min(max(r.control.Dial(q, r.d.o.Dial), 0), 100) * r.d.o.Remote.Share() / 100
}
