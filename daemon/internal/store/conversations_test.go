package store_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

func TestConversations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var batch inbox.Batch
	for i := range 7 {
		in := b.says(fmt.Sprintf("wamid.%d", i), at(-i/2)) // pairs share a time
		in.Contact = inbox.Contact{UserID: fmt.Sprintf("u%d", i)}
		batch.Inbound = append(batch.Inbound, in)
	}
	b.ingest(batch)
	filter := inbox.ConversationFilter{OrgID: b.org.ID, Limit: 2}
	var all []inbox.Conversation
	for {
		page, err := b.Conversations(b.ctx, filter)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		all = append(all, page...)
		last := page[len(page)-1]
		filter.Before = inbox.Cursor{At: last.LastMessageAt, ID: last.ID}
	}
	require.Len(t, all, 7)
	seen := map[int64]bool{}
	for i, c := range all {
		require.False(t, seen[c.ID])
		seen[c.ID] = true
		require.True(t, i == 0 || !c.LastMessageAt.After(all[i-1].LastMessageAt))
	}

	_, err := b.Assign(b.ctx, inbox.Assign{OrgID: b.org.ID, ConversationID: all[3].ID, User: "dana"})
	require.NoError(t, err)
	_, err = b.SetState(b.ctx, inbox.StateChange{OrgID: b.org.ID, ConversationID: all[3].ID, State: inbox.Resolved})
	require.NoError(t, err)
	list := func(state inbox.ConversationState, assignee string) int {
		found, err := b.Conversations(b.ctx, inbox.ConversationFilter{OrgID: b.org.ID, State: state, Assignee: assignee, Limit: 100})
		require.NoError(t, err)
		return len(found)
	}
	require.Equal(t, 1, list("", "dana"))
	require.Equal(t, 6, list("", "-"))
	require.Equal(t, 1, list(inbox.Resolved, ""))
	require.Equal(t, 0, list(inbox.Open, "dana"))
	_, err = b.Conversations(b.ctx, inbox.ConversationFilter{OrgID: b.org.ID, Assignee: "nemo", Limit: 1})
	requireFault(t, err, inbox.Unprocessable, "unknown_user")
	_, err = b.Assign(b.ctx, inbox.Assign{OrgID: b.org.ID, ConversationID: all[0].ID, User: "nemo"})
	requireFault(t, err, inbox.Unprocessable, "unknown_user")
	c, err := b.Assign(b.ctx, inbox.Assign{OrgID: b.org.ID, ConversationID: all[3].ID})
	require.NoError(t, err)
	require.Zero(t, c.AssigneeID)
}

func TestForeignIDsAreNotFound(t *testing.T) {
	t.Parallel()
	shared := database(t)
	b, other := shared.fork(t), shared.fork(t)
	c := b.customer("1", 0)
	m := b.reply(c).MessageID
	_, err := b.CreateUser(b.ctx, b.org.ID, "eli")
	require.NoError(t, err)

	_, err = other.Conversation(other.ctx, other.org.ID, c)
	requireFault(t, err, inbox.NotFound, "conversation_not_found")
	_, err = other.Messages(other.ctx, other.org.ID, c, 0, 10)
	requireFault(t, err, inbox.NotFound, "conversation_not_found")
	_, err = other.Message(other.ctx, other.org.ID, m)
	requireFault(t, err, inbox.NotFound, "message_not_found")
	_, err = other.Outgoing(other.ctx, other.org.ID, m)
	requireFault(t, err, inbox.NotFound, "message_not_found")
	_, err = other.Assign(other.ctx, inbox.Assign{OrgID: other.org.ID, ConversationID: c, User: "dana"})
	requireFault(t, err, inbox.NotFound, "conversation_not_found")
	_, err = other.SetState(other.ctx, inbox.StateChange{OrgID: other.org.ID, ConversationID: c, State: inbox.Resolved})
	requireFault(t, err, inbox.NotFound, "conversation_not_found")
	_, err = other.UserByName(other.ctx, other.org.ID, "eli")
	requireFault(t, err, inbox.NotFound, "user_not_found")

	page, err := b.Messages(b.ctx, b.org.ID, c, m, 10)
	require.NoError(t, err)
	require.Len(t, page, 1, "before an id means older than it")
	page, err = b.Messages(b.ctx, b.org.ID, c, page[0].ID, 10)
	require.NoError(t, err)
	require.Empty(t, page)
}
