package inbox

import "time"

// Batch is everything one webhook POST said, sorted by what must be done with
// it. The parsers fill it, the store applies it in one transaction: messages
// first, then statuses.
type Batch struct {
	Inbound    []Inbound
	Echoes     []Echo
	Statuses   []StatusUpdate
	Reads      []ReadMark
	Revokes    []Revoke
	Identities []IdentityChange
	Notices    []Notice
	Unusable   []Unusable
}

// Account addresses a channel as a webhook does. BusinessID is the WABA id of
// a WhatsApp entry, empty for Instagram.
type Account struct {
	Kind       ChannelKind
	ExternalID string
	BusinessID string
}

// Inbound is a message from a customer. ProviderID is Meta's id, or a made one
// (account, sender, time, payload) where Meta sends none. Standby messages
// belong to another app: stored, no clock.
type Inbound struct {
	Account    Account
	ProviderID string
	Contact    Contact // ID unset
	Kind       MessageKind
	Text       string
	Payload    []byte // JSON of everything but the text; nil if none
	ContextID  string // provider id of the message it answers, reacts to or edits
	At         time.Time
	Standby    bool
}

// Echo is an outbound message we did not necessarily send: typed in the
// provider's own app, or the reflection of one of our sends.
type Echo struct {
	Account    Account
	ProviderID string
	Contact    Contact
	Kind       MessageKind
	Text       string
	Payload    []byte
	At         time.Time
}

// StatusUpdate is the provider's word on one outbound message. Callback is the
// biz_opaque_callback_data as it came; JobID and Epoch are set when it is ours.
type StatusUpdate struct {
	Account    Account
	ProviderID string
	Status     MessageStatus
	At         time.Time
	Callback   string
	JobID      int64
	Epoch      int32
	ErrorCode  int
	ErrorClass string // class of the error table, for Failed
	ErrorText  string
}

// ReadMark says that the contact has read this message and all earlier
// outbound ones of the thread (Instagram messaging_seen).
type ReadMark struct {
	Account    Account
	ProviderID string
	Contact    Contact
	At         time.Time
}

// Revoke says that a message was unsent or deleted.
type Revoke struct {
	Account    Account
	ProviderID string
	At         time.Time
}

// IdentityChange re-keys a contact: from the old user id or number to the new.
type IdentityChange struct {
	Account           Account
	OldUserID, UserID string
	OldWaID, WaID     string
	At                time.Time
}

// Notice is an account-level event: kept for operators, touches no message.
// Restrictions are what it changes of what may be sent.
type Notice struct {
	Account      Account
	Field        string
	Detail       []byte // JSON
	At           time.Time
	Restrictions []Restriction
}

// Unusable is a part (or the whole) of a signed body that cannot be applied.
// Reason is one of a closed set and a metric label.
type Unusable struct {
	Account Account
	Reason  UnusableReason
	Detail  string
}

// UnusableReason says why a part of a webhook was set aside.
type UnusableReason string

// The reasons. All but Ignored keep the raw body.
const (
	BadJSON         UnusableReason = "bad_json"
	UnknownObject   UnusableReason = "unknown_object"
	UnknownField    UnusableReason = "unknown_field"
	UnknownAccount  UnusableReason = "unknown_account"
	AccountMismatch UnusableReason = "account_mismatch"
	UnknownEvent    UnusableReason = "unknown_event"
	MissingID       UnusableReason = "missing_id"
	Ignored         UnusableReason = "ignored" // understood, and not for us
)

// Applied counts what a batch changed, for logs and metrics.
type Applied struct {
	Inbound    int // new inbound messages stored
	Duplicates int // inbound messages that were stored before
	Statuses   int // statuses that moved a message forward
	Parked     int // statuses of messages not known yet
	Settled    int // uncertain or running jobs settled by a status

	Automations int  // jobs made for automations
	Lifted      bool // something may be sent again
	Unusable    []Unusable
}
