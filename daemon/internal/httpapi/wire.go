package httpapi

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// output is an answer with a JSON body.
type output[T any] struct{ Body T }

func answer[T any](body T) *output[T] { return &output[T]{Body: body} }

// conversation is a conversation on the wire.
type conversation struct {
	ID             string     `json:"id"`
	State          string     `json:"state" enum:"open,resolved"`
	Assignee       *string    `json:"assignee" doc:"Name of the agent it is assigned to."`
	Channel        channel    `json:"channel"`
	Contact        contact    `json:"contact"`
	LastMessageAt  *time.Time `json:"last_message_at"`
	LastInboundAt  *time.Time `json:"last_inbound_at" doc:"The provider's time of the last customer message that opens the 24-hour window."`
	WindowOpen     bool       `json:"window_open" doc:"Whether free text may be sent now; if not, send a template."`
	WindowClosesAt *time.Time `json:"window_closes_at"`
	Tags           []string   `json:"tags" nullable:"false" doc:"What automations have filed it under."`
	DueAt          *time.Time `json:"due_at" doc:"When the open SLA clock runs out; null if a human has answered."`
	CreatedAt      *time.Time `json:"created_at"`
}

// channel is the number or account a conversation runs on.
type channel struct {
	ID   string `json:"id"`
	Kind string `json:"kind" enum:"whatsapp,instagram"`
}

// contact is the customer. The provider's ids are null where it hides them.
type contact struct {
	ID     string  `json:"id"`
	Name   *string `json:"name"`
	UserID *string `json:"user_id" doc:"The provider's scoped id of the customer."`
	WaID   *string `json:"wa_id" doc:"The WhatsApp phone number; null when the customer hides it."`
}

func conversationOf(c inbox.Conversation, now time.Time) conversation {
	out := conversation{
		ID:            idString(c.ID),
		State:         string(c.State),
		Assignee:      orNull(c.Assignee),
		Channel:       channel{ID: idString(c.ChannelID), Kind: string(c.Channel)},
		Contact:       contact{ID: idString(c.Contact.ID), Name: orNull(c.Contact.Name), UserID: orNull(c.Contact.UserID), WaID: orNull(c.Contact.WaID)},
		LastMessageAt: timeOrNull(c.LastMessageAt),
		LastInboundAt: timeOrNull(c.LastInboundAt),
		WindowOpen:    inbox.WindowOpen(c.LastInboundAt, now),
		Tags:          append([]string{}, c.Tags...),
		DueAt:         timeOrNull(c.DueAt),
		CreatedAt:     timeOrNull(c.CreatedAt),
	}
	if !c.LastInboundAt.IsZero() {
		out.WindowClosesAt = timeOrNull(c.LastInboundAt.Add(inbox.Window))
	}
	return out
}

// message is a message on the wire.
type message struct {
	ID             string          `json:"id"`
	ConversationID string          `json:"conversation_id"`
	Direction      string          `json:"direction" enum:"in,out"`
	Kind           string          `json:"kind" doc:"text, template, image, …"`
	Status         string          `json:"status" enum:"queued,accepted,sent,delivered,read,failed,uncertain,received"`
	Origin         string          `json:"origin" enum:"customer,user,api,automation,echo"`
	Author         *string         `json:"author" doc:"Name of the agent who wrote it."`
	Text           string          `json:"text"`
	Payload        json.RawMessage `json:"payload" doc:"Everything but the text: template, attachments, referral."`
	ProviderID     *string         `json:"provider_id"`
	JobID          *string         `json:"job_id" doc:"The latest job that sends it."`
	Error          *failure        `json:"error"`
	ProviderAt     *time.Time      `json:"provider_at" doc:"The provider's own time of the message."`
	CreatedAt      *time.Time      `json:"created_at"`
	SentAt         *time.Time      `json:"sent_at"`
	DeliveredAt    *time.Time      `json:"delivered_at"`
	ReadAt         *time.Time      `json:"read_at"`
	FailedAt       *time.Time      `json:"failed_at"`
}

// failure says why a message failed.
type failure struct {
	Class string `json:"class" example:"window_closed"`
	Code  *int   `json:"code" doc:"The provider's error code."`
	Text  string `json:"text"`
}

func messageOf(m inbox.Message) message {
	out := message{
		ID:             idString(m.ID),
		ConversationID: idString(m.ConversationID),
		Direction:      "out",
		Kind:           string(m.Kind),
		Status:         m.Status.String(),
		Origin:         string(m.Origin),
		Author:         orNull(m.Author),
		Text:           m.Text,
		Payload:        m.Payload,
		ProviderID:     orNull(m.ProviderID),
		ProviderAt:     timeOrNull(m.ProviderAt),
		CreatedAt:      timeOrNull(m.CreatedAt),
		SentAt:         timeOrNull(m.SentAt),
		DeliveredAt:    timeOrNull(m.DeliveredAt),
		ReadAt:         timeOrNull(m.ReadAt),
		FailedAt:       timeOrNull(m.FailedAt),
	}
	if m.Inbound {
		out.Direction = "in"
	}
	if m.JobID != 0 {
		out.JobID = orNull(idString(m.JobID))
	}
	if m.ErrorClass != "" {
		out.Error = &failure{Class: m.ErrorClass, Text: m.ErrorText}
		if m.ErrorCode != 0 {
			out.Error.Code = &m.ErrorCode
		}
	}
	return out
}

// receipt is the answer to a send: both the message and its job are durable.
type receipt struct {
	Message receiptMessage `json:"message"`
	Job     receiptJob     `json:"job"`
}

type receiptMessage struct {
	ID     string `json:"id"`
	Status string `json:"status" example:"queued"`
}

type receiptJob struct {
	ID    string `json:"id"`
	State string `json:"state" example:"ready"`
}

func receiptOf(r inbox.Receipt) receipt {
	return receipt{
		Message: receiptMessage{ID: idString(r.MessageID), Status: r.Status},
		Job:     receiptJob{ID: idString(r.JobID), State: r.JobState},
	}
}

func idString(id int64) string { return strconv.FormatInt(id, 10) }

// parseID reads an id from a path. What is not an id names nothing.
func parseID(what, s string) (int64, error) {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id <= 0 || idString(id) != s {
		return 0, inbox.Faultf(inbox.NotFound, what+"_not_found", "there is no such %s", what)
	}
	return id, nil
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
