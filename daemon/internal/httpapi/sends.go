package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

func (a *api) registerSends() {
	operate(a, huma.Operation{
		OperationID: "send-reply", Method: http.MethodPost, Path: "/v1/conversations/{id}/messages", Tags: []string{"Messages"},
		DefaultStatus: http.StatusAccepted, Summary: "Reply with text",
		Description: "Works within 24 hours of the customer's last message (409 `window_closed` after that: send a template). " +
			"WhatsApp takes 4096 characters, Instagram 1000 bytes.",
	}, a.reply)
	operate(a, huma.Operation{
		OperationID: "send-template", Method: http.MethodPost, Path: "/v1/conversations/{id}/templates", Tags: []string{"Messages"},
		DefaultStatus: http.StatusAccepted, Summary: "Send a WhatsApp template",
		Description: "Without an acting agent it is sent with bulk priority.",
	}, a.sendTemplate)
	operate(a, huma.Operation{
		OperationID: "retry-message", Method: http.MethodPost, Path: "/v1/messages/{id}/retry", Tags: []string{"Messages"},
		DefaultStatus: http.StatusAccepted, Summary: "Send a failed message again",
		Description: "A message whose outcome is `uncertain` is refused (409): it may have arrived.",
	}, a.retryMessage)
}

// WriteHeaders documents what every write understands; the door reads them. It
// is exported for huma, as Paging is.
type WriteHeaders struct {
	User string `header:"X-Inbox-User" doc:"Name of the acting agent, with an org token."`
	Key  string `header:"Idempotency-Key" doc:"1 to 255 visible ASCII characters. For 24 hours the same key and body get the same answer."`
}

type replyInput struct {
	ConversationPath
	WriteHeaders

	Body struct {
		Text string `json:"text" doc:"What the customer will read." example:"Thursday 3 pm is free."`
	} `nameHint:"Reply"`
}

func (a *api) reply(ctx context.Context, in *replyInput) (*limitedOutput[receipt], error) {
	who := identityOf(ctx)
	id, err := parseID("conversation", in.ID)
	if err != nil {
		return nil, err
	}
	agent, err := who.agent()
	if err != nil {
		return nil, err
	}
	return limited(ctx, a, job.ActionSendText, func() (receipt, error) {
		got, err := a.Sends.Reply(ctx, inbox.Reply{
			OrgID: who.principal.OrgID, UserID: agent, ConversationID: id, Text: in.Body.Text, Once: who.once,
		})
		return receiptOf(got), err
	})
}

type templateInput struct {
	ConversationPath
	WriteHeaders

	Body struct {
		Name       string     `json:"name" minLength:"1" maxLength:"512" pattern:"^[a-z0-9_]+$" patternDescription:"a-z 0-9 _" doc:"Name of the approved template." example:"appt_reminder"`
		Language   string     `json:"language" minLength:"2" maxLength:"16" pattern:"^[A-Za-z0-9_-]+$" patternDescription:"a language code such as en_US" example:"en_US"`
		Components components `json:"components,omitempty" required:"false" doc:"Meta's components array with the values of the variables."`
	} `nameHint:"Template"`
}

// components is Meta's array, kept as the caller wrote it.
type components []byte

// UnmarshalJSON keeps the bytes; null is no components.
func (c *components) UnmarshalJSON(data []byte) error {
	*c = nil
	if string(data) != "null" {
		*c = append(*c, data...)
	}
	return nil
}

// MarshalJSON gives the bytes back.
func (c *components) MarshalJSON() ([]byte, error) { return json.RawMessage(*c).MarshalJSON() }

// Schema describes the array to huma.
func (*components) Schema(huma.Registry) *huma.Schema {
	most := 20
	return &huma.Schema{Type: huma.TypeArray, MaxItems: &most, Items: &huma.Schema{Type: huma.TypeObject}}
}

func (a *api) sendTemplate(ctx context.Context, in *templateInput) (*limitedOutput[receipt], error) {
	who := identityOf(ctx)
	id, err := parseID("conversation", in.ID)
	if err != nil {
		return nil, err
	}
	return limited(ctx, a, job.ActionSendTemplate, func() (receipt, error) {
		got, err := a.Sends.SendTemplate(ctx, inbox.TemplateSend{
			OrgID: who.principal.OrgID, UserID: who.userID, ConversationID: id, Once: who.once,
			Template: inbox.Template{Name: in.Body.Name, Language: in.Body.Language, Components: in.Body.Components},
		})
		return receiptOf(got), err
	})
}

type retryInput struct {
	MessagePath
	WriteHeaders
}

func (a *api) retryMessage(ctx context.Context, in *retryInput) (*limitedOutput[receipt], error) {
	who := identityOf(ctx)
	id, err := parseID("message", in.ID)
	if err != nil {
		return nil, err
	}
	agent, err := who.agent()
	if err != nil {
		return nil, err
	}
	return limited(ctx, a, job.ActionRetry, func() (receipt, error) {
		got, err := a.Sends.RetryMessage(ctx, inbox.MessageRetry{
			OrgID: who.principal.OrgID, UserID: agent, MessageID: id, Once: who.once,
		})
		return receiptOf(got), err
	})
}
