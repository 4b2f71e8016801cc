// Package operation holds the words of bulk changes: what an operator can ask
// to be done with many jobs, the plan that comes back, and how far it is. The
// ledger does it, the admin API asks. It owns definitions; it refuses
// behaviour.
package operation

import (
	"encoding/json"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
)

// Kind is what is done with each job.
type Kind string

// The kinds.
const (
	Retry   Kind = "retry"   // T18: dead jobs run again
	Cancel  Kind = "cancel"  // T15, T16: jobs that wait end, running ones are asked to stop
	Discard Kind = "discard" // T19: dead and held jobs end
	Hold    Kind = "hold"    // T17: jobs that wait stay where they are
	Release Kind = "release" // T17: held jobs wait again
	Resolve Kind = "resolve" // T13, T14: uncertain jobs are settled
	Undo    Kind = "undo"    // what another operation did is taken back
)

// Takes lists the states of the jobs this kind changes. Of an undo that depends
// on what it undoes.
func (k Kind) Takes() []job.State {
	switch k {
	case Retry:
		return []job.State{job.Dead}
	case Cancel:
		return []job.State{job.Scheduled, job.Ready, job.Dispatched, job.Running, job.Held}
	case Discard:
		return []job.State{job.Dead, job.Held}
	case Hold:
		return []job.State{job.Scheduled, job.Ready, job.Dispatched}
	case Release:
		return []job.State{job.Held}
	case Resolve:
		return []job.State{job.Uncertain}
	case Undo:
	}
	return nil
}

// Undoable reports whether an operation of this kind can be taken back.
func (k Kind) Undoable() bool { return k != Resolve && k != Undo }

// State is where an operation is.
type State string

// The states.
const (
	Planned  State = "planned"
	Expired  State = "expired" // never committed
	Running  State = "running"
	Aborting State = "aborting" // the chunk under way is the last
	Aborted  State = "aborted"
	Done     State = "done"
	Failed   State = "failed"
)

// Ended reports whether nothing more will be changed.
func (s State) Ended() bool { return s != Planned && s != Running && s != Aborting }

// PlanLife is how long a plan can be committed.
const PlanLife = 10 * time.Minute

// Request asks for a plan.
type Request struct {
	Kind     Kind
	Filter   inspect.Filter     // which jobs; not of an undo
	Selector json.RawMessage    // the same in the words of whoever asks; not of an undo
	As       inspect.Resolution // of a resolve
	Undo     int64              // the operation to undo
	OrgID    int64              // that the caller is bound to; 0: none
	Actor    string
	Reason   string
}

// Terms say how a plan is carried out.
type Terms struct {
	Rate    float64  // jobs a second, at most; 0: as fast as it goes
	Canary  int      // jobs that go first; 0: none
	AbortIf *float64 // share of failures over which it stops
	Max     *int64   // Conflict if the plan has more jobs
}

// Plan is what would happen, counted at one moment.
type Plan struct {
	ByOrg         []inspect.OrgCount `json:"by_org"`
	Skipped       []Skip             `json:"skipped"`
	Customers     *int64             `json:"customers"`
	OutsideWindow *int64             `json:"outside_window"` // nil: nothing is sent
	MaybeSent     *int64             `json:"maybe_sent"`
	Warnings      []string           `json:"warnings"`
}

// Skip counts jobs that are left alone, by reason.
type Skip struct {
	Reason string `json:"reason"`
	N      int64  `json:"n"`
}

// Operation is one bulk change as it is now.
type Operation struct {
	ID       int64
	Kind     Kind
	State    State
	OrgID    int64           // the only org it touches; 0: several
	Selector json.RawMessage // nil: an undo
	As       inspect.Resolution
	UndoOf   int64 // 0: no undo
	UndoKind Kind  // what was undone
	UndoneBy int64 // 0: not undone
	Actor    string
	Reason   string
	Plan     Plan
	Matched  int64

	Rate         float64
	Canary       int
	CanaryPassed bool
	AbortIf      *float64

	Visited     int64
	Done        int64
	Failed      int64
	Skipped     []Skip // most first
	Succeeded   int64
	FailedAgain int64
	Error       string

	CreatedAt   time.Time
	ExpiresAt   time.Time
	CommittedAt time.Time // zero: not yet
	FinishedAt  time.Time // zero: not yet
}

// Result is what became of one job. The numbers are stored.
type Result int16

// The results. A Locked job comes again.
const (
	JobLocked  Result = 0
	JobDone    Result = 1
	JobSkipped Result = 2
	JobFailed  Result = 3
)

// String returns the public word.
func (r Result) String() string {
	return [...]string{"locked", "done", "skipped", "failed"}[r&3]
}

// Item is one job of an operation.
type Item struct {
	JobID  int64
	Org    string
	Result Result
	Reason string
}
