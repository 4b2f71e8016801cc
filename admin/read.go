package admin

import "time"

// JobWhy says why a job is where it is. State is one of JobStates. What holds it
// comes first, the first to bind at the top; then what would make it fail, and
// what only informs. A ready job without a cause that holds it can start.
type JobWhy struct {
	ID     string  `json:"id"`
	Org    string  `json:"org"`
	State  string  `json:"state"`
	Causes []Cause `json:"causes"`
}

// Cause is one thing that keeps a job where it is, unless Holds is false. Command
// is the inboxctl command that removes it, null if none does.
type Cause struct {
	Code    string     `json:"code"`
	Holds   bool       `json:"holds"`
	Who     *string    `json:"who"`
	Since   *time.Time `json:"since_at"`
	Until   *time.Time `json:"until_at"`
	Text    string     `json:"text"`
	Command *string    `json:"command"`
}

// CauseCodes lists the words of Cause.Code.
func CauseCodes() []string {
	return []string{
		"held", "backoff", "scheduled", "cancel_requested", "no_worker", "org_hold", "queue_hold", "type_hold",
		"provider_cooldown", "app_cooldown", "waba_cooldown", "channel_cooldown", "channel_paused", "token_dead", "channel_restricted",
		"conversation", "limit", "concurrency", "slots", "org_share", "number_pacing", "pair_pacing",
		"deadline", "channel_broken", "template_restricted", "window_closed", "turn", "lane",
		"handed_out", "running", "uncertain", "dead", "done", "cancelled", "discarded",
	}
}

// CountWords lists what jobs can be counted by.
func CountWords() []string { return []string{"org", "queue", "type", "state", "error"} }

// JobCount is a number of jobs that have Name in common: an org, a queue, a type,
// a state or an error class, null for none; "all" where nothing was asked for.
// AtLeast means that there are more: of finished jobs only so many are counted.
type JobCount struct {
	Name    *string `json:"name"`
	N       int64   `json:"n"`
	AtLeast bool    `json:"at_least"`
}

// ErrorGroup is the dead, uncertain and retrying jobs whose error is the same but
// for numbers and ids. Sig chooses them again, in a list or a retry. FirstAt and
// LastAt are when the first and the last attempt that failed so had begun. With
// orgs_at_least Orgs are those of the newest 500 jobs: there may be more.
type ErrorGroup struct {
	Sig        string     `json:"sig"`
	ErrorClass string     `json:"error_class"`
	ErrorCode  *int       `json:"error_code"`
	N          int64      `json:"n"`
	Dead       int64      `json:"dead"`
	Uncertain  int64      `json:"uncertain"`
	Retrying   int64      `json:"retrying"`
	Orgs       int64      `json:"orgs"`
	OrgsMore   bool       `json:"orgs_at_least"`
	Queues     []string   `json:"queues"`
	FirstAt    *time.Time `json:"first_at"`
	LastAt     *time.Time `json:"last_at"`
	SampleID   string     `json:"sample_id"`
	SampleText *string    `json:"sample_text"`
}

// Event is something that happened: attempt_failed, job_dead, job_uncertain,
// process_dead, events_missed, or what an operator did, in the words of the audit
// trail: holds.add, limits.reset, queues.dial, workers.drain, jobs.retry and the
// rest. The id of such an event is "a" and that of its entry there.
type Event struct {
	ID         string    `json:"id"`
	Event      string    `json:"event"`
	At         time.Time `json:"at"`
	Org        *string   `json:"org"`
	Queue      *string   `json:"queue"`
	Type       *string   `json:"type"`
	JobID      *string   `json:"job_id"`
	Attempt    *int      `json:"attempt"`
	ErrorClass *string   `json:"error_class"`
	ErrorCode  *int      `json:"error_code"`
	Process    *string   `json:"process"`
	Who        *string   `json:"who"`
	Text       *string   `json:"text"`
}

// EventFilter chooses events. Those that concern all orgs are always among them.
// Since is where the past begins; nil: only what happens from now on. Until is
// where a list ends.
type EventFilter struct {
	Org, Queue, Type []string
	Since, Until     *time.Time
}
