package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// Whoever inserts a job with a serial_key holds its conversation's row: only
// then do ids of a conversation commit in order, and only then may a claim
// trust that no older one is still to come.
func TestNobodyTakesAnIDBeforeTheConversation(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		insert func(b *bundle, conversation int64, failed inbox.Receipt) error
	}{
		{"Reply", func(b *bundle, conversation int64, _ inbox.Receipt) error {
			_, err := b.Reply(b.ctx, inbox.Reply{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: conversation, Text: "hi"})
			return err
		}},
		{"Template", func(b *bundle, conversation int64, _ inbox.Receipt) error {
			_, err := b.SendTemplate(b.ctx, inbox.TemplateSend{
				OrgID: b.org.ID, ConversationID: conversation, Template: inbox.Template{Name: "hello_world", Language: "en_US"},
			})
			return err
		}},
		{"Retry", func(b *bundle, _ int64, failed inbox.Receipt) error {
			_, err := b.RetryMessage(b.ctx, inbox.MessageRetry{OrgID: b.org.ID, UserID: b.user.ID, MessageID: failed.MessageID})
			return err
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			conversation := b.customer("wamid.first", 0)
			failed, err := b.Reply(b.ctx, inbox.Reply{OrgID: b.org.ID, UserID: b.user.ID, ConversationID: conversation, Text: "fails"})
			require.NoError(t, err)
			b.exec(`UPDATE messages SET status = 5 WHERE id = $1`, failed.MessageID)
			b.exec(`DELETE FROM jobs`)
			ids := func() int {
				return b.count(`SELECT (SELECT last_value FROM jobs_id_seq) + (SELECT last_value FROM messages_id_seq)`)
			}

			first, err := b.pool.Begin(t.Context())
			require.NoError(t, err)
			defer func() { _ = first.Rollback(context.WithoutCancel(t.Context())) }()
			_, err = first.Exec(t.Context(), `SELECT 1 FROM conversations WHERE id = $1 FOR NO KEY UPDATE`, conversation)
			require.NoError(t, err)
			before, second := ids(), make(chan error, 1)
			go func() { second <- c.insert(b, conversation, failed) }()
			require.Eventually(t, func() bool {
				return b.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
			}, 20*time.Second, 5*time.Millisecond)
			require.Equal(t, before, ids(), "it waits for its turn with an id in its hand")
			require.NoError(t, first.Commit(t.Context()))
			require.NoError(t, <-second)
			require.Greater(t, ids(), before)
		})
	}
}
