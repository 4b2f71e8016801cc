package latency

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// What a slot of a window costs, per key that had work in it: the key and its
// cell, and the buckets in use. A key that is busy in every slot of every level
// is in 168 of them (61 + 31 + 36, and 40 for all orgs together); one without
// work costs nothing as soon as its slots have passed.
const (
	cellBytes  = 176
	countBytes = 16 // of a bucket in use, 8 and the room a slice keeps
	// defaultBytes bounds the single orgs: with 50,000 of them at work it holds
	// the last 5 minutes or more of each, and what does not fit is read from the
	// ledger when somebody asks. All orgs together are always held.
	defaultBytes = 96 << 20
)

// Windows lists what can be asked for.
func Windows() []time.Duration {
	return []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 24 * time.Hour}
}

// windows holds the histograms of the last day: rings of slots, finer for
// shorter windows. A window covers its length and what has passed of the newest
// slot. Safe for concurrent use.
type windows struct {
	mu     sync.Mutex
	levels [4]level
	bytes  int // of single orgs
	most   int
	asOf   time.Time // by the database's clock: everything before was counted
}

// level is one ring. A row is in each level once.
type level struct {
	width time.Duration
	long  time.Duration // longest window it answers
	orgs  bool          // single orgs too; a day of them is in the roll-ups
	ring  []slot
}

type slot struct {
	index   int64 // time divided by width; 0: unused
	bytes   int
	partial bool // some orgs are missing
	cells   map[Key]*Times
}

func newWindows(most int) *windows {
	return &windows{most: cmp.Or(most, defaultBytes), levels: [4]level{
		{width: 5 * time.Second, long: 5 * time.Minute, orgs: true, ring: make([]slot, 61)},
		{width: 30 * time.Second, long: 15 * time.Minute, orgs: true, ring: make([]slot, 31)},
		{width: 2 * time.Minute, long: time.Hour, orgs: true, ring: make([]slot, 36)}, // and until the hour is rolled up
		{width: time.Hour, long: 24 * time.Hour, ring: make([]slot, 26)},
	}}
}

const hourly = 3 // the level of a day

// level returns the finest ring that holds a window.
func (w *windows) level(window time.Duration) *level {
	for i := range w.levels {
		if window <= w.levels[i].long {
			return &w.levels[i]
		}
	}
	return &w.levels[hourly]
}

// advance says that everything up to now was counted, and drops what is too
// old for any window.
func (w *windows) advance(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asOf = now
	for i := range w.levels {
		l := &w.levels[i]
		oldest := l.at(now) - int64(len(l.ring)) + 1
		for j := range l.ring {
			if s := &l.ring[j]; s.cells != nil && s.index < oldest {
				w.drop(s)
			}
		}
	}
}

func (w *windows) drop(s *slot) {
	w.bytes -= s.bytes
	*s = slot{}
}

// add counts rows in every level they are young enough for.
func (w *windows) add(rows []Ended) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range rows {
		for i := range w.levels {
			w.count(&w.levels[i], e)
		}
	}
}

// addHours counts rows in the hourly level, or in all others.
func (w *windows) addHours(e Ended, hours bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.levels {
		if (i == hourly) == hours {
			w.count(&w.levels[i], e)
		}
	}
}

func (w *windows) count(l *level, e Ended) {
	s := w.slot(l, e.At)
	if s == nil {
		return
	}
	total := e.Key
	total.OrgID = 0
	w.cell(s, total).Add(e)
	if !l.orgs || e.OrgID == 0 {
		return
	}
	c := s.cells[e.Key]
	if c == nil {
		if w.bytes >= w.most {
			s.partial = true
			return
		}
		c = w.cell(s, e.Key)
		w.charge(s, cellBytes)
	}
	before := c.size()
	c.Add(e)
	w.charge(s, countBytes*(c.size()-before))
}

func (w *windows) charge(s *slot, bytes int) {
	s.bytes += bytes
	w.bytes += bytes
}

func (w *windows) cell(s *slot, k Key) *Times {
	c := s.cells[k]
	if c == nil {
		c = &Times{}
		s.cells[k] = c
	}
	return c
}

// slot returns the slot of a time; nil if the ring has gone past it.
func (w *windows) slot(l *level, at time.Time) *slot {
	index := l.at(at)
	s := &l.ring[index%int64(len(l.ring))]
	switch {
	case s.index > index:
		return nil
	case s.index < index || s.cells == nil:
		w.drop(s)
		s.index, s.cells = index, map[Key]*Times{}
	}
	return s
}

func (l *level) at(t time.Time) int64 { return t.UnixMicro() / l.width.Microseconds() }

// merge adds a whole histogram to the hour it is of.
func (w *windows) merge(k Key, hour time.Time, m Metric, h Histogram) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.slot(&w.levels[hourly], hour); s != nil {
		w.cell(s, k).Of(m).Merge(h)
	}
}

// since returns the beginning of the window that ends now.
func (w *windows) since(window time.Duration) time.Time {
	return w.asOf.Truncate(w.level(window).width).Add(-window)
}

// each calls f with every cell from a time on, and reports whether none of a
// single org is missing. Org -1 means every single org, 0 all together.
func (w *windows) each(l *level, from time.Time, org int64, f func(Key, *Times)) (whole bool) {
	whole = true
	first, last := l.at(from), l.at(w.asOf)
	for i := range l.ring {
		s := &l.ring[i]
		if s.cells == nil || s.index < first || s.index > last+1 {
			continue
		}
		whole = whole && !s.partial
		if org >= 0 {
			for _, k := range keysOf(org) {
				if c := s.cells[k]; c != nil {
					f(k, c)
				}
			}
			continue
		}
		for k, c := range s.cells {
			if k.OrgID != 0 {
				f(k, c)
			}
		}
	}
	return whole
}

// keysOf lists every key of an org.
func keysOf(org int64) (keys []Key) {
	for _, t := range job.Types() {
		for _, q := range t.Queues() {
			keys = append(keys, Key{org, q, t})
		}
	}
	return keys
}

// sum merges what q asks for within one level, by group.
func (w *windows) sum(q Query, l *level, from time.Time, into map[Key]*Times) (whole bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	org := q.OrgID
	if q.By == ByOrg && org == 0 {
		org = -1
	}
	return w.each(l, from, org, func(k Key, c *Times) {
		if g, ok := q.group(k); ok {
			t := into[g]
			if t == nil {
				t = &Times{}
				into[g] = t
			}
			t.Merge(c)
		}
	})
}

// sumOf merges the times of these orgs within one level, each by itself.
func (w *windows) sumOf(q Query, l *level, from time.Time, orgs []int64, into map[Key]*Times) {
	for _, org := range orgs {
		q.OrgID = org
		w.sum(q, l, from, into)
	}
}

// busiest returns the orgs with the most work within a level, and how much it
// was.
func (w *windows) busiest(q Query, l *level, from time.Time) (n map[int64]int64, whole bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n = map[int64]int64{}
	whole = w.each(l, from, -1, func(k Key, c *Times) {
		if _, ok := q.group(k); ok {
			n[k.OrgID] += c.n()
		}
	})
	return n, whole
}

// top returns the limit orgs with the most, the busiest first.
func top(n map[int64]int64, limit int) []int64 {
	orgs := make([]int64, 0, len(n))
	for org := range n {
		orgs = append(orgs, org)
	}
	slices.SortFunc(orgs, func(a, b int64) int { return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a, b)) })
	return orgs[:min(limit, len(orgs))]
}
