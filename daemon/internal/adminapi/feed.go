package adminapi

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

const (
	feedEvery = time.Second     // between two looks, for all viewers
	feedTime  = 5 * time.Second // of one look
	feedKept  = 4096            // events that a viewer may be behind
)

// feed is what happens, read once a second for all who follow it, and not at all
// while nobody does.
type feed struct {
	h     *handler
	seats seats

	mu      sync.Mutex
	viewers int
	reader  *reader
}

func newFeed(h *handler) *feed { return &feed{h: h} }

// join returns the reader, and starts it for the first viewer.
func (f *feed) join(ctx context.Context) *reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.viewers++; f.viewers == 1 {
		reading, stop := context.WithCancel(context.WithoutCancel(ctx)) // it outlives its first viewer
		f.reader = &reader{stop: stop, turned: make(chan struct{}), seen: map[string]bool{}}
		go f.reader.run(reading, f.h)
	}
	return f.reader
}

func (f *feed) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.viewers--; f.viewers == 0 {
		f.reader.stop()
	}
}

// reader keeps the newest events. Their places go up by one.
type reader struct {
	stop context.CancelFunc

	mu     sync.Mutex
	looked bool // once at least: what is not in the past of a viewer comes here
	err    error
	events []inspect.Event
	first  int64           // place of events[0]
	seen   map[string]bool // ids of events: what carries no transaction comes twice
	turned chan struct{}   // closed after the next look
}

func (r *reader) run(ctx context.Context, h *handler) {
	t := time.NewTicker(feedEvery)
	defer t.Stop()
	from := inspect.FeedCursor{At: h.Now()}
	for {
		looking, cancel := context.WithTimeout(ctx, feedTime)
		events, next, err := h.Failures.Feed(looking, from, inspect.FeedFilter{})
		cancel()
		if err == nil {
			from = next
		}
		r.put(events, err)
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

func (r *reader) put(events []inspect.Event, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err, r.looked = err, r.looked || err == nil
	for _, e := range events {
		if err == nil && !r.seen[e.ID] {
			r.seen[e.ID] = true
			r.events = append(r.events, e)
		}
	}
	if over := len(r.events) - feedKept; over > 0 {
		for _, e := range r.events[:over] {
			delete(r.seen, e.ID)
		}
		r.events, r.first = slices.Delete(r.events, 0, over), r.first+int64(over)
	}
	close(r.turned)
	r.turned = make(chan struct{})
}

// turn is closed after the next look.
func (r *reader) turn() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.turned
}

// after returns what came after a place and the place of the next; below 0: from
// now on. It is not ready before the first look.
func (r *reader) after(place int64) (events []inspect.Event, next int64, ready bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next = r.first + int64(len(r.events))
	switch {
	case !r.looked || r.err != nil:
		return nil, place, r.looked, r.err
	case place < 0:
		return nil, next, true, nil
	case place < r.first:
		missed := inspect.Event{ID: "m" + idOf(r.first), What: inspect.EventMissed, At: r.events[0].At, Text: "you were too slow for all that happened: see `inboxctl jobs groups`"}
		return append([]inspect.Event{missed}, r.events...), next, true, nil
	}
	return slices.Clone(r.events[place-r.first:]), next, true, nil
}

// follower is one viewer of events. It reads its past by itself, once, after it has
// taken a place among what is to come: so it misses nothing.
type follower struct {
	h      *handler
	stream *stream
	from   inspect.FeedCursor
	filter inspect.FeedFilter
	bound  bool            // to an org: see wireEvent
	orgs   []string        // of the filter, by name
	place  int64           // below 0: none yet
	past   map[string]bool // ids it was sent of the past; nil: not read yet
}

// take sends what is new. A ledger that does not answer is asked again: the viewer
// is told, and misses nothing.
func (v *follower) take(ctx context.Context, r *reader) error {
	events, next, ready, err := r.after(v.place)
	switch {
	case err != nil:
		return v.stream.say(": the ledger does not answer\n\n")
	case !ready:
		return nil
	}
	if v.past == nil {
		v.place = next
		return v.takePast(ctx)
	}
	for _, e := range events {
		if v.wants(e) && !v.past[e.ID] {
			if err := v.send(e); err != nil {
				return err
			}
		}
	}
	v.place = next
	return nil
}

func (v *follower) takePast(ctx context.Context) error {
	looking, cancel := context.WithTimeout(ctx, feedTime)
	defer cancel()
	events, _, err := v.h.Failures.Feed(looking, v.from, v.filter)
	if err != nil {
		return v.stream.say(": the ledger does not answer\n\n")
	}
	past := map[string]bool{}
	for _, e := range events {
		past[e.ID] = true
		if err := v.send(e); err != nil {
			return err
		}
	}
	v.past = past
	return nil
}

// wants is the filter of the ledger. What names no org, queue or type concerns all.
func (v *follower) wants(e inspect.Event) bool {
	forAll := e.Org == "" && (e.Change == nil || e.ForAll)
	return (len(v.orgs) == 0 || forAll || slices.Contains(v.orgs, e.Org)) &&
		(e.What != inspect.EventLost || !v.filter.NoProcesses) &&
		(len(v.filter.Queues) == 0 || e.Queue == 0 || slices.Contains(v.filter.Queues, e.Queue)) &&
		(len(v.filter.Types) == 0 || e.Type == 0 || slices.Contains(v.filter.Types, e.Type))
}

func (v *follower) send(e inspect.Event) error {
	data, err := json.Marshal(wireEvent(e, v.bound))
	if err != nil {
		return err
	}
	return v.stream.send(e.ID, e.What, data)
}
