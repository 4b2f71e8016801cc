package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
)

func (a *api) registerConversations() {
	operate(a, huma.Operation{
		OperationID: "list-conversations", Method: http.MethodGet, Path: "/v1/conversations", Tags: []string{"Conversations"},
		Summary: "List conversations", Description: "Newest activity first. Follow `next` until it is null.",
	}, a.listConversations)
	operate(a, huma.Operation{
		OperationID: "get-conversation", Method: http.MethodGet, Path: "/v1/conversations/{id}", Tags: []string{"Conversations"},
		Summary: "Read one conversation",
	}, a.getConversation)
	operate(a, huma.Operation{
		OperationID: "assign-conversation", Method: http.MethodPost, Path: "/v1/conversations/{id}/assign", Tags: []string{"Conversations"},
		Summary: "Assign a conversation", Description: "Gives it to an agent of the org by name, or to nobody with null.",
	}, a.assignConversation)
	operate(a, huma.Operation{
		OperationID: "resolve-conversation", Method: http.MethodPost, Path: "/v1/conversations/{id}/resolve", Tags: []string{"Conversations"},
		Summary: "Resolve a conversation", Description: "The customer's next message opens it again.",
	}, a.changeState(inbox.Resolved))
	operate(a, huma.Operation{
		OperationID: "reopen-conversation", Method: http.MethodPost, Path: "/v1/conversations/{id}/reopen", Tags: []string{"Conversations"},
		Summary: "Reopen a conversation",
	}, a.changeState(inbox.Open))
}

// conversationPage is a page of conversations.
type conversationPage struct {
	Items []conversation `json:"items" nullable:"false"`
	Next  *string        `json:"next" doc:"The cursor of the next page; null at the end."`
}

type listConversationsInput struct {
	State    string `query:"state" enum:"open,resolved" doc:"Only this state."`
	Assignee string `query:"assignee" doc:"Only conversations of this agent; - for those of nobody."`
	Paging
}

// Paging is how every list is walked. It is exported for huma, which does not
// look into embedded structs that are not.
type Paging struct {
	Cursor string `query:"cursor" doc:"The next of the page before; leave out for the first."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many, 1 to 200."`
}

func (a *api) listConversations(ctx context.Context, in *listConversationsInput) (*output[conversationPage], error) {
	before, err := decodeCursor(conversationList, in.Cursor)
	if err != nil {
		return nil, err
	}
	if in.Assignee != "" && in.Assignee != "-" {
		if err := inbox.CheckName("user", in.Assignee); err != nil {
			return nil, err
		}
	}
	found, err := a.Conversations.Conversations(ctx, inbox.ConversationFilter{
		OrgID: identityOf(ctx).principal.OrgID, State: inbox.ConversationState(in.State),
		Assignee: in.Assignee, Before: before, Limit: in.Limit + 1, // One more tells whether there is a next page.
	})
	if err != nil {
		return nil, err
	}
	page := conversationPage{Items: []conversation{}}
	if len(found) > in.Limit {
		found = found[:in.Limit]
		last := found[in.Limit-1]
		page.Next = orNull(encodeCursor(conversationList, inbox.Cursor{At: last.LastMessageAt, ID: last.ID}))
	}
	now := a.Now()
	for _, c := range found {
		page.Items = append(page.Items, conversationOf(c, now))
	}
	return answer(page), nil
}

// ConversationPath names a conversation. It is exported for huma, as Paging is.
type ConversationPath struct {
	ID string `path:"id" doc:"Id of the conversation."`
}

func (a *api) getConversation(ctx context.Context, in *ConversationPath) (*output[conversation], error) {
	id, err := parseID("conversation", in.ID)
	if err != nil {
		return nil, err
	}
	found, err := a.Conversations.Conversation(ctx, identityOf(ctx).principal.OrgID, id)
	if err != nil {
		return nil, err
	}
	return answer(conversationOf(found, a.Now())), nil
}

type assignInput struct {
	ConversationPath
	WriteHeaders

	Body struct {
		User *string `json:"user" required:"true" nullable:"true" doc:"Name of an agent of the org; null for nobody." example:"dana"`
	} `nameHint:"Assignment"`
}

func (a *api) assignConversation(ctx context.Context, in *assignInput) (*limitedOutput[conversation], error) {
	who := identityOf(ctx)
	id, err := parseID("conversation", in.ID)
	if err != nil {
		return nil, err
	}
	agent, err := who.agent()
	if err != nil {
		return nil, err
	}
	assign := inbox.Assign{OrgID: who.principal.OrgID, UserID: agent, ConversationID: id, Once: who.once}
	if in.Body.User != nil {
		if inbox.CheckName("user", *in.Body.User) != nil {
			return nil, inbox.Faultf(inbox.Unprocessable, "unknown_user", "body.user names no user of this org; null assigns to nobody")
		}
		assign.User = *in.Body.User
	}
	return limited(ctx, a, job.ActionAssign, func() (conversation, error) {
		changed, err := a.Conversations.Assign(ctx, assign)
		return conversationOf(changed, a.Now()), err
	})
}

type changeStateInput struct {
	ConversationPath
	WriteHeaders
}

func (a *api) changeState(to inbox.ConversationState) func(context.Context, *changeStateInput) (*output[conversation], error) {
	return func(ctx context.Context, in *changeStateInput) (*output[conversation], error) {
		who := identityOf(ctx)
		id, err := parseID("conversation", in.ID)
		if err != nil {
			return nil, err
		}
		agent, err := who.agent()
		if err != nil {
			return nil, err
		}
		changed, err := a.Conversations.SetState(ctx, inbox.StateChange{
			OrgID: who.principal.OrgID, UserID: agent, ConversationID: id, State: to, Once: who.once,
		})
		if err != nil {
			return nil, err
		}
		return answer(conversationOf(changed, a.Now())), nil
	}
}
