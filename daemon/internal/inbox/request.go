package inbox

import "time"

// Once makes a write idempotent within its org for 24 hours. Key empty: not
// asked for. Digest is a hash of method, path and body.
type Once struct {
	Key    string
	Digest []byte
}

// Reply asks for a text message in a conversation.
type Reply struct {
	OrgID, UserID, ConversationID int64
	Text                          string
	Once                          Once
}

// TemplateSend asks for a WhatsApp template message. UserID 0: bulk.
type TemplateSend struct {
	OrgID, UserID, ConversationID int64
	Template                      Template
	Once                          Once
}

// Template names an approved WhatsApp template. Components is Meta's JSON
// array as the caller gave it; nil if the template has no variables.
type Template struct {
	Name       string `json:"name"`
	Language   string `json:"language"`
	Components []byte `json:"components,omitempty"`
}

// MessageRetry asks to send a failed message again.
type MessageRetry struct {
	OrgID, UserID, MessageID int64
	Once                     Once
}

// Assign gives a conversation to a user of the org, by name; empty: to nobody.
type Assign struct {
	OrgID, UserID, ConversationID int64
	User                          string
	Once                          Once
}

// StateChange resolves or reopens a conversation.
type StateChange struct {
	OrgID, UserID, ConversationID int64
	State                         ConversationState
	Once                          Once
}

// Receipt is the answer to a send: the message and its job are durable.
type Receipt struct {
	MessageID int64  `json:"message_id"`
	Status    string `json:"status"`
	JobID     int64  `json:"job_id"`
	JobState  string `json:"job_state"`
}

// ConversationFilter selects conversations of an org, newest activity first.
type ConversationFilter struct {
	OrgID    int64
	State    ConversationState // empty: both
	Assignee string            // user name; empty: any; "-": nobody
	Before   Cursor
	Limit    int
}

// Cursor is a keyset position: the sort time and id of the last row seen. The
// zero Cursor is the beginning.
type Cursor struct {
	At time.Time
	ID int64
}
