package inspect

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Hold is an operator's pause, over or not. Zero fields mean any.
type Hold struct {
	ID         int64
	Org        string
	Queue      job.Queue
	Type       job.Type
	Owner      string
	Reason     string
	CreatedAt  time.Time
	ExpiresAt  *time.Time
	ReleasedAt *time.Time
	ReleasedBy string
}

// EndedAt is when it was over, nil while it is not.
func (h Hold) EndedAt(now time.Time) *time.Time {
	switch {
	case h.ReleasedAt != nil:
		return h.ReleasedAt
	case h.ExpiresAt != nil && !now.Before(*h.ExpiresAt):
		return h.ExpiresAt
	}
	return nil
}

// Situation is everything around a job that may keep it from starting, as the
// ledger saw it at Now.
type Situation struct {
	Job

	Now             time.Time // the database's clock
	Epoch           int32     // 0: never handed out
	CancelRequested bool
	Throttled       int // throttles in a row
	DispatchedAt    *time.Time
	Place           int // of its conversation on the scale of the dial, 0 to 99

	Holds    []Hold   // that cover it now, oldest first
	Channel  *Channel // it goes out by; nil: none
	Resting  []Rest   // that cover it now
	Message  *Message // it sends; nil: none, or gone
	Ahead    *Blocker // the first job of its conversation that goes before; nil: none
	Waiting  int64    // jobs of its org, queue and type that are ready and before it, at most 10000
	Neighbor int64    // orgs that have ready work in its queue, at most 100

	Workers  int64 // live processes that run jobs
	Slots    int   // of theirs, of the kind it runs in
	UnderWay int   // jobs in them
	OfOrg    int   // of these, of its org
	Crowd    int   // orgs with jobs under way in them, or ready
	Process  *Process
}

// Channel is a number or account as a job's way out.
type Channel struct {
	ID          int64
	Kind        inbox.ChannelKind
	ExternalID  string
	State       inbox.ChannelState
	Reason      string
	Restriction inbox.Restriction // of this job's message; zero: none
}

// Rest is something the provider has throttled. Scope is app, provider, waba or
// channel.
type Rest struct {
	Scope job.Scope
	Until time.Time
	Class job.Class
	Code  int
}

// Blocker is a job that must go first, because it is of the same conversation.
type Blocker struct {
	ID      int64
	State   job.State
	Since   time.Time
	RunAt   time.Time
	Younger bool // it goes first for its better priority
}

// Message is what a job sends, and what became of it.
type Message struct {
	ID            int64
	Kind          inbox.MessageKind
	Status        inbox.MessageStatus
	JobID         int64 // the latest job that sends it
	LastInboundAt time.Time
	SentAt        *time.Time
	DeliveredAt   *time.Time
	ReadAt        *time.Time
	FailedAt      *time.Time
	Class         job.Class
	Error         string
}

// Operation is a bulk change that touched a job.
type Operation struct {
	ID     int64
	Kind   string
	Actor  string
	Reason string
	Result string
	At     time.Time
}

// Cause is one thing that keeps a job where it is. One that does not hold is
// only information. Empty and nil are for what there is none of.
type Cause struct {
	Code    string
	Holds   bool
	Who     string
	Since   *time.Time
	Until   *time.Time
	Text    string
	Command string // of inboxctl, that removes it
}

// Why is a job with everything that keeps it where it is, what binds first
// coming first.
type Why struct {
	Job

	Causes []Cause
}

// Moment is one line of a job's story. Took is how long it lasted, nil if it is a
// point in time or not known; one that goes on lasts until now.
type Moment struct {
	At    time.Time
	Event string // created, scheduled, wait, hold, attempt, backoff, operation, finished, or a status of the message
	Who   string
	Text  string
	Took  *time.Duration
}
