package inbox

import "time"

// ConversationState is open or resolved.
type ConversationState string

// The states of a conversation. An inbound message reopens a resolved one.
const (
	Open     ConversationState = "open"
	Resolved ConversationState = "resolved"
)

// Window is how long after the customer's last message a free-form message may
// be sent (Meta, WhatsApp "send messages" and Instagram "send message").
const Window = 24 * time.Hour

// Contact is a customer on one channel. UserID is the provider's scoped id
// (WhatsApp business-scoped user id, Instagram IGSID); WaID is the phone
// number, empty when the customer hides it. At least one is set.
type Contact struct {
	ID     int64
	UserID string
	WaID   string
	Name   string
}

// Conversation is everything said between one contact and one channel.
type Conversation struct {
	ID            int64
	OrgID         int64
	ChannelID     int64
	Channel       ChannelKind
	Contact       Contact
	State         ConversationState
	AssigneeID    int64     // 0: nobody
	Assignee      string    // user name
	LastInboundAt time.Time // Meta's time of the last message that opens the window; zero: none
	LastMessageAt time.Time
	CreatedAt     time.Time
	DueAt         time.Time // of the open episode; zero: none open
	Tags          []string  // what automations have filed it under
}

// WindowOpen reports whether a free-form message may be sent at now. The
// window is counted from Meta's timestamp, not from arrival.
func WindowOpen(lastInboundAt, now time.Time) bool {
	return !lastInboundAt.IsZero() && now.Before(lastInboundAt.Add(Window))
}
