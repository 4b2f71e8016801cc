package inbox

import "time"

// MessageStatus is how far an outbound message got, or that it is inbound. The
// numbers are stored; Queued to Read are in rank order.
type MessageStatus int16

// The statuses. Accepted is Meta's 200 for WhatsApp; Instagram's 200 is Sent.
const (
	Queued    MessageStatus = 0
	Accepted  MessageStatus = 1
	Sent      MessageStatus = 2
	Delivered MessageStatus = 3
	Read      MessageStatus = 4
	Failed    MessageStatus = 5
	Uncertain MessageStatus = 6
	Received  MessageStatus = 7 // inbound
)

// String returns the public word.
func (s MessageStatus) String() string {
	names := [...]string{"queued", "accepted", "sent", "delivered", "read", "failed", "uncertain", "received"}
	if s < 0 || int(s) >= len(names) {
		return "unknown"
	}
	return names[s]
}

// Advances reports whether a provider's status may replace the current one:
// statuses only move forward; failed wins over queued, accepted, sent and
// uncertain, never over delivered or read, and is left only by a new attempt.
func (s MessageStatus) Advances(to MessageStatus) bool {
	switch {
	case s == Failed || s == Received:
		return false
	case s == Uncertain:
		return to >= Accepted && to <= Failed
	case to == Uncertain:
		return s == Queued // doubt never replaces what is known
	case to == Failed:
		return s < Delivered
	}
	return to <= Read && to > s
}

// MessageKind is what a message carries.
type MessageKind string

// The kinds of message. Unsupported is a placeholder for what the provider
// would not show us; Unknown for a type nobody has documented.
const (
	KindText         MessageKind = "text"
	KindTemplate     MessageKind = "template"
	KindImage        MessageKind = "image"
	KindVideo        MessageKind = "video"
	KindAudio        MessageKind = "audio"
	KindDocument     MessageKind = "document"
	KindSticker      MessageKind = "sticker"
	KindLocation     MessageKind = "location"
	KindContacts     MessageKind = "contacts"
	KindButton       MessageKind = "button"
	KindInteractive  MessageKind = "interactive"
	KindPostback     MessageKind = "postback"
	KindOrder        MessageKind = "order"
	KindShare        MessageKind = "share"
	KindStoryMention MessageKind = "story_mention"
	KindReferral     MessageKind = "referral"
	KindReaction     MessageKind = "reaction"
	KindEdit         MessageKind = "edit"
	KindRevoke       MessageKind = "revoke"
	KindUnsupported  MessageKind = "unsupported"
	KindUnknown      MessageKind = "unknown"
)

// Origin says who wrote an outbound message.
type Origin string

// The origins. An echo was typed in the provider's own app.
const (
	OriginCustomer   Origin = "customer"
	OriginUser       Origin = "user"
	OriginAPI        Origin = "api"
	OriginAutomation Origin = "automation"
	OriginEcho       Origin = "echo"
)

// MaxProviderID is the longest id of a provider that can be a key, in bytes: an
// index entry has little room.
const MaxProviderID = 512

// Message is one message of a conversation. Zero times mean "not yet".
type Message struct {
	ID             int64
	OrgID          int64
	ConversationID int64
	Inbound        bool
	Kind           MessageKind
	Status         MessageStatus
	Origin         Origin
	AuthorID       int64
	Author         string // user name
	Text           string
	Payload        []byte // JSON: template, attachments, referral; may be nil
	ProviderID     string
	JobID          int64 // the latest job that sends it; 0: none
	ErrorClass     string
	ErrorCode      int
	ErrorText      string
	ProviderAt     time.Time // Meta's timestamp
	CreatedAt      time.Time
	SentAt         time.Time
	DeliveredAt    time.Time
	ReadAt         time.Time
	FailedAt       time.Time
}
