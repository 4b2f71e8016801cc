package inbox

import "time"

// Alert is something that is wrong, or was until lately, as all processes know it.
// Zero fields are for what there is none of.
type Alert struct {
	ID        string // rule/scope
	Severity  string // critical or warning
	Rule      string
	Scope     string
	Org       string // a name; empty: of the whole installation
	OrgID     int64
	Text      string // the figure and its bound
	Value     *float64
	Threshold *float64
	Unit      string
	Cause     string
	Command   string
	Runbook   string // path under docs/

	Since      time.Time
	SeenAt     time.Time // by any process, the last time
	ResolvedAt time.Time
	AckedBy    string
	AckReason  string
	AckedAt    time.Time
	MutedBy    string
	MuteReason string
	MutedUntil time.Time
	ToldAt     time.Time // when it was last announced
}

// Open reports whether it is still wrong.
func (a Alert) Open() bool { return a.ResolvedAt.IsZero() }

// MutedAt reports whether it is muted then.
func (a Alert) MutedAt(now time.Time) bool { return now.Before(a.MutedUntil) }

// Notices is what is to be announced of alerts, in one message. Claim is proof of
// who may announce it; 0: nothing is to be.
type Notices struct {
	Claim  int64
	Firing []Alert
	Over   []Alert
}

// NoticePace is how alerts are announced.
type NoticePace struct {
	Repeat  time.Duration // until what still fires, and nobody is at, is announced again
	Wait    time.Duration // after the first of several, for the others
	Between time.Duration // two messages
	Lease   time.Duration // how long one process may take to announce before another may
	Backoff time.Duration // after the first failure; twice as long after each, LongestBackoff at most
}

// LongestBackoff is the longest time between two tries to announce.
const LongestBackoff = 5 * time.Minute
