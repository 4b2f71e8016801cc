// Package inspect holds what an operator can ask about the engine and what comes
// back: the filter, jobs with their attempts, queues, processes. The
// ledger answers, the admin API asks. It owns definitions; it refuses
// behaviour.
package inspect

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// Filter chooses jobs: each field narrows, several values of one field widen.
// The zero Filter is every live job. States, Outcomes and Retrying widen each
// other; with none of them live jobs are meant, and finished ones too if IDs is
// set.
type Filter struct {
	OrgIDs    []int64
	UserIDs   []int64
	IDs       []int64
	Queues    []job.Queue
	Types     []job.Type
	Classes   []job.Class
	Sigs      []string // error signatures, of live jobs only
	States    []job.State
	Outcomes  []job.Outcome
	Retrying  bool          // scheduled, and tried before
	Since     time.Time     // created at or after; zero: no bound
	Until     time.Time     // created before; zero: no bound
	OlderThan time.Duration // created longer ago; 0: no bound
	Before    int64         // only smaller ids; 0: from the newest
	Oldest    bool          // a list is oldest first
	After     int64         // only greater ids; 0: from the oldest
	Limit     int           // at most so many; 0: 50
}

// Job is a job as it is now. Outcome is 0 while it lives; then State means
// nothing. Pointers are nil where the ledger does not know.
type Job struct {
	ID, OrgID   int64
	Org, User   string // User is empty for none
	Queue       job.Queue
	Type        job.Type
	Priority    job.Priority
	State       job.State
	Outcome     job.Outcome
	Attempt     int
	MaxAttempts *int
	Lane        job.Lane
	RunEpoch    int32
	WorkerID    int64 // 0: none
	Class       job.Class
	ErrorCode   *int
	Error       string
	Sig         string // signature of the error; empty: no error, or finished
	SerialKey   int64  // 0: none
	SubjectID   int64  // 0: none
	CreatedAt   time.Time
	RunAt       *time.Time
	ReadyAt     *time.Time
	StartedAt   *time.Time
	FinishedAt  *time.Time
	DeadlineAt  *time.Time
}

// Word returns the public word of the job's state or outcome.
func (j Job) Word() string {
	if j.Outcome != 0 {
		return j.Outcome.String()
	}
	return j.State.String()
}

// Detail is a job with its attempts, oldest first, and what else is on record of
// its life: holds that covered it, what became of its message, operations.
type Detail struct {
	Job

	Attempts   []Attempt
	Holds      []Hold
	Message    *Message
	Operations []Operation
}

// Attempt is one execution. Outcome is failed, dead, uncertain, running, or the
// word of the job's outcome.
type Attempt struct {
	Attempt   int
	Epoch     int32
	Outcome   string
	Lane      job.Lane
	WorkerID  int64
	Host      string
	PID       int
	Class     job.Class
	ErrorCode *int
	Error     string
	ReadyAt   *time.Time
	StartedAt *time.Time
	EndedAt   *time.Time
}

// Queue counts the jobs of one queue. Retrying is part of Scheduled.
// OldestReady is nil when nothing is ready, InPerS when arrivals outran the
// sample.
type Queue struct {
	Queue       job.Queue
	Counts      map[job.State]int64
	Retrying    int64
	OldestReady *time.Duration
	InPerS      *float64
	DonePerS    *float64
}

// Process is one running inboxd. BeatAge is by the database's clock.
type Process struct {
	ID        int64
	Host      string
	PID       int
	Mode      string
	Version   string
	Slots     int
	BeatAge   time.Duration
	Draining  bool
	StartedAt time.Time

	Background     int      // concurrent background jobs
	Running        int      // jobs, of both kinds
	Mostly         job.Type // what most of them are; 0: nothing runs
	ControlVersion int64    // the newest version it has applied
	DrainedBy      string   // the operator who drains it; empty: nobody, or it is leaving by itself
}

// OrgCount is a number of jobs of one org.
type OrgCount struct {
	Org string `json:"org"`
	N   int64  `json:"n"`
}

// Waiting is one org that has ready jobs of a kind: bulk ones, or others.
type Waiting struct {
	OrgID int64
	Org   string
	Queue job.Queue
	Type  job.Type
	Bulk  bool
}
