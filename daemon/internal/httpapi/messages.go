package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func (a *api) registerMessages() {
	operate(a, huma.Operation{
		OperationID: "list-messages", Method: http.MethodGet, Path: "/v1/conversations/{id}/messages", Tags: []string{"Messages"},
		Summary: "List the messages of a conversation", Description: "Newest first. Follow `next` until it is null.",
	}, a.listMessages)
	operate(a, huma.Operation{
		OperationID: "get-message", Method: http.MethodGet, Path: "/v1/messages/{id}", Tags: []string{"Messages"},
		Summary: "Read one message", Description: "How far an outbound message got is its `status`.",
	}, a.getMessage)
}

// messagePage is a page of messages.
type messagePage struct {
	Items []message `json:"items" nullable:"false"`
	Next  *string   `json:"next" doc:"The cursor of the next page; null at the end."`
}

type listMessagesInput struct {
	ConversationPath
	Paging
}

func (a *api) listMessages(ctx context.Context, in *listMessagesInput) (*output[messagePage], error) {
	id, err := parseID("conversation", in.ID)
	if err != nil {
		return nil, err
	}
	before, err := decodeCursor(messageList, in.Cursor)
	if err != nil {
		return nil, err
	}
	found, err := a.Conversations.Messages(ctx, identityOf(ctx).principal.OrgID, id, before.ID, in.Limit+1)
	if err != nil {
		return nil, err
	}
	page := messagePage{Items: []message{}}
	if len(found) > in.Limit {
		found = found[:in.Limit]
		last := found[in.Limit-1]
		page.Next = orNull(encodeCursor(messageList, inbox.Cursor{At: last.CreatedAt, ID: last.ID}))
	}
	for _, m := range found {
		page.Items = append(page.Items, messageOf(m))
	}
	return answer(page), nil
}

// MessagePath names a message. It is exported for huma, as Paging is.
type MessagePath struct {
	ID string `path:"id" doc:"Id of the message."`
}

func (a *api) getMessage(ctx context.Context, in *MessagePath) (*output[message], error) {
	id, err := parseID("message", in.ID)
	if err != nil {
		return nil, err
	}
	found, err := a.Conversations.Message(ctx, identityOf(ctx).principal.OrgID, id)
	if err != nil {
		return nil, err
	}
	return answer(messageOf(found)), nil
}
