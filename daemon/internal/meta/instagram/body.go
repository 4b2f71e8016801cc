// Package instagram writes the request bodies of Instagram messaging. It owns
// the wire format of a send; it refuses HTTP, and knows no answers.
package instagram

import (
	"encoding/json"
	"errors"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Faults of a message that cannot be put on the wire. They hold no content.
var (
	ErrNoRecipient = errors.New("the contact has no user id")
	ErrKind        = errors.New("this kind of message cannot be sent on Instagram")
)

type request struct {
	Recipient recipient `json:"recipient"`
	Message   message   `json:"message"`
}

type recipient struct {
	ID string `json:"id"`
}

type message struct {
	Text string `json:"text"`
}

// Body returns the JSON of a text message. Instagram has no callback data: a
// doubtful send cannot be settled by a webhook.
func Body(out inbox.Outgoing) ([]byte, error) {
	switch {
	case out.Contact.UserID == "":
		return nil, ErrNoRecipient
	case out.Message.Kind != inbox.KindText:
		return nil, ErrKind
	}
	return json.Marshal(request{recipient{out.Contact.UserID}, message{out.Message.Text}})
}
