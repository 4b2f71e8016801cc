package inbox

import "time"

// OpensWindow reports whether an inbound message of this kind opens the 24-hour
// window. Whether reactions do is not documented: they are not counted.
func (k MessageKind) OpensWindow() bool {
	switch k {
	case KindReaction, KindEdit, KindRevoke, KindReferral, KindTemplate, KindUnknown:
		return false
	default:
		return true
	}
}

// StartsClock reports whether an inbound message of this kind starts the SLA
// clock: what a human should answer does; reactions, edits,
// unsupported placeholders and bare referrals do not.
func (k MessageKind) StartsClock() bool { return k.OpensWindow() && k != KindUnsupported }

// Episode is one SLA clock: from the first unanswered inbound message to the
// first human answer.
type Episode struct {
	ID             int64
	OrgID          int64
	ConversationID int64
	StartedAt      time.Time // Meta's time of the first unanswered message
	ReceivedAt     time.Time
	DueAt          time.Time
	AnsweredAt     time.Time // when the human pressed send; zero: not yet
	AnsweredBy     int64     // user; 0: nobody of ours (phone app)
}

// Verdict is the SLA outcome of an episode at a moment.
type Verdict string

// The verdicts. Pending (not answered, not yet due) is shown, never counted.
const (
	Met     Verdict = "met"
	Missed  Verdict = "missed"
	Pending Verdict = "pending"
)

// Judge returns the verdict at now. Strictly less than the target is met: an
// answer exactly at the due time is a miss. It depends on stored times only,
// so a verdict computed late equals one computed live.
func (e Episode) Judge(now time.Time) Verdict {
	switch {
	case !e.AnsweredAt.IsZero() && e.AnsweredAt.Before(e.DueAt):
		return Met
	case !e.AnsweredAt.IsZero(), !now.Before(e.DueAt):
		return Missed
	}
	return Pending
}

// ClockStart returns when an episode's clock starts for a message with this
// provider time: a timestamp from the future is clamped to its arrival.
func ClockStart(providerAt, receivedAt time.Time) time.Time {
	if providerAt.IsZero() || providerAt.After(receivedAt) {
		return receivedAt
	}
	return providerAt
}
