package inspect

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// What an Event can be, beside an action of the audit trail such as limits.set.
const (
	EventFailed    = "attempt_failed"
	EventDead      = "job_dead"
	EventUncertain = "job_uncertain"
	EventLost      = "process_dead"
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
	Change  *inbox.AuditEntry // of what an operator did
	ForAll  bool              // a change of no org that every org feels
}

// FeedFilter narrows a feed. What holds for all orgs, such as the pause of a queue,
// is in it for everybody.
type FeedFilter struct {
	OrgIDs      []int64
	Queues      []job.Queue
	Types       []job.Type
	NoProcesses bool // without the deaths of processes
}

// PastFilter chooses a page of what has happened: what came before an event, or
// before Until, or the newest.
type PastFilter struct {
	FeedFilter

	Since, Until time.Time // Until zero: now
	Before       EventKey
	Limit        int
}

// EventKey is the place of an event in the order of all. The zero EventKey is after
// them all.
type EventKey struct {
	At time.Time
	ID string
}

// FeedCursor is where a feed goes on: after a snapshot of the database and an
// entry of the audit trail. Without a snapshot it begins at At.
type FeedCursor struct {
	Snapshot string
	Entry    int64
	At       time.Time
}
