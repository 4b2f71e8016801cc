package dispatch

import (
	"math"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// smallestWindow is what is left of a window that keeps expiring.
const smallestWindow = 4

const (
	leastSlack = 4
	roundTrip  = 20 * time.Millisecond // from a slot that is free to the next copy that was handed out for it
)

// window bounds how many jobs of a queue are outside ready on the redis lane: the
// slots that run them, and as many copies as slots take up until the next round.
// Each copy that waits there is one that whoever comes now waits for; everything
// else stays where pause, cancel and fairness can reach it. Tickets that were too
// old when they came to a slot say that the slots are slower than that: then it
// halves, and grows by one with every second without another.
type window struct {
	bound int // 0: none
	since time.Time

	// pace is how many jobs were handed out here in about the last second. Where
	// several processes do that, each makes its own rounds, so that less is taken up
	// between two of them.
	pace map[job.Queue]float64
	at   time.Time // of pace
}

// full is the largest window of so many slots.
func full(slots int) int { return (slots*5+3)/4 + 16 }

// note takes how many tickets have expired since the last round.
func (w *window) note(expired, slots int, now time.Time) {
	for q := range w.pace {
		w.pace[q] *= math.Exp(-now.Sub(w.at).Seconds())
	}
	w.at = now
	switch {
	case expired > 0:
		if w.bound == 0 {
			w.bound = slots + leastSlack
		}
		w.bound, w.since = max(smallestWindow, w.bound/2), now
	case w.bound > 0:
		grown := int(now.Sub(w.since) / time.Second)
		if w.bound += grown; w.bound >= full(slots) {
			w.bound = 0
		}
		w.since = w.since.Add(time.Duration(grown) * time.Second)
	}
}

// handed takes how many jobs of a queue have just left.
func (w *window) handed(q job.Queue, n int) {
	if w.pace == nil {
		w.pace = map[job.Queue]float64{}
	}
	w.pace[q] += float64(n)
}

// sizes returns how many jobs of each queue may be on the redis lane.
func (w *window) sizes(view job.Outlook) map[job.Queue]int {
	sizes := map[job.Queue]int{}
	for _, q := range job.Queues() {
		slots := view.Slots
		if q.Background() {
			slots = view.Background
		}
		size := min(slots+max(leastSlack, int(w.pace[q]*roundTrip.Seconds())), full(slots))
		if w.bound > 0 {
			size = min(size, w.bound)
		}
		sizes[q] = size
	}
	return sizes
}

// left returns how many more jobs of each queue may be on the redis lane.
func (w *window) left(view job.Outlook) map[job.Queue]int {
	left := w.sizes(view)
	for q := range left {
		left[q] -= view.OnRedis[q]
	}
	return left
}
