package dispatch

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/control"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// aloneShare and crowdShare are how much of all slots, in percent, one org may
// have under way. Alone it leaves a fifth free for a newcomer, who would
// otherwise wait for a whole job to end; a few share what one may have alone; in
// a crowd each may have a quarter, so that a few slow orgs cannot fill all slots.
const (
	aloneShare = 80
	crowdShare = 25
)

// caps says how many more jobs of each org may leave ready in this round.
type caps struct {
	most     int // per org, by the slots
	underWay map[int64]int
	control  *control.Snapshot
	now      time.Time
}

// newCaps counts what is under way in the slots that serve q. waiting is how
// many orgs want places there.
func newCaps(view job.Outlook, q job.Queue, waiting int, s *control.Snapshot, now time.Time) *caps {
	slots := view.Slots
	if q.Background() {
		slots = view.Background
	}
	share := max(crowdShare, aloneShare/max(1, waiting))
	c := &caps{most: max(1, slots*share/100), underWay: map[int64]int{}, control: s, now: now}
	for k, n := range view.UnderWay {
		if k.Queue.Background() == q.Background() {
			c.underWay[k.OrgID] += n
		}
	}
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
