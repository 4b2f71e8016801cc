package metasim

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"
)

// item is an update waiting for its time, or a POST waiting for its repetition.
type item struct {
	due    time.Time
	seq    uint64 // keeps equal times in order
	update *update
	post   *post
}

type itemHeap []*item

// Len, Less, Swap, Push and Pop are for package heap.
func (h *itemHeap) Len() int { return len(*h) }

func (h *itemHeap) Less(i, j int) bool {
	a, b := (*h)[i], (*h)[j]
	if a.due.Equal(b.due) {
		return a.seq < b.seq
	}
	return a.due.Before(b.due)
}

func (h *itemHeap) Swap(i, j int) { (*h)[i], (*h)[j] = (*h)[j], (*h)[i] }

// Push appends x.
func (h *itemHeap) Push(x any) {
	it, _ := x.(*item) // Only schedule pushes, and items only.
	*h = append(*h, it)
}

// Pop removes the last item.
func (h *itemHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}

// queue holds what the webhooks still have to say, in order of due time. Safe
// for concurrent use.
type queue struct {
	wake chan struct{} // holds one token when the head may have changed

	mu         sync.Mutex
	items      itemHeap
	seq        uint64
	pending    int // updates queued or in a POST that has not got 200 yet
	duplicated int64
	drains     int // while above 0 nothing but a repetition waits for its time
	idle       []chan struct{}
	ready      bool // webhooks have a target and posters run
	batchMax   int
	batchWait  time.Duration
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

func (q *queue) configure(s Settings) {
	q.mu.Lock()
	q.batchMax, q.batchWait = s.BatchMax, millis(s.BatchWaitMS)
	q.mu.Unlock()
	q.nudge()
}

// setReady says whether POSTs can go out at all.
func (q *queue) setReady(ready bool) {
	q.mu.Lock()
	q.ready = ready
	q.mu.Unlock()
	q.nudge()
}

func (q *queue) open() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ready
}

// push queues an update to be posted after a delay.
func (q *queue) push(u *update, delay time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending++
	if q.drains > 0 {
		delay = 0
	}
	q.schedule(&item{due: time.Now().Add(delay), update: u})
}

// pushAgain queues the second delivery of an update.
func (q *queue) pushAgain(u *update, delay time.Duration) {
	q.push(u, delay)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.duplicated++
}

// pushNow queues an update that does not wait for company either.
func (q *queue) pushNow(u *update) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending++
	q.schedule(&item{due: time.Now().Add(-q.batchWait), update: u})
}

// retry queues a failed POST as it was, bytes and all.
func (q *queue) retry(p *post, delay time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.schedule(&item{due: time.Now().Add(delay), post: p})
}

// schedule inserts an item; the caller holds the lock.
func (q *queue) schedule(it *item) {
	q.seq++
	it.seq = q.seq
	heap.Push(&q.items, it)
	if q.items[0] == it {
		q.nudge()
	}
}

func (q *queue) nudge() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// delivered counts updates whose POST got 200.
func (q *queue) delivered(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.pending -= n; q.pending == 0 {
		for _, c := range q.idle {
			close(c)
		}
		q.idle = nil
	}
}

// take removes what is due now: repetitions first, then fresh updates of each
// product up to the batch size. With nothing due it returns how long to wait.
func (q *queue) take(now time.Time) (again []*post, whatsapp, instagram []*update, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	const forever = time.Hour
	if !q.ready || len(q.items) == 0 {
		return nil, nil, nil, forever
	}
	company := q.batchWait
	if q.drains > 0 {
		company = 0
	}
	if wait = q.items[0].due.Add(company).Sub(now); wait > 0 {
		return nil, nil, nil, wait
	}
	for len(q.items) > 0 && !q.items[0].due.After(now) && max(len(whatsapp), len(instagram)) < q.batchMax {
		it, _ := heap.Pop(&q.items).(*item)
		switch {
		case it.post != nil:
			again = append(again, it.post)
		case it.update.instagram():
			instagram = append(instagram, it.update)
		default:
			whatsapp = append(whatsapp, it.update)
		}
	}
	return again, whatsapp, instagram, 0
}

// drain makes every queued update due and waits until all have got 200 or stop
// is closed. Repetitions keep their delays.
func (q *queue) drain(ctx context.Context, stop <-chan struct{}) error {
	q.mu.Lock()
	if q.pending == 0 {
		q.mu.Unlock()
		return nil
	}
	idle := make(chan struct{})
	q.idle = append(q.idle, idle)
	q.drains++
	now := time.Now()
	for _, it := range q.items {
		if it.post == nil && it.due.After(now) {
			it.due = now
		}
	}
	heap.Init(&q.items)
	q.mu.Unlock()
	q.nudge()
	defer func() {
		q.mu.Lock()
		q.drains--
		q.mu.Unlock()
	}()
	select {
	case <-idle:
		return nil
	case <-stop:
		return errors.New("the simulator was stopped")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *queue) stats() (pending int, duplicated int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pending, q.duplicated
}
