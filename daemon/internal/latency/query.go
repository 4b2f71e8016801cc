package latency

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// By is what an answer is split by.
type By string

// The splits.
const (
	ByType  By = "type"
	ByQueue By = "queue"
	ByOrg   By = "org"
)

// Splits lists them in the order operators see them.
func Splits() []By { return []By{ByType, ByQueue, ByOrg} }

// Query asks for times. Zero fields do not narrow.
type Query struct {
	By     By
	Window time.Duration // one of Windows
	OrgID  int64
	Queue  job.Queue
	Type   job.Type
	Limit  int // most orgs with ByOrg, the busiest; 0: 50
}

// Group is one line of an answer. Only what the answer is split by is set.
type Group struct {
	Key

	Org   string // name, with ByOrg
	Times *Times
}

// Answer is what was found between Since and AsOf, by the database's clock: it
// reaches as far back as the window, and on to the beginning of a slot.
type Answer struct {
	Groups  []Group
	Since   time.Time
	AsOf    time.Time
	Partial bool // some orgs are not counted: there was no room for them
}

// group returns the line a key belongs to; ok is false if it was not asked for.
func (q Query) group(k Key) (g Key, ok bool) {
	if q.Queue != 0 && q.Queue != k.Queue || q.Type != 0 && q.Type != k.Type {
		return g, false
	}
	switch q.By {
	case ByType:
		g.Type = k.Type
	case ByQueue:
		g.Queue = k.Queue
	case ByOrg:
		g.OrgID = k.OrgID
	}
	return g, true
}

// alone reports whether the question is about single orgs.
func (q Query) alone() bool { return q.OrgID != 0 || q.By == ByOrg }
