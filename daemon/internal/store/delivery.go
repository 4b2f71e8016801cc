package store

import (
	"slices"
	"strings"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

// sentMessage is an outbound message with what the provider says about it. The
// row is locked while this exists.
type sentMessage struct {
	sending

	jobID                       int64
	ended                       int32 // run epoch of the job if it has ended, else 0; known while there is no provider id
	status                      inbox.MessageStatus
	attempts                    int
	providerID                  string
	errorClass, errorText       string
	errorCode                   int32
	human                       bool // takes part in the clock
	createdAt                   time.Time
	sentAt, deliveredAt, readAt time.Time
	failedAt                    time.Time

	was     inbox.MessageStatus // before these webhooks
	said    *delivery           // who moved it last
	changed bool
}

// concerns reports whether a status is about the message as it is now: it has
// the provider id, or has none yet and the callback names its job. A failure
// must name the job's last attempt, which is over: an older one failed beside
// the one that counts.
func (m *sentMessage) concerns(s inbox.StatusUpdate) bool {
	if m.providerID != "" {
		return m.providerID == s.ProviderID
	}
	return s.JobID != 0 && s.JobID == m.jobID && (s.Status != inbox.Failed || s.Epoch == m.ended)
}

// apply records one status and reports whether the message moved forward. A
// time is kept even if the status comes late; a failure after the message
// arrived is no failure.
func (m *sentMessage) apply(s inbox.StatusUpdate, at time.Time) bool {
	moves := m.status.Advances(s.Status)
	if s.Status == inbox.Failed && !moves && m.status != inbox.Failed {
		return false
	}
	if m.providerID == "" {
		m.providerID, m.changed = s.ProviderID, true
	}
	m.stamp(s.Status, at)
	if !moves {
		return false
	}
	m.status, m.changed = s.Status, true
	if s.Status == inbox.Failed {
		m.errorClass, m.errorCode, m.errorText = note(s.ErrorClass), errorCode(s.ErrorCode), note(s.ErrorText)
	} else {
		m.errorClass, m.errorCode, m.errorText = "", 0, ""
	}
	return true
}

func (m *sentMessage) stamp(status inbox.MessageStatus, at time.Time) {
	field := map[inbox.MessageStatus]*time.Time{
		inbox.Sent: &m.sentAt, inbox.Delivered: &m.deliveredAt, inbox.Read: &m.readAt, inbox.Failed: &m.failedAt,
	}[status]
	if field == nil {
		return
	}
	if first := earliest(*field, at); !first.Equal(*field) {
		*field, m.changed = first, true
	}
}

// unsettled reports whether it is open what becomes of a message with this
// status: then it has a job that is under way.
func unsettled(s inbox.MessageStatus) bool { return s == inbox.Queued || s == inbox.Uncertain }

// providers reports whether s is one of the words a provider has.
func providers(s inbox.MessageStatus) bool { return s >= inbox.Accepted && s <= inbox.Failed }

// counts reports whether a message with this status has gone out.
func counts(s inbox.MessageStatus) bool { return s >= inbox.Accepted && s <= inbox.Read }

// failsLate reports whether the provider failed the message in this webhook.
func (m *sentMessage) failsLate() bool { return m.status == inbox.Failed && m.was != inbox.Failed }

// anotherTry returns the job that sends a message again after the provider
// failed it for a reason that passes, within the attempts and the time its type
// has; false if there is none.
func (m *sentMessage) anotherTry(now time.Time, jitter float64) (job.New, bool) {
	class := job.Class(m.errorClass)
	next := m.job()
	policy := job.PolicyOf(next.Type)
	attempts := max(m.attempts, 1)
	deadline := m.createdAt.Add(policy.Deadline)
	if m.jobID == 0 || !passes(class) || attempts >= policy.MaxAttempts || !now.Before(deadline) {
		return job.New{}, false
	}
	next.Attempt, next.Deadline, next.RunAt = attempts, deadline, now.Add(job.Backoff(class, attempts, jitter))
	return next, true
}

// passes reports whether a failure of this class may be over in a while. An
// integrity throttle is a punishment: sending on makes it worse.
func passes(class job.Class) bool {
	return class == job.ClassTransient || strings.HasPrefix(string(class), "throttle_")
}

// sortStatuses orders statuses by the provider's time; at the same time the
// weaker comes first and a failure last.
func sortStatuses(targets []target) {
	slices.SortStableFunc(targets, func(a, b target) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return int(a.status.Status) - int(b.status.Status)
	})
}
