package admin

import "time"

// Orders of jobs: by falling or by rising id.
const (
	JobSortNewest = "newest"
	JobSortOldest = "oldest"
)

// JobSorts lists the orders of jobs.
func JobSorts() []string { return []string{JobSortNewest, JobSortOldest} }

// JobStates lists the words a job's state can have, live ones first. Retrying
// is a filter: scheduled, and tried before.
func JobStates() []string {
	return []string{
		"scheduled", "ready", "dispatched", "running", "uncertain", "held", "dead",
		"done", "cancelled", "discarded", "retrying",
	}
}

// JobTypes lists the words of job types.
func JobTypes() []string {
	return []string{"send_message", "send_template", "run_automation", "sync_spend", "refresh_token"}
}

// ErrorClasses lists the words of the kinds of failure: what Meta says first,
// then what inboxd says itself.
func ErrorClasses() []string {
	return []string{
		"throttle_app", "throttle_waba", "throttle_number", "throttle_pair", "throttle_user", "throttle_account",
		"integrity_throttle", "transient", "not_sent", "unknown", "ambiguous", "auth", "billing", "channel_dead",
		"config", "media", "permission", "policy_blocked", "recipient_blocked", "recipient_capped",
		"recipient_opted_out", "recipient_unreachable", "report_failed", "request_invalid", "template_invalid",
		"template_paused", "too_much_data", "window_closed",
		"deadline", "panic", "gone", "unknown_outcome", "worker_lost",
		"poison", "cancelled",
	}
}

// Job is one unit of work. AgeMS counts from creation, retries do not reset it;
// for a finished job it is how long the job took. ProcessID is the process that
// runs it or ran it last, null where that is not the caller's to see. Error never
// holds message text.
type Job struct {
	ID             string     `json:"id"`
	Org            string     `json:"org"`
	User           *string    `json:"user"`
	Queue          string     `json:"queue"`
	Type           string     `json:"type"`
	State          string     `json:"state"`
	Priority       string     `json:"priority"`
	Attempt        int        `json:"attempt"`
	MaxAttempts    *int       `json:"max_attempts"`
	Lane           *string    `json:"lane"`
	ProcessID      *string    `json:"process_id"`
	ErrorClass     *string    `json:"error_class"`
	ErrorCode      *int       `json:"error_code"`
	Error          *string    `json:"error"`
	ErrorSig       *string    `json:"error_sig"`
	ConversationID *string    `json:"conversation_id"`
	MessageID      *string    `json:"message_id"`
	AgeMS          int64      `json:"age_ms"`
	CreatedAt      time.Time  `json:"created_at"`
	RunAt          *time.Time `json:"run_at"`
	ReadyAt        *time.Time `json:"ready_at"`
	StartedAt      *time.Time `json:"started_at"`
	FinishedAt     *time.Time `json:"finished_at"`
	DeadlineAt     *time.Time `json:"deadline_at"`
}

// JobDetail is a job with all its attempts, oldest first, and its life as a story
// from top to bottom. What it sends is null unless it was asked to be revealed.
type JobDetail struct {
	Job
	Revealed

	Attempts []Attempt `json:"attempts"`
	Timeline []Moment  `json:"timeline"`
}

// Moment is one line of a job's story. Event is created, scheduled, wait, hold,
// attempt, backoff, operation, finished, or what became of its message: sent,
// delivered, read, failed. TookMS is null for what has no length; what goes on
// lasts until now. A hold lies within a wait and is part of it.
type Moment struct {
	At     time.Time `json:"at"`
	Event  string    `json:"event"`
	Who    *string   `json:"who"`
	Text   string    `json:"text"`
	TookMS *int64    `json:"took_ms"`
}

// Revealed is what a job sends: a text, or a template with its parameters as Meta
// takes them.
type Revealed struct {
	Text       *string `json:"text"`
	Template   *string `json:"template"`
	Language   *string `json:"language"`
	Components []any   `json:"components"`
}

// Attempt is one execution of a job. Outcome is failed, dead, uncertain,
// running, or how the job ended. WaitMS is ready to start, RunMS start to
// outcome.
type Attempt struct {
	Attempt    int        `json:"attempt"`
	Epoch      int        `json:"epoch"`
	Outcome    string     `json:"outcome"`
	Lane       *string    `json:"lane"`
	ProcessID  *string    `json:"process_id"`
	Host       *string    `json:"host"`
	PID        *int       `json:"pid"`
	ErrorClass *string    `json:"error_class"`
	ErrorCode  *int       `json:"error_code"`
	Error      *string    `json:"error"`
	WaitMS     *int64     `json:"wait_ms"`
	RunMS      *int64     `json:"run_ms"`
	ReadyAt    *time.Time `json:"ready_at"`
	StartedAt  *time.Time `json:"started_at"`
	EndedAt    *time.Time `json:"ended_at"`
}

// BulkRequest asks to change the jobs a selector chooses. Without any selector
// All must be set. A DryRun counts and changes nothing.
type BulkRequest struct {
	Selector Selector `json:"selector"`
	All      bool     `json:"all"`
	DryRun   bool     `json:"dry_run"`
	Reason   string   `json:"reason,omitempty"`
}

// RetryRequest asks to run dead jobs again, from their first attempt.
type RetryRequest = BulkRequest

// CancelRequest asks to end jobs that wait, and running ones to stop.
type CancelRequest = BulkRequest

// CancelStates lists the states whose jobs can be cancelled. What is uncertain
// or dead never is: the one may have been sent, the other is for a retry.
func CancelStates() []string {
	return []string{"scheduled", "ready", "dispatched", "running", "held", "retrying"}
}

// CancelResult says what a cancel did or, as a dry run, would do. Flagged jobs
// are running and have been asked to stop. ByOrg splits Matched, most first;
// what was matched and is neither cancelled nor flagged had ended by itself.
// Error is null unless the cancel stopped before it had seen every job.
type CancelResult struct {
	DryRun    bool       `json:"dry_run"`
	Matched   int64      `json:"matched"`
	Cancelled int64      `json:"cancelled"`
	Flagged   int64      `json:"flagged"`
	Skipped   []Skip     `json:"skipped"`
	ByOrg     []OrgCount `json:"by_org"`
	Error     *string    `json:"error"`
}

// Words of ResolveRequest.As.
const (
	AsSent    = "sent"
	AsNotSent = "not_sent"
	AsResend  = "resend"
)

// ResolveRequest says what became of an uncertain job: it was sent, it was not
// and shall not be, or it was not and shall be sent again.
type ResolveRequest struct {
	ID     string `json:"id"`
	As     string `json:"as"`
	Reason string `json:"reason,omitempty"`
}

// ResolveResult is the job and the state it is in now.
type ResolveResult struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

// RetryTime bounds how long a server works on one bulk change. What it has not
// reached by then it leaves as it was.
const RetryTime = 5 * time.Minute

// RetryResult says what a retry did or, as a dry run, would do. Retried is 0 in
// a dry run. ByOrg splits Matched, most first. Error is null unless the retry
// stopped before it had seen every job; then it says why, and what was retried
// stays retried.
type RetryResult struct {
	DryRun  bool       `json:"dry_run"`
	Matched int64      `json:"matched"`
	Retried int64      `json:"retried"`
	Skipped []Skip     `json:"skipped"`
	ByOrg   []OrgCount `json:"by_org"`
	Error   *string    `json:"error"`
}

// Partial reports whether jobs that should have been retried were not.
func (r RetryResult) Partial() bool { return !r.DryRun && (r.Retried < r.Matched || r.Error != nil) }

// Skip is a number of jobs left alone, and why: a state the change does not
// touch, or busy (locked by somebody else's change). Of uncertain and dead jobs
// beside a selected cancel at most 1000 are counted.
type Skip struct {
	Reason string `json:"reason"`
	N      int64  `json:"n"`
}

// OrgCount is a number of jobs of one org.
type OrgCount struct {
	Org string `json:"org"`
	N   int64  `json:"n"`
}
