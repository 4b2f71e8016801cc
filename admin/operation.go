package admin

import "time"

// Kinds of operations: what they do to each job.
const (
	OpRetry   = "retry"   // dead jobs run again, from their first attempt
	OpCancel  = "cancel"  // jobs that wait end, running ones are asked to stop
	OpDiscard = "discard" // dead and held jobs end, their messages stay failed
	OpHold    = "hold"    // jobs that wait stay where they are until released
	OpRelease = "release" // held jobs wait again
	OpResolve = "resolve" // uncertain jobs are settled, as PlanRequest.As says
	OpUndo    = "undo"    // what another operation did is taken back, as far as it can be
)

// OperationKinds lists the words of Operation.Kind.
func OperationKinds() []string {
	return []string{OpRetry, OpCancel, OpDiscard, OpHold, OpRelease, OpResolve, OpUndo}
}

// States of an operation. A plan changes nothing until it is committed, and
// expires.
const (
	OpPlanned  = "planned"
	OpExpired  = "expired" // never committed
	OpRunning  = "running"
	OpAborting = "aborting" // the chunk under way is the last
	OpAborted  = "aborted"  // by an operator, or by its own --abort-if
	OpDone     = "done"     // every job was visited; some may have failed or been skipped
	OpFailed   = "failed"   // stopped by an error that repeating did not cure
)

// OperationStates lists the words of Operation.State.
func OperationStates() []string {
	return []string{OpPlanned, OpExpired, OpRunning, OpAborting, OpAborted, OpDone, OpFailed}
}

const (
	// PlanLife is how long a plan can be committed.
	PlanLife = 10 * time.Minute
	// PlanTime bounds how long a server counts for a plan.
	PlanTime = time.Minute
)

// ReasonOnly is the body of a change that takes nothing but a reason.
type ReasonOnly struct {
	Reason string `json:"reason,omitempty"`
}

// PlanRequest asks what an operation would do. Without any selector All must be
// set. The selection is frozen: only jobs that match now, and have not changed
// when their turn comes, are ever touched. Of an undo only Undo is read.
type PlanRequest struct {
	Kind     string   `json:"kind"`
	Selector Selector `json:"selector"`
	All      bool     `json:"all"`
	As       string   `json:"as,omitempty"`   // resolve: sent, not_sent or resend
	Undo     string   `json:"undo,omitempty"` // the id of the operation to undo
	Reason   string   `json:"reason,omitempty"`
}

// CommitRequest starts a plan. With a canary, that many jobs go first and the
// rest waits for their outcome. Sent again it answers with the running
// operation; with other values it is a Conflict.
type CommitRequest struct {
	Rate    float64  `json:"rate,omitempty"`     // jobs a second, at most; 0: as fast as it goes
	Canary  int      `json:"canary,omitempty"`   // jobs that go first; 0: none
	AbortIf *float64 `json:"abort_if,omitempty"` // share of failed jobs, 0..1, over which it stops by itself
	Max     *int64   `json:"max,omitempty"`      // Conflict if the plan has more jobs
}

// Operation is one change of many jobs, from its plan to its end.
type Operation struct {
	ID          string     `json:"id"`
	Kind        string     `json:"kind"`
	State       string     `json:"state"`
	Selector    *Selector  `json:"selector"` // null for an undo
	As          *string    `json:"as"`
	UndoOf      *string    `json:"undo_of"`
	UndoneBy    *string    `json:"undone_by"`
	Actor       string     `json:"actor"`
	Reason      *string    `json:"reason"`
	Plan        Plan       `json:"plan"`
	Progress    Progress   `json:"progress"`
	Rate        *float64   `json:"rate"`
	Canary      *int       `json:"canary"`
	AbortIf     *float64   `json:"abort_if"`
	Error       *string    `json:"error"` // why it was aborted or failed
	CreatedAt   time.Time  `json:"created_at"`
	ExpiresAt   *time.Time `json:"expires_at"` // of a plan
	CommittedAt *time.Time `json:"committed_at"`
	FinishedAt  *time.Time `json:"finished_at"`
}

// Plan is what an operation would do, counted when it was planned. ByOrg splits
// Matched, most first. Skipped were chosen and will be left alone. Customers
// are the conversations touched. OutsideWindow counts replies whose customer
// wrote more than 24 h ago: Meta refuses them. MaybeSent counts jobs whose
// message may have gone out. Warnings are sentences for whoever decides.
type Plan struct {
	Matched       int64      `json:"matched"`
	ByOrg         []OrgCount `json:"by_org"`
	Skipped       []Skip     `json:"skipped"`
	Customers     *int64     `json:"customers"`
	OutsideWindow *int64     `json:"outside_window"`
	MaybeSent     *int64     `json:"maybe_sent"`
	Warnings      []string   `json:"warnings"`
	Undo          Undo       `json:"undo"`
}

// Undo says before a commit what can be taken back after it, and after it, what
// still can.
type Undo struct {
	Possible bool   `json:"possible"`
	N        *int64 `json:"n"`    // jobs that can still be taken back; null: not counted
	Text     string `json:"text"` // what can be undone, and what cannot
}

// Progress counts what became of the planned jobs: Done were changed, Skipped
// had changed meanwhile or were locked, Failed could not be changed. Of the Done
// ones of a retry, Succeeded and FailedAgain are those that have run since;
// both are null for other kinds. EtaMS is null when it is not known.
type Progress struct {
	Done        int64  `json:"done"`
	Skipped     []Skip `json:"skipped"`
	Failed      int64  `json:"failed"`
	Succeeded   *int64 `json:"succeeded"`
	FailedAgain *int64 `json:"failed_again"`
	Phase       string `json:"phase"` // planned, canary, waiting_for_canary, running, ended
	EtaMS       *int64 `json:"eta_ms"`
}

// OperationItem is one job of an operation that was not simply done.
type OperationItem struct {
	JobID  string `json:"job_id"`
	Org    string `json:"org"`
	Result string `json:"result"` // done, skipped or failed
	Reason string `json:"reason"` // changed, locked, uncertain, ... or the error
}

// Ended reports whether nothing more will happen to the operation by itself.
func (o Operation) Ended() bool {
	return o.State != OpPlanned && o.State != OpRunning && o.State != OpAborting
}
