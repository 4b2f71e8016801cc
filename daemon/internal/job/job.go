// Package job holds the words of the engine: queues, job types, states,
// priorities, outcomes and error classes, with the policy of each type. It owns
// definitions; it refuses behaviour: running is the worker's, storing the
// ledger's.
package job

import (
	"encoding/json"
	"strconv"
	"time"
)

// Queue is a class of jobs with its own window and dial. The numbers are
// stored.
type Queue int16

// The queues.
const (
	WhatsApp     Queue = 1
	Instagram    Queue = 2
	Automations  Queue = 3
	MetaSpend    Queue = 4
	TokenRefresh Queue = 5
)

// Queues lists every queue in the order operators see them.
func Queues() []Queue { return []Queue{WhatsApp, Instagram, Automations, MetaSpend, TokenRefresh} }

// String returns the public word.
func (q Queue) String() string {
	names := [...]string{"", "whatsapp", "instagram", "automations", "meta_spend", "token_refresh"}
	if q < 1 || int(q) >= len(names) {
		return "unknown"
	}
	return names[q]
}

// ParseQueue returns the queue with this public word.
func ParseQueue(s string) (Queue, bool) {
	for _, q := range Queues() {
		if q.String() == s {
			return q, true
		}
	}
	return 0, false
}

// Type is what a job does. The numbers are stored.
type Type int16

// The job types.
const (
	SendMessage   Type = 1
	SendTemplate  Type = 2
	RunAutomation Type = 3
	SyncSpend     Type = 4
	RefreshToken  Type = 5
)

// Types lists every job type.
func Types() []Type {
	return []Type{SendMessage, SendTemplate, RunAutomation, SyncSpend, RefreshToken}
}

// String returns the public word.
func (t Type) String() string {
	names := [...]string{"", "send_message", "send_template", "run_automation", "sync_spend", "refresh_token"}
	if t < 1 || int(t) >= len(names) {
		return "unknown"
	}
	return names[t]
}

// ParseType returns the type with this public word.
func ParseType(s string) (Type, bool) {
	for _, t := range Types() {
		if t.String() == s {
			return t, true
		}
	}
	return 0, false
}

// Queues lists the queues that jobs of this type are in.
func (t Type) Queues() []Queue {
	switch t {
	case SendMessage:
		return []Queue{WhatsApp, Instagram}
	case SendTemplate:
		return []Queue{WhatsApp}
	case RunAutomation:
		return []Queue{Automations}
	case SyncSpend:
		return []Queue{MetaSpend}
	case RefreshToken:
		return []Queue{TokenRefresh}
	}
	return nil
}

// State is where a live job is. The numbers are stored; final jobs are in
// history with an Outcome instead.
type State int16

// The states of a live job.
const (
	Scheduled  State = 0
	Ready      State = 1
	Dispatched State = 2
	Running    State = 3
	Uncertain  State = 4
	Held       State = 5
	Dead       State = 6
)

// States lists every live state.
func States() []State {
	return []State{Scheduled, Ready, Dispatched, Running, Uncertain, Held, Dead}
}

// String returns the public word.
func (s State) String() string {
	names := [...]string{"scheduled", "ready", "dispatched", "running", "uncertain", "held", "dead"}
	if s < 0 || int(s) >= len(names) {
		return "unknown"
	}
	return names[s]
}

// Outcome is how a job ended. The numbers are stored.
type Outcome int16

// The outcomes.
const (
	Done      Outcome = 1
	Cancelled Outcome = 2
	Discarded Outcome = 3
)

// String returns the public word.
func (o Outcome) String() string {
	names := [...]string{"", "done", "cancelled", "discarded"}
	if o < 1 || int(o) >= len(names) {
		return "unknown"
	}
	return names[o]
}

// Priority orders the jobs of an org: smaller runs first. The numbers are
// stored.
type Priority int16

// The priorities: an API call with a user, an automation, everything in bulk.
const (
	Interactive Priority = 1
	Normal      Priority = 2
	Bulk        Priority = 3
)

// String returns the public word.
func (p Priority) String() string {
	names := [...]string{"", "interactive", "normal", "bulk"}
	if p < 1 || int(p) >= len(names) {
		return "unknown"
	}
	return names[p]
}

// Lane is how a hand-out reaches a worker. The numbers are stored.
type Lane int16

// The lanes; NoLane is a job never handed out.
const (
	NoLane       Lane = 0
	LaneRedis    Lane = 1
	LanePostgres Lane = 2
)

// String returns the public word.
func (l Lane) String() string {
	names := [...]string{"", "redis", "postgres"}
	if l < 0 || int(l) >= len(names) {
		return "unknown"
	}
	return names[l]
}

// New is a job to insert.
type New struct {
	OrgID     int64
	UserID    int64 // 0: none
	Queue     Queue
	Type      Type
	Priority  Priority
	SerialKey int64     // conversation or account; 0: no order
	SubjectID int64     // message or account row
	ChannelID int64     // number or account it goes out by; 0: none
	RunAt     time.Time // zero: now
	Deadline  time.Time // after it the job is not started; zero: the policy of the type
	Attempt   int       // used up by earlier jobs for the same subject
	Trace     string    // that it goes on with, a traceparent; empty: none
	Args      json.RawMessage
}

// Claimed is a job whose start this process has won: exactly one execution
// holds (ID, Epoch).
type Claimed struct {
	ID           int64
	Epoch        int32
	OrgID        int64
	UserID       int64
	Queue        Queue
	Type         Type
	Priority     Priority
	Lane         Lane
	Attempt      int // this one included, from 1
	MaxAttempts  int
	Throttled    int // throttles in a row before this attempt
	SerialKey    int64
	SubjectID    int64
	ChannelID    int64
	CreatedAt    time.Time
	ReadyAt      time.Time
	DispatchedAt time.Time
	StartedAt    time.Time
	Deadline     time.Time
	Args         json.RawMessage
	Trace        string // what it was made for goes on here; empty: it is not traced
}

// Callback is the token every outside call of this attempt carries
// (X-Request-Id, WhatsApp's biz_opaque_callback_data): "<job>.<epoch>".
func (c Claimed) Callback() string { return Ticket{c.ID, c.Epoch}.String() }

// Ticket is one hand-out of a job: a hint in Redis, the key of a claim.
type Ticket struct {
	ID    int64
	Epoch int32
}

// String returns "<job>.<epoch>".
func (t Ticket) String() string {
	return strconv.FormatInt(t.ID, 10) + "." + strconv.FormatInt(int64(t.Epoch), 10)
}

// ParseTicket reads what String wrote; ok is false for anything else.
func ParseTicket(s string) (t Ticket, ok bool) {
	for i := range len(s) {
		if s[i] != '.' {
			continue
		}
		id, err1 := strconv.ParseInt(s[:i], 10, 64)
		epoch, err2 := strconv.ParseInt(s[i+1:], 10, 32)
		t = Ticket{id, int32(epoch)}
		return t, err1 == nil && err2 == nil && id > 0 && epoch > 0 && t.String() == s
	}
	return t, false
}
