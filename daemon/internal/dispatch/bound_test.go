package dispatch_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/dispatch"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// world is a ledger, slots and a Redis without faults, in synctest's time: each
// job takes a tenth of a second.
type world struct {
	slots int
	wake  func()

	mu      sync.Mutex
	ready   map[int64]int
	flying  map[int64]int
	busy    int
	onRedis []int64       // copies that wait for a slot, by org
	done    map[int64]int // started
	began   map[int64]time.Time
	next    int64
}

const jobTime = 100 * time.Millisecond

func (w *world) Poll(context.Context) (job.Outlook, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := job.Outlook{Slots: w.slots, UnderWay: map[job.OrgInQueue]int{}, OnRedis: map[job.Queue]int{}}
	for org, n := range w.ready {
		if n > 0 {
			out.Backlog = append(out.Backlog, messages(org)...)
		}
	}
	slices.SortFunc(out.Backlog, func(a, b job.Backlog) int { return int(a.OrgID - b.OrgID) })
	for org, n := range w.flying {
		out.UnderWay[job.OrgInQueue{OrgID: org, Queue: job.WhatsApp}] = n
		out.OnRedis[job.WhatsApp] += n
	}
	return out, nil
}

func (w *world) leave(p job.Pick) (orgs []int64) {
	for _, s := range p.Shares {
		for range min(s.Limit, w.ready[s.OrgID]) {
			orgs = append(orgs, s.OrgID)
			w.ready[s.OrgID]--
			w.flying[s.OrgID]++
		}
	}
	return orgs
}

func (w *world) Take(_ context.Context, p job.Pick, _ int64) (got []job.Claimed, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, org := range w.leave(p) {
		w.next++
		got = append(got, job.Claimed{ID: w.next, Epoch: 1, OrgID: org, Queue: p.Queue, Type: p.Type})
	}
	return got, nil
}

func (w *world) Dispatch(_ context.Context, p job.Pick, _ int64) (got []job.HandOut, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, org := range w.leave(p) {
		w.next++
		got = append(got, job.HandOut{Ticket: job.Ticket{ID: w.next, Epoch: int32(org)}, OrgID: org})
	}
	return got, nil
}

func (*world) Recall(context.Context, string, []job.Ticket) (int, error)       { return 0, nil }
func (*world) RecallOlder(context.Context, string, time.Duration) (int, error) { return 0, nil }
func (*world) RecallOwn(context.Context, string, int64) (int, error)           { return 0, nil }
func (*world) Defer(context.Context, []job.Deferral, int64) error              { return nil }
func (*world) Expired() int                                                    { return 0 }
func (*world) Share() int                                                      { return 100 }
func (*world) Handles(job.Type) bool                                           { return true }
func (*world) Probing(job.Queue) bool                                          { return false }

func (w *world) Enqueue(_ context.Context, _ job.Queue, _ job.Type, tickets []job.Ticket) []job.Ticket {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range tickets {
		w.onRedis = append(w.onRedis, int64(t.Epoch))
	}
	w.pull()
	return nil
}

func (w *world) Reserve(_ job.Queue, n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n = min(n, w.slots-w.busy)
	w.busy += n
	return n
}

func (w *world) Unreserve(_ job.Queue, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy -= n
}

func (w *world) Run(_ context.Context, c job.Claimed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.start(c.OrgID)
}

// start runs a job in a slot that is counted already.
func (w *world) start(org int64) {
	w.done[org]++
	if w.began[org].IsZero() {
		w.began[org] = time.Now()
	}
	time.AfterFunc(jobTime, func() {
		w.mu.Lock()
		w.busy--
		w.flying[org]--
		w.pull()
		w.mu.Unlock()
		w.wake()
	})
}

// pull starts copies as far as slots are free.
func (w *world) pull() {
	for len(w.onRedis) > 0 && w.busy < w.slots {
		org := w.onRedis[0]
		w.onRedis = w.onRedis[1:]
		w.busy++
		w.start(org)
	}
}

// arrive makes a job of org ready now.
func (w *world) arrive(org int64, n int) {
	w.mu.Lock()
	w.ready[org] += n
	w.mu.Unlock()
	w.wake()
}

// settle lets what runs end.
func settle() {
	time.Sleep(time.Second) //nolint:forbidigo // synctest's time
	synctest.Wait()
}

func newWorld(t *testing.T, slots, dial int) (*world, *dispatch.Dispatcher) {
	t.Helper()
	w := &world{slots: slots, ready: map[int64]int{}, flying: map[int64]int{}, done: map[int64]int{}, began: map[int64]time.Time{}}
	d, err := dispatch.New(dispatch.Options{
		Poller: w, Ledger: w, Remote: w, Runner: w, WorkerID: workerID, Dial: dial,
		Control: func() *control.Snapshot { return control.New(0, nil, nil, nil) }, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	w.wake = d.Wake
	return w, d
}

// The promise to every org: whatever the others have queued, a job that nothing
// stops starts within (window + quantum × active orgs) ÷ throughput.
func TestWaitBound(t *testing.T) {
	t.Parallel()
	for _, dial := range []int{0, 100} {
		for _, flood := range []int{1, 3, 60} {
			t.Run(fmt.Sprintf("Dial%dOrgs%d", dial, flood), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					const slots, newcomer = 20, 9999
					w, d := newWorld(t, slots, dial)
					for i := range flood {
						w.ready[int64(1+i)] = 100_000
					}
					stop := run(t, d)
					time.Sleep(3 * time.Second) //nolint:forbidigo // synctest's time
					asked := time.Now()
					w.arrive(newcomer, 1)
					time.Sleep(3 * time.Second) //nolint:forbidigo // synctest's time
					stop()
					settle()
					window := slots*5/4 + 16
					throughput := float64(slots) / jobTime.Seconds()
					bound := time.Duration(float64(window+flood+1) / throughput * float64(time.Second))
					require.NotZero(t, w.began[newcomer])
					require.LessOrEqual(t, w.began[newcomer].Sub(asked), bound)
				})
			})
		}
	}
}

// Alone against a flood a newcomer does not wait at all: a fifth of the slots is
// kept free for it.
func TestNewcomerFindsAFreeSlot(t *testing.T) {
	t.Parallel()
	for _, dial := range []int{0, 100} {
		synctest.Test(t, func(t *testing.T) {
			w, d := newWorld(t, 20, dial)
			w.ready[1] = 100_000
			stop := run(t, d)
			time.Sleep(3 * time.Second) //nolint:forbidigo // synctest's time
			asked := time.Now()
			w.arrive(2, 1)
			time.Sleep(time.Second) //nolint:forbidigo // synctest's time
			stop()
			settle()
			require.Zero(t, w.began[2].Sub(asked))
		})
	}
}

// Under saturation orgs of equal weight get equal parts of the slots: Jain's
// index of what they got is at least 0.95 (R. Jain et al., A Quantitative
// Measure of Fairness, DEC-TR-301).
func TestJainIndexUnderSaturation(t *testing.T) {
	t.Parallel()
	for _, dial := range []int{0, 50, 100} {
		synctest.Test(t, func(t *testing.T) {
			w, d := newWorld(t, 20, dial)
			for i := range 30 {
				w.ready[int64(1+i)] = 1000 * (1 + i)
			}
			stop := run(t, d)
			time.Sleep(10 * time.Second) //nolint:forbidigo // synctest's time
			stop()
			settle()
			sum, squares := 0.0, 0.0
			for i := range 30 {
				x := float64(w.done[int64(1+i)])
				sum += x
				squares += x * x
			}
			jain := sum * sum / (30 * squares)
			t.Logf("dial %d: Jain's index %.4f over %.0f jobs", dial, jain, sum)
			require.GreaterOrEqual(t, jain, 0.95)
		})
	}
}
