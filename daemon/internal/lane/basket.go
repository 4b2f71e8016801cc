package lane

import (
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// mostFetched bounds one fetch, and with it what a lost answer may cost.
const mostFetched = 64

// basket holds copies that were fetched and not yet asked for. They wait here
// while others could run them, so it never takes more than can begin here at
// once; and it asks for one at a time until a queue shows that it has more.
type basket struct {
	free func(job.Queue) int

	mu    sync.Mutex
	held  map[string][]*redis.Cmd
	next  map[string]int // how many to ask for
	under int            // held, or asked for beyond the first
}

func newBasket(free func(job.Queue) int) *basket {
	return &basket{free: free, held: map[string][]*redis.Cmd{}, next: map[string]int{}}
}

// take returns a copy; nil if there is none.
func (b *basket) take(queue string) *redis.Cmd {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.held[queue]
	if len(h) == 0 {
		return nil
	}
	b.held[queue] = h[1:]
	b.under--
	return h[0]
}

// begin says how many copies to ask for, and keeps their places until put.
func (b *basket) begin(queue string) int {
	q, _ := job.ParseQueue(queue)
	free := b.free(q)
	b.mu.Lock()
	defer b.mu.Unlock()
	n := max(1, min(b.next[queue], free-b.under, mostFetched))
	b.under += n - 1
	return n
}

// put takes the answers to what begin allowed. It returns the first copy, or an
// answer that says why there is none, and keeps the others.
func (b *basket) put(queue string, answers []*redis.Cmd) *redis.Cmd {
	b.mu.Lock()
	defer b.mu.Unlock()
	var got []*redis.Cmd
	first := answers[0]
	for _, a := range answers {
		switch err := a.Err(); {
		case err == nil:
			got = append(got, a)
		case !errors.Is(err, redis.Nil):
			first = a
		}
	}
	b.under -= len(answers) - 1
	b.next[queue] = 1
	if len(got) == 0 {
		return first
	}
	if len(got) == len(answers) {
		b.next[queue] = 2 * len(answers)
	}
	b.held[queue] = append(b.held[queue], got[1:]...)
	b.under += len(got) - 1
	return got[0]
}

// emptied returns when nothing is held any more, at the latest after a while:
// whoever stops pulling lets the Servers have what is here, or it would be missed.
// It reports whether nothing is held.
func (b *basket) emptied(most time.Duration) bool {
	t := time.NewTicker(5 * time.Millisecond)
	defer t.Stop()
	end := time.NewTimer(most)
	defer end.Stop()
	for {
		b.mu.Lock()
		empty := b.under == 0
		b.mu.Unlock()
		if empty {
			return true
		}
		select {
		case <-t.C:
		case <-end.C:
			return false
		}
	}
}
