package inspect

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

// By is what jobs are counted by.
type By string

// What jobs can be counted by; ByNothing is one number.
const (
	ByNothing By = ""
	ByOrg     By = "org"
	ByQueue   By = "queue"
	ByType    By = "type"
	ByState   By = "state"
	ByError   By = "error"
)

// Count is a number of jobs that have a word in common: an org, a queue, ... ,
// empty for those that have none. Partial means that there are more: counting
// stopped.
type Count struct {
	Word    string
	N       int64
	Partial bool
}

// OrgLoad is the jobs of an org in one state: Ready of one queue, with the age of
// the oldest; Running, which is all that is under way, Uncertain or Dead of all
// queues together.
type OrgLoad struct {
	OrgID  int64
	Queue  job.Queue
	State  job.State
	N      int64
	Oldest *time.Duration
}

// Group is the failed jobs of one error signature. First and Last are the starts
// of the first and the last attempt that failed so, nil if none had begun.
// Sample is the newest of the jobs.
type Group struct {
	Sig         string
	Class       job.Class
	Code        *int
	N           int64
	ByState     map[job.State]int64
	Orgs        int64
	OrgsAtLeast bool // there may be more: only the newest jobs were looked at
	Queues      []job.Queue
	First, Last *time.Time
	Sample      int64
	Text        string
}
