package automation

import (
	"errors"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Request asks to run what a message sets off. Minutes is 0 for the message
// itself, else how long a timer that it started has waited.
type Request struct {
	OrgID, MessageID int64
	Minutes          int
}

// Timer is the argument of a job that waits for an answer.
type Timer struct {
	Minutes int `json:"minutes"`
}

// Outcome is what came of a rule that was set off.
type Outcome string

// The outcomes.
const (
	Done       Outcome = "done"       // every action took effect
	Partly     Outcome = "partly"     // some were skipped
	Skipped    Outcome = "skipped"    // all were skipped
	Suppressed Outcome = "suppressed" // the loop guard held a message back
)

// Result is what came of one action, kept so that an operator can see why.
type Result struct {
	Action    ActionType `json:"action"`
	Result    string     `json:"result"`           // sent, assigned, tagged, skipped or suppressed
	Reason    string     `json:"reason,omitempty"` // of what did not happen
	Detail    string     `json:"detail,omitempty"`
	MessageID int64      `json:"message_id,string,omitempty"`
	JobID     int64      `json:"job_id,string,omitempty"`
	User      string     `json:"user,omitempty"`
	Tag       string     `json:"tag,omitempty"`
}

// Skip notes that the action could not be done, and the fault that says why.
func (r *Result) Skip(err error) {
	r.Result, r.Reason, r.Detail = ResultSkipped, "refused", err.Error()
	if f, ok := errors.AsType[*inbox.Fault](err); ok {
		r.Reason, r.Detail = f.Code, f.Text
	}
}

// The words of Result.Result.
const (
	ResultSent       = "sent" // accepted for sending
	ResultAssigned   = "assigned"
	ResultTagged     = "tagged"
	ResultSkipped    = "skipped"
	ResultSuppressed = "suppressed"
)

// OutcomeOf sums up the results of a rule's actions.
func OutcomeOf(results []Result) Outcome {
	skipped := 0
	for _, r := range results {
		switch r.Result {
		case ResultSuppressed:
			return Suppressed
		case ResultSkipped:
			skipped++
		}
	}
	switch skipped {
	case 0:
		return Done
	case len(results):
		return Skipped
	}
	return Partly
}
