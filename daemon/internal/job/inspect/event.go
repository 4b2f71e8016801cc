package inspect

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// What an Event can be.
const (
	EventFailed    = "attempt_failed"
	EventDead      = "job_dead"
	EventUncertain = "job_uncertain"
	EventLost      = "process_dead"
	EventHeld      = "hold_added"
	EventReleased  = "hold_released"
	EventLimit     = "limit_set"
	EventDial      = "dial_set"
	EventMissed    = "events_missed"
)

// Event is something an operator would want to see as it happens. ID is the same
// in every process. Zero fields are for what there is none of.
type Event struct {
	ID      string
	What    string
	At      time.Time
	Org     string
	Queue   job.Queue
	Type    job.Type
	JobID   int64
	Attempt int
	Class   job.Class
	Code    *int
	Process string // host:pid
	Who     string
	Text    string
}

// FeedFilter narrows a feed. What concerns all orgs is in it for everybody.
type FeedFilter struct {
	OrgIDs []int64
	Queues []job.Queue
	Types  []job.Type
}

// FeedCursor is where a feed goes on: after a snapshot of the database. Without
// one it begins at At.
type FeedCursor struct {
	Snapshot string
	At       time.Time
}
