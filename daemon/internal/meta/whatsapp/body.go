// Package whatsapp writes the request bodies of the WhatsApp Cloud API. It owns
// the wire format of a send; it refuses HTTP, and knows no answers.
package whatsapp

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Faults of a message that cannot be put on the wire. They hold no content.
var (
	ErrNoRecipient = errors.New("the contact has neither a phone number nor a user id")
	ErrKind        = errors.New("this kind of message cannot be sent on WhatsApp")
	ErrTemplate    = errors.New("the stored template is not {name, language, components}")
)

type request struct {
	Product       string    `json:"messaging_product"`
	RecipientType string    `json:"recipient_type"`
	To            string    `json:"to,omitempty"`
	Recipient     string    `json:"recipient,omitempty"`
	Type          string    `json:"type"`
	Text          *text     `json:"text,omitempty"`
	Template      *template `json:"template,omitempty"`
	Callback      string    `json:"biz_opaque_callback_data,omitempty"`
}

type text struct {
	PreviewURL bool   `json:"preview_url"`
	Body       string `json:"body"`
}

type template struct {
	Name       string          `json:"name"`
	Language   language        `json:"language"`
	Components json.RawMessage `json:"components,omitempty"`
}

type language struct {
	Code string `json:"code"`
}

// Body returns the JSON of a text or template message. A known phone number is
// the address, written with a plus sign: without it Meta may put the business
// number's own country code in front. A user id is used only if the customer
// hides the number.
func Body(out inbox.Outgoing, callback string) ([]byte, error) {
	r := request{Product: "whatsapp", RecipientType: "individual", Callback: callback}
	switch {
	case out.Contact.WaID != "":
		r.To = "+" + strings.TrimPrefix(out.Contact.WaID, "+")
	case out.Contact.UserID != "":
		r.Recipient = out.Contact.UserID
	default:
		return nil, ErrNoRecipient
	}
	switch out.Message.Kind {
	case inbox.KindText:
		r.Type, r.Text = "text", &text{Body: out.Message.Text}
	case inbox.KindTemplate:
		t, err := storedTemplate(out.Message.Payload)
		if err != nil {
			return nil, err
		}
		r.Type, r.Template = "template", t
	default:
		return nil, ErrKind
	}
	return encode(r)
}

// storedTemplate reads the payload of a template message: the JSON of
// inbox.Template, or the same with components as an array.
func storedTemplate(payload []byte) (*template, error) {
	var stored struct {
		Name       string          `json:"name"`
		Language   string          `json:"language"`
		Components json.RawMessage `json:"components"`
	}
	if err := json.Unmarshal(payload, &stored); err != nil || stored.Name == "" || stored.Language == "" {
		return nil, ErrTemplate
	}
	components, err := componentsOf(stored.Components)
	if err != nil {
		return nil, err
	}
	return &template{Name: stored.Name, Language: language{stored.Language}, Components: components}, nil
}

// componentsOf returns the components as an array. encoding/json writes the
// byte slice of inbox.Template as base64, so that is read too.
func componentsOf(raw json.RawMessage) (json.RawMessage, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '"' {
		var inner []byte
		if err := json.Unmarshal(raw, &inner); err != nil || !json.Valid(inner) {
			return nil, ErrTemplate
		}
		raw = bytes.TrimSpace(inner)
	}
	switch {
	case len(raw) == 0 || string(raw) == "null" || string(raw) == "[]":
		return nil, nil
	case raw[0] != '[':
		return nil, ErrTemplate
	}
	return raw, nil
}

// encode writes JSON without escaping <, > and &: Meta counts characters.
func encode(r request) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return nil, ErrTemplate
	}
	return bytes.TrimSpace(out.Bytes()), nil
}
