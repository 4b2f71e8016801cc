package dispatch

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// caps says how many more jobs of each org may leave ready in this round.
type caps struct {
	most     int // per org, by the slots
	underWay map[int64]int
	control  *control.Snapshot
	now      time.Time
}

// newCaps counts what is under way in the slots that serve q. Orgs that have
// something under way, or in lines, are the crowd: also one that is served as
// fast as it asks needs its slots.
func newCaps(view job.Outlook, q job.Queue, lines []job.Backlog, s *control.Snapshot, now time.Time) *caps {
	slots := view.Slots
	if q.Background() {
		slots = view.Background
	}
	c := &caps{underWay: map[int64]int{}, control: s, now: now}
	for k, n := range view.UnderWay {
		if k.Queue.Background() == q.Background() {
			c.underWay[k.OrgID] += n
		}
	}
	crowd := len(c.underWay)
	for i, l := range lines {
		if _, counted := c.underWay[l.OrgID]; !counted && (i == 0 || lines[i-1].OrgID != l.OrgID) {
			crowd++
		}
	}
	c.most = job.OrgShare(slots, crowd)
	return c
}

// room is what org may still hand out.
func (c *caps) room(org int64) int {
	most := c.most
	if own, ok := c.control.Concurrency(org, c.now); ok {
		most = min(most, own)
	}
	return max(0, most-c.underWay[org])
}

// used counts what has just left ready.
func (c *caps) used(org int64, n int) { c.underWay[org] += n }
