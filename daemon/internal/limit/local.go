package limit

import (
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// local is what this process counts by itself while Redis is away, or where
// there is none.
type local struct {
	o    Options
	away atomic.Bool // written under mu when it turns false

	mu       sync.Mutex
	rings    map[window]*ring
	numbers  map[int64][]int64 // stamps by channel, oldest first
	pairs    map[int64]int64   // by conversation: when all time for what was sent is over
	swept    int64             // when idle entries were last dropped
	newStamp int64             // no two times run backwards
}

func newLocal(o Options) *local {
	l := &local{o: o}
	l.clear()
	return l
}

func (l *local) clear() {
	l.rings, l.numbers, l.pairs = map[window]*ring{}, map[int64][]int64{}, map[int64]int64{}
}

// now returns the time in microseconds, never earlier than before.
func (l *local) now() int64 {
	l.newStamp = max(l.newStamp, l.o.Now().UnixMicro())
	return l.newStamp
}

// answer serves a check from this process's share. If Redis has come back
// meanwhile it does nothing, unless it must.
func (l *local) answer(c *check, must bool) {
	processes := l.o.processesOf(c.use)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !must && !l.away.Load() {
		return // what was given here has been told to Redis
	}
	now, length := l.now(), c.length.Microseconds()
	r := l.ring(c.window)
	r.length = max(r.length, c.length)
	r.trim(now - max(longest, r.length).Microseconds())
	free := func(at int64) int {
		edge := at - length
		return share(c.cap, within(r.starts, edge), processes) - within(r.own, edge)
	}
	a := answer{answered: true, local: true, stamp: -now, granted: max(0, min(c.want, free(now)))}
	for range a.granted {
		r.own = append(r.own, now)
	}
	if free(now) <= 0 { // it only grows with time: the first moment at which one is free is found by halving
		a.wait = int64(sort.Search(int(length), func(d int) bool { return free(now+int64(d)) > 0 }))
	}
	a.used = c.cap - max(0, free(now))
	if n := within(r.own, now-length); n > 0 {
		a.back = r.own[len(r.own)-n] + length - now
	}
	c.answer = a
	l.sweep(now)
}

func (l *local) ring(w window) *ring {
	r, ok := l.rings[w]
	if !ok {
		r = &ring{}
		l.rings[w] = r
	}
	return r
}

// unseeded returns the checks whose windows do not know enough of the ledger.
func (l *local) unseeded(checks []*check) (fresh []*check) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range checks {
		r := l.ring(c.window)
		if r.whole == 0 || r.whole > l.now()-c.length.Microseconds() {
			fresh = append(fresh, c)
		}
	}
	return fresh
}

// seed remembers what the ledger knew. A window that grows takes only what it
// did not know: its own tokens are in the ledger too by now.
func (l *local) seed(starts map[job.Span][]time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for s, times := range starts {
		r := l.ring(window{useOut, s.OrgID, s.Action})
		from := now - s.Window.Microseconds()
		if r.whole != 0 && r.whole <= from {
			continue
		}
		known := stamps(times)
		if r.whole != 0 {
			known = known[:len(known)-within(known, r.whole-1)]
		}
		r.starts = append(known, r.starts...)
		slices.Sort(r.starts)
		r.whole = from
	}
}

func (l *local) giveBack(back returned) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.rings[back.window]
	if !ok {
		return
	}
	i, _ := slices.BinarySearch(r.own, -back.stamp)
	j, _ := slices.BinarySearch(r.own, -back.stamp+1)
	r.own = slices.Delete(r.own, i, min(j, i+back.n))
}

// handOver gives all that was counted here to tell, and forgets it if that went
// well.
func (l *local) handOver(tell func(map[window]*ring) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := tell(l.rings); err != nil {
		return err
	}
	l.clear()
	l.away.Store(false)
	return nil
}

// sweep drops, once a minute, what no window can ask for any more.
func (l *local) sweep(now int64) {
	if now-l.swept < time.Minute.Microseconds() {
		return
	}
	l.swept = now
	for w, r := range l.rings {
		r.trim(now - max(longest, r.length).Microseconds())
		if len(r.own)+len(r.starts) == 0 && r.whole < now-longest.Microseconds() {
			delete(l.rings, w)
		}
	}
	for id, stamps := range l.numbers {
		if len(stamps) == 0 || stamps[len(stamps)-1] < now-time.Minute.Microseconds() {
			delete(l.numbers, id)
		}
	}
	for id, over := range l.pairs {
		if over < now {
			delete(l.pairs, id)
		}
	}
}
