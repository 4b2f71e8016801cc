package ledger

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// ErrStopped says that the committer ended before the operation was durable.
var ErrStopped = errors.New("ledger: committer stopped")

const (
	maxBatch     = 256
	flushTimeout = 10 * time.Second
	lockedPause  = 20 * time.Millisecond
	outagePause  = 200 * time.Millisecond
	idleTurn     = 5 * time.Second
)

// Committer makes starts and finishes of one worker durable, many per
// transaction. Batching is natural: an idle committer flushes at once, and
// whatever arrives during a flush travels in the next. There is no timer.
//
// Starts and finishes travel apart: a finish writes messages, which a webhook may
// hold for a moment, and no start shall wait for that.
//
// Cost per flush: one round trip; a statement for starts, or one per kind of
// finish present (done, failed) and the store's effects; one commit.
type Committer struct {
	ledger   *Ledger
	workerID int64
	starts   chan *op
	finishes chan *op
	stopped  chan struct{}
	turns    [2]func()      // called after each turn of the flushes of starts, and of finishes
	alone    sync.WaitGroup // operations that wait for a lock by themselves
}

// op is one start or finish on its way.
type op struct {
	ticket job.Ticket
	finish *finish // nil: a start
	queued time.Time
	phase  atomic.Int32 // opQueued, opFlushing or opAbandoned
	result chan opResult
}

const (
	opQueued int32 = iota
	opFlushing
	opAbandoned
)

type opResult struct {
	verdict verdict
	claimed job.Claimed
	err     error
}

// verdict is the ledger's answer to a start or a finish.
type verdict int

const (
	granted verdict = iota // the write was accepted
	denied                 // another epoch or state: somebody else's job now
	gone                   // final, no longer in jobs
	locked                 // somebody holds the row: try again outside this batch
	expired                // the ticket was too old: ready again
	held                   // a hold covers it, or it is to be cancelled: ready again
)

func (v verdict) String() string {
	return [...]string{"granted", "denied", "gone", "locked", "expired", "held"}[v]
}

// NewCommitter returns the committer of one worker; Run must be running.
func (l *Ledger) NewCommitter(workerID int64) *Committer {
	return &Committer{
		ledger: l, workerID: workerID, starts: make(chan *op, 4*maxBatch), finishes: make(chan *op, 4*maxBatch), stopped: make(chan struct{}),
		turns: [2]func(){func() {}, func() {}},
	}
}

// Watch names what to call whenever the flushes of starts, or those of finishes,
// have made a turn: a flush, whatever became of it, or a few seconds without
// work. Call it before Run.
func (c *Committer) Watch(starts, finishes func()) { c.turns = [2]func(){starts, finishes} }

// Start makes T6: it claims a dispatched job for this worker. It returns false
// when the claim is not granted: the copy is stale and to be forgotten. With
// PostgreSQL away it waits until ctx ends.
func (c *Committer) Start(ctx context.Context, t job.Ticket) (job.Claimed, bool, error) {
	r := c.submit(ctx, &op{ticket: t})
	if r.err != nil {
		return job.Claimed{}, false, r.err
	}
	if r.verdict != granted {
		c.ledger.metrics.denied.WithLabelValues(r.verdict.String()).Inc()
		if r.verdict == expired {
			c.ledger.expired.Add(1)
		}
	}
	return r.claimed, r.verdict == granted, nil
}

// Finish makes T7 to T11: it records what the attempt came to and returns when
// that is durable. It returns false when a newer claim exists or the job is
// final already: then nothing was written. With PostgreSQL away it waits until
// ctx ends.
func (c *Committer) Finish(ctx context.Context, claimed job.Claimed, r job.Result) (bool, error) {
	o := &op{ticket: job.Ticket{ID: claimed.ID, Epoch: claimed.Epoch}, finish: newFinish(claimed, r)}
	res := c.submit(ctx, o)
	if res.err == nil && o.finish.event == eventUncertain && res.verdict == granted {
		c.ledger.metrics.uncertain.Inc()
	}
	return res.verdict == granted, res.err
}

// submit hands an operation over and waits. An operation that is not part of a
// flush yet can be given up; one that is must be waited for, because it may
// already be committed.
func (c *Committer) submit(ctx context.Context, o *op) opResult {
	o.queued, o.result = time.Now(), make(chan opResult, 1)
	select {
	case c.queue(o) <- o:
	case <-ctx.Done():
		return opResult{err: ctx.Err()}
	case <-c.stopped:
		return opResult{err: ErrStopped}
	}
	select {
	case r := <-o.result:
		c.ledger.metrics.wait.Observe(time.Since(o.queued).Seconds())
		return r
	case <-c.stopped:
	case <-ctx.Done():
		if o.phase.CompareAndSwap(opQueued, opAbandoned) {
			return opResult{err: ctx.Err()}
		}
	}
	select {
	case r := <-o.result:
		return r
	case <-c.stopped:
		select {
		case r := <-o.result:
			return r
		default:
			return opResult{err: ErrStopped}
		}
	}
}

// Run flushes until ctx ends. Stop the workers first: what is queued then is
// not written.
func (c *Committer) Run(ctx context.Context) {
	defer close(c.stopped)
	defer c.alone.Wait()
	var loops sync.WaitGroup
	defer loops.Wait()
	for i, queue := range []chan *op{c.starts, c.finishes} {
		loops.Go(func() { c.drain(ctx, queue, c.turns[i]) })
	}
}

// queue is where an operation waits for its flush.
func (c *Committer) queue(o *op) chan *op {
	if o.finish == nil {
		return c.starts
	}
	return c.finishes
}

// drain flushes what comes until ctx ends.
func (c *Committer) drain(ctx context.Context, queue <-chan *op, turn func()) {
	var waiting []*op // operations on a job that is already in the batch
	idle := time.NewTicker(idleTurn)
	defer idle.Stop()
	for ctx.Err() == nil {
		var batch []*op
		batch, waiting = collect(ctx, queue, waiting, idle.C)
		c.flush(ctx, batch, turn)
		turn()
	}
}

// collect waits for the first operation and takes what else is there, at most
// one per job. It returns nothing when ctx ends, and when none came before idle.
func collect(ctx context.Context, queue <-chan *op, waiting []*op, idle <-chan time.Time) (batch, rest []*op) {
	inBatch := make(map[int64]bool, maxBatch)
	add := func(o *op) {
		if inBatch[o.ticket.ID] {
			rest = append(rest, o)
			return
		}
		inBatch[o.ticket.ID] = true
		batch = append(batch, o)
	}
	for _, o := range waiting {
		add(o)
	}
	if len(batch) == 0 {
		select {
		case o := <-queue:
			add(o)
		case <-idle:
			return nil, nil
		case <-ctx.Done():
			return nil, nil
		}
	}
	for len(batch) < maxBatch {
		select {
		case o := <-queue:
			add(o)
			continue
		default:
		}
		break
	}
	return batch, rest
}

// flush makes a batch durable, however long that takes: an outage or a
// deadlock repeats it whole (every statement is idempotent), a data error or
// somebody's lock splits it until the culprit stands alone; one that only waits
// for a lock goes on waiting by itself. Each try is a turn.
func (c *Committer) flush(ctx context.Context, batch []*op, turn func()) {
	batch = slices.DeleteFunc(batch, func(o *op) bool {
		return !o.phase.CompareAndSwap(opQueued, opFlushing) && o.phase.Load() == opAbandoned
	})
	for len(batch) > 0 {
		slices.SortFunc(batch, func(a, b *op) int { return cmp.Compare(a.ticket.ID, b.ticket.ID) })
		err := c.commit(ctx, batch)
		turn()
		switch {
		case err == nil:
			return
		case ctx.Err() != nil:
			return
		case !isDataError(err) && !isLockTimeout(err):
			c.ledger.log.WarnContext(ctx, "group commit will be repeated", "batch", len(batch), "error", err)
			pause(ctx, outagePause)
		case len(batch) > 1:
			half := len(batch) / 2
			c.flush(ctx, batch[:half], turn)
			batch = batch[half:]
		case isLockTimeout(err):
			c.alone.Go(func() { c.insist(ctx, batch[0]) })
			return
		case !batch[0].disarm():
			batch[0].result <- opResult{err: err}
			return
		default:
			c.ledger.log.ErrorContext(ctx, "outcome could not be stored as it was", "job", batch[0].ticket.String(), "error", err)
		}
	}
}

// insist repeats one operation until the lock that holds it up is gone, on a
// connection of its own.
func (c *Committer) insist(ctx context.Context, o *op) {
	c.ledger.log.WarnContext(ctx, "an outcome waits for a locked row", "job", o.ticket.String())
	for ctx.Err() == nil {
		err := c.commit(ctx, []*op{o})
		if err == nil {
			return
		}
		if isDataError(err) && !o.disarm() {
			o.result <- opResult{err: err}
			return
		}
		pause(ctx, lockedPause)
	}
}

// disarm takes out of a poisonous finish what came from outside, a little more
// each time, until it can be stored; false when nothing is left to take.
func (o *op) disarm() bool { return o.finish != nil && o.finish.disarm() }

// commit runs one batch as one implicit transaction in one round trip and
// answers its operations.
func (c *Committer) commit(ctx context.Context, batch []*op) error {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if batch[0].finish == nil { // a flush holds starts or finishes, never both
		defer c.ledger.claims.enter()()
	}
	answers := make(map[job.Ticket]opResult, len(batch))
	b := buildBatch(c.ledger.effects, c.workerID, batch, answers)
	if err := c.ledger.pool.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	c.ledger.metrics.batch.Observe(float64(len(batch)))
	for _, o := range batch {
		r, ok := answers[o.ticket]
		if !ok {
			r = opResult{verdict: gone}
		}
		if r.verdict == locked {
			c.again(ctx, o)
			continue
		}
		o.result <- r
	}
	return nil
}

// again puts an operation whose row somebody holds back into the queue a
// moment later, so that it delays only itself.
func (c *Committer) again(ctx context.Context, o *op) {
	c.ledger.log.DebugContext(ctx, "row is locked, trying again", "job", o.ticket.String())
	time.AfterFunc(lockedPause, func() {
		select {
		case c.queue(o) <- o:
		case <-c.stopped:
		}
	})
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
