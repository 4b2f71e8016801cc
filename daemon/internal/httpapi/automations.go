package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Automations keeps what an org lets inboxd do by itself. A rule of another org
// is a NotFound fault.
type Automations interface {
	Automations(ctx context.Context, orgID, after int64, limit int) ([]automation.Rule, error)
	Automation(ctx context.Context, orgID, id int64) (automation.Rule, error)
	CreateAutomation(ctx context.Context, w automation.Write) (automation.Rule, error)
	UpdateAutomation(ctx context.Context, w automation.Write) (automation.Rule, error)
	DeleteAutomation(ctx context.Context, w automation.Write) error
	BusinessHours(ctx context.Context, orgID int64) (automation.Hours, error)
	SetBusinessHours(ctx context.Context, w automation.HoursWrite) (automation.Hours, error)
}

const automationHelp = "Triggers: `first_message` (the first message of a conversation), `keyword` (one of `keywords` stands in the text, or in the " +
	"payload of the pressed button, as whole words; case and accents make no difference), `no_answer` (no human has answered `minutes` after the " +
	"message that started the clock, and the conversation is open), `outside_hours` (the message came outside business hours). " +
	"Actions, in order: `send_text`, `send_template` (WhatsApp only), `assign_user`, `assign_round_robin` (`users` in turn; none: every user of the org), `tag`. " +
	"A rule runs once per message. What it cannot do is skipped; automations send at most 3 messages per conversation and minute, and never stop the SLA clock."

func (a *api) registerAutomations() {
	tags := []string{"Automations"}
	operate(a, huma.Operation{
		OperationID: "list-automations", Method: http.MethodGet, Path: "/v1/automations", Tags: tags,
		Summary: "List automations", Description: "Oldest first. Follow `next` until it is null. An org has at most 200.",
	}, a.listAutomations)
	operate(a, huma.Operation{
		OperationID: "create-automation", Method: http.MethodPost, Path: "/v1/automations", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Create an automation", Description: automationHelp, RequestBody: example(automationExample()),
	}, a.createAutomation)
	operate(a, huma.Operation{
		OperationID: "get-automation", Method: http.MethodGet, Path: "/v1/automations/{id}", Tags: tags,
		Summary: "Read one automation",
	}, a.getAutomation)
	operate(a, huma.Operation{
		OperationID: "replace-automation", Method: http.MethodPut, Path: "/v1/automations/{id}", Tags: tags,
		Summary: "Replace an automation", Description: "Says the whole rule anew. Timers that run already keep their minutes.",
		RequestBody: example(automationExample()),
	}, a.replaceAutomation)
	operate(a, huma.Operation{
		OperationID: "delete-automation", Method: http.MethodDelete, Path: "/v1/automations/{id}", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Delete an automation", Description: "What it has sent already stays on its way.",
	}, a.deleteAutomation)
}

// example is a request body that shows one complete example.
func example(body any) *huma.RequestBody {
	return &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Example: body}}}
}

// automationPage is a page of automations.
type automationPage struct {
	Items []savedAutomation `json:"items" nullable:"false"`
	Next  *string           `json:"next" doc:"The cursor of the next page; null at the end."`
}

func (a *api) listAutomations(ctx context.Context, in *Paging) (*output[automationPage], error) {
	after, err := decodeCursor(automationList, in.Cursor)
	if err != nil {
		return nil, err
	}
	found, err := a.Automations.Automations(ctx, identityOf(ctx).principal.OrgID, after.ID, in.Limit+1)
	if err != nil {
		return nil, err
	}
	page := automationPage{Items: []savedAutomation{}}
	if len(found) > in.Limit {
		found = found[:in.Limit]
		last := found[in.Limit-1]
		page.Next = orNull(encodeCursor(automationList, inbox.Cursor{At: last.CreatedAt, ID: last.ID}))
	}
	for _, r := range found {
		page.Items = append(page.Items, automationOf(r))
	}
	return answer(page), nil
}

// AutomationPath names an automation. It is exported for huma, as Paging is.
type AutomationPath struct {
	ID string `path:"id" doc:"Id of the automation."`
}

func (a *api) getAutomation(ctx context.Context, in *AutomationPath) (*output[savedAutomation], error) {
	id, err := parseID("automation", in.ID)
	if err != nil {
		return nil, err
	}
	found, err := a.Automations.Automation(ctx, identityOf(ctx).principal.OrgID, id)
	if err != nil {
		return nil, err
	}
	return answer(automationOf(found)), nil
}

type createAutomationInput struct {
	OrgWriteHeaders

	Body automationBody
}

func (a *api) createAutomation(ctx context.Context, in *createAutomationInput) (*output[savedAutomation], error) {
	who := identityOf(ctx)
	created, err := a.Automations.CreateAutomation(ctx, automation.Write{OrgID: who.principal.OrgID, Rule: in.Body.rule(), Once: who.once})
	if err != nil {
		return nil, err
	}
	return answer(automationOf(created)), nil
}

type replaceAutomationInput struct {
	AutomationPath
	OrgWriteHeaders

	Body automationBody
}

func (a *api) replaceAutomation(ctx context.Context, in *replaceAutomationInput) (*output[savedAutomation], error) {
	who := identityOf(ctx)
	id, err := parseID("automation", in.ID)
	if err != nil {
		return nil, err
	}
	changed, err := a.Automations.UpdateAutomation(ctx, automation.Write{OrgID: who.principal.OrgID, ID: id, Rule: in.Body.rule(), Once: who.once})
	if err != nil {
		return nil, err
	}
	return answer(automationOf(changed)), nil
}

type deleteAutomationInput struct {
	AutomationPath
	OrgWriteHeaders
}

func (a *api) deleteAutomation(ctx context.Context, in *deleteAutomationInput) (*struct{}, error) {
	who := identityOf(ctx)
	id, err := parseID("automation", in.ID)
	if err != nil {
		return nil, err
	}
	return nil, a.Automations.DeleteAutomation(ctx, automation.Write{OrgID: who.principal.OrgID, ID: id, Once: who.once})
}
