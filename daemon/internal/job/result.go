package job

import (
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Result is what one attempt came to. Detail is for operators: it never holds
// message text, a phone number or a token.
type Result struct {
	Verdict    Verdict
	Class      Class
	Scope      Scope         // of a Throttle: what rests; of a refusal: what else is refused
	Code       int           // the provider's error code; 0: none
	Detail     string        // at most 500 bytes are kept
	RetryAfter time.Duration // the provider's wish; 0: the engine's back-off; of a refusal with a scope: how long it is believed
	Message    *MessageEffect
}

// MessageEffect is what a success means for the message it sent. It is
// committed together with the job's outcome, or not at all.
type MessageEffect struct {
	Status     inbox.MessageStatus
	ProviderID string
	WaID       string // the number the provider resolved; empty: unchanged
}

// Effect is what the end of a job means for its message. The ledger decides it,
// the store writes it in the same transaction, and only if the ledger's own
// write was accepted: a history row of this transaction, or a dead, uncertain
// or revived job row, with this id and run epoch.
type Effect struct {
	JobID      int64
	Epoch      int32
	MessageID  int64
	Status     inbox.MessageStatus // Accepted or Sent; Failed; Uncertain; Queued: waits to be sent again
	ProviderID string
	WaID       string
	Class      Class
	Code       int
	Detail     string
	Attempt    int // used so far; 0 with Queued: an explicit new start, which also leaves failed
}

// Settlement asks to end a job because the provider has told what became of it.
// Epoch 0 means that it went out, whichever attempt did it; any other epoch
// speaks of that attempt only and leaves a later one alone.
type Settlement struct {
	ID    int64
	Epoch int32
}

// Settled is a job that a provider's status webhook has ended.
type Settled struct {
	ID      int64
	Attempt int
}
