package metasim

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Decision is what the simulator did with a send.
type Decision string

// The decisions. Meta's side of both accepted ones is the same: the customer
// gets the message.
const (
	Pending            Decision = "pending"             // arrived, not decided yet
	Accepted           Decision = "accepted"            // and said so
	AcceptedUnanswered Decision = "accepted_unanswered" // and the caller cannot know
	Refused            Decision = "refused"             // with an error of the API, or a hang-up before acceptance
	Unread             Decision = "unread"              // the body never came or was not read
)

// Send is one request to a messages endpoint, in order of arrival.
type Send struct {
	Seq        int64     `json:"seq"` // from 1, in order of arrival
	At         time.Time `json:"at"`
	EndedAt    time.Time `json:"ended_at,omitzero"` // the caller was answered, or is gone; zero: not yet
	RequestID  string    `json:"request_id"`        // X-Request-Id, "<job>.<epoch>"
	Job        string    `json:"job"`               // the part before the dot
	Account    string    `json:"account"`
	Kind       Kind      `json:"kind"`
	Type       string    `json:"type"` // text or template
	Recipient  string    `json:"recipient"`
	Template   string    `json:"template,omitempty"`
	TextHash   string    `json:"text_hash"` // first 16 hex digits of the SHA-256 of text or template
	Decision   Decision  `json:"decision"`
	HTTPStatus int       `json:"http_status,omitempty"` // 0: no answer
	Code       int       `json:"code,omitempty"`        // Meta's error code
	Rule       int64     `json:"rule,string,omitempty"` // the rule that decided
	ProviderID string    `json:"provider_id,omitempty"`
}

// IsAccepted reports whether the customer got the message, answered or not.
func (s Send) IsAccepted() bool {
	return s.Decision == Accepted || s.Decision == AcceptedUnanswered
}

// Duplicate is a job of which more than one send was accepted.
type Duplicate struct {
	Job      string `json:"job"`
	Accepted int    `json:"accepted"`
}

// ledger is the simulator's own record of sends. It keeps the last keep of
// them; counts per job live as long as one of the job's sends. Safe for
// concurrent use.
type ledger struct {
	keep int

	mu       sync.Mutex
	sends    []Send // sends[i].Seq == first+i
	first    int64
	accepted map[string]int // by job
	counts   map[Decision]int
}

func newLedger(keep int) *ledger {
	return &ledger{keep: keep, first: 1, accepted: map[string]int{}, counts: map[Decision]int{}}
}

// arrive opens a record and returns its number.
func (l *ledger) arrive(requestID string, at time.Time) int64 {
	job, _, _ := strings.Cut(requestID, ".")
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sends) >= l.keep+l.keep/4 {
		l.forget(len(l.sends) - l.keep)
	}
	seq := l.first + int64(len(l.sends))
	l.sends = append(l.sends, Send{Seq: seq, At: at, RequestID: requestID, Job: job, Decision: Pending})
	l.counts[Pending]++
	return seq
}

func (l *ledger) forget(n int) {
	for _, old := range l.sends[:n] {
		if old.IsAccepted() && old.Job != "" {
			if l.accepted[old.Job]--; l.accepted[old.Job] == 0 {
				delete(l.accepted, old.Job)
			}
		}
	}
	l.sends = slices.Delete(l.sends, 0, n)
	l.first += int64(n)
}

// update changes the record of a send, if it is still kept.
func (l *ledger) update(seq int64, change func(*Send)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := seq - l.first
	if i < 0 || i >= int64(len(l.sends)) {
		return
	}
	send := &l.sends[i]
	before := *send
	change(send)
	l.counts[before.Decision]--
	l.counts[send.Decision]++
	if send.IsAccepted() && !before.IsAccepted() && send.Job != "" {
		l.accepted[send.Job]++
	}
}

func (l *ledger) since(seq int64) []Send {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := min(max(seq+1-l.first, 0), int64(len(l.sends)))
	return slices.Clone(l.sends[from:])
}

func (l *ledger) acceptedOf(job string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted[job]
}

func (l *ledger) duplicates() []Duplicate {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := []Duplicate{}
	for job, n := range l.accepted {
		if n > 1 {
			out = append(out, Duplicate{Job: job, Accepted: n})
		}
	}
	slices.SortFunc(out, func(a, b Duplicate) int { return strings.Compare(a.Job, b.Job) })
	return out
}

func (l *ledger) stats() SendStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := SendStats{
		Pending: l.counts[Pending], Accepted: l.counts[Accepted], AcceptedUnanswered: l.counts[AcceptedUnanswered],
		Refused: l.counts[Refused], Unread: l.counts[Unread],
	}
	s.Arrived = s.Pending + s.Accepted + s.AcceptedUnanswered + s.Refused + s.Unread
	for _, n := range l.accepted {
		if n > 1 {
			s.DuplicateJobs++
		}
	}
	return s
}
