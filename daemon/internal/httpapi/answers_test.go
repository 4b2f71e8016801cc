package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// TestWrites: what a caller asks for is what the store is asked for, and the
// answer has the documented shape.
func TestWrites(t *testing.T) {
	t.Parallel()
	const sent = `{"message":{"id":"%d","status":"queued"},"job":{"id":"%d","state":"ready"}}`
	cases := map[string]struct {
		target, body string
		headers      []string
		status       int
		want         any
		answer       string
	}{
		"ReplyOfAUserToken": {
			"/v1/conversations/7/messages", `{"text":"Thursday \ud83d\ude00 3 pm"}`, as(danaToken), 202,
			inbox.Reply{OrgID: acme, UserID: dana, ConversationID: 7, Text: "Thursday 😀 3 pm"},
			fmt.Sprintf(sent, 100, 200),
		},
		"ReplyOfAnOrgTokenForAUser": {
			"/v1/conversations/7/messages", `{"text":"a"}`, as(orgToken, "X-Inbox-User", "dana"), 202,
			inbox.Reply{OrgID: acme, UserID: dana, ConversationID: 7, Text: "a"},
			fmt.Sprintf(sent, 100, 200),
		},
		"ReplyNamingTheTokensOwnUser": {
			"/v1/conversations/7/messages", `{"text":"a"}`, as(danaToken, "X-Inbox-User", "dana"), 202,
			inbox.Reply{OrgID: acme, UserID: dana, ConversationID: 7, Text: "a"},
			fmt.Sprintf(sent, 100, 200),
		},
		"BulkTemplate": {
			"/v1/conversations/8/templates", `{"name":"appt_reminder","language":"en_US"}`, as(orgToken), 202,
			inbox.TemplateSend{OrgID: acme, ConversationID: 8, Template: inbox.Template{Name: "appt_reminder", Language: "en_US"}},
			fmt.Sprintf(sent, 101, 201),
		},
		"TemplateKeepsItsComponentsAsWritten": {
			"/v1/conversations/8/templates", `{"name":"a","language":"en","components":[{"type": "body","n":1.10}]}`, as(danaToken), 202,
			inbox.TemplateSend{
				OrgID: acme, UserID: dana, ConversationID: 8,
				Template: inbox.Template{Name: "a", Language: "en", Components: []byte(`[{"type": "body","n":1.10}]`)},
			},
			fmt.Sprintf(sent, 101, 201),
		},
		"Retry": {
			"/v1/messages/70/retry", "", as(danaToken), 202,
			inbox.MessageRetry{OrgID: acme, UserID: dana, MessageID: 70},
			fmt.Sprintf(sent, 70, 202),
		},
		"Assign": {
			"/v1/conversations/7/assign", `{"user":"dana"}`, as(danaToken), 200,
			inbox.Assign{OrgID: acme, UserID: dana, ConversationID: 7, User: "dana"},
			"",
		},
		"AssignToNobody": {
			"/v1/conversations/7/assign", `{"user":null}`, as(danaToken), 200,
			inbox.Assign{OrgID: acme, UserID: dana, ConversationID: 7},
			"",
		},
		"Resolve": {
			"/v1/conversations/7/resolve", "", as(danaToken), 200,
			inbox.StateChange{OrgID: acme, UserID: dana, ConversationID: 7, State: inbox.Resolved},
			"",
		},
		"ReopenWithAnEmptyObject": {
			"/v1/conversations/7/reopen", " {} ", as(danaToken, "Content-Type", "application/json"), 200,
			inbox.StateChange{OrgID: acme, UserID: dana, ConversationID: 7, State: inbox.Open},
			"",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			answer := b.do(t, "POST", c.target, c.body, c.headers...)
			body := answer.Body
			require.Equal(t, c.status, answer.StatusCode, body)
			require.Equal(t, "application/json", answer.Header.Get("Content-Type"))
			require.NotContains(t, body, "$schema")
			require.Empty(t, cmp.Diff([]any{c.want}, b.store.noted()))
			if c.answer != "" {
				require.JSONEq(t, c.answer, body)
			}
		})
	}
}

func TestReads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.JSONEq(t, `{
		"id":"7","state":"open","assignee":"dana","channel":{"id":"3","kind":"whatsapp"},
		"contact":{"id":"5","name":"Mira Okafor","user_id":"US.31","wa_id":"12025550101"},
		"last_message_at":"2026-10-05T08:00:00Z","last_inbound_at":"2026-10-05T08:00:00Z",
		"window_open":true,"window_closes_at":"2026-10-06T08:00:00Z","tags":["vip"],"due_at":"2026-10-05T08:05:00Z","created_at":"2026-10-03T09:00:00Z"
	}`, b.do(t, "GET", "/v1/conversations/7", "", as(orgToken)...).Body)
	require.JSONEq(t, `{
		"id":"8","state":"open","assignee":null,"channel":{"id":"3","kind":"whatsapp"},
		"contact":{"id":"5","name":null,"user_id":"US.31","wa_id":null},
		"last_message_at":"2026-10-05T08:00:00Z","last_inbound_at":"2026-10-04T08:00:00Z",
		"window_open":false,"window_closes_at":"2026-10-05T08:00:00Z","tags":[],"due_at":null,"created_at":"2026-10-03T09:00:00Z"
	}`, b.do(t, "GET", "/v1/conversations/8", "", as(orgToken)...).Body)
	require.JSONEq(t, `{
		"id":"70","conversation_id":"7","direction":"out","kind":"text","status":"failed","origin":"user","author":"dana",
		"text":"Thursday 3 pm is free.","payload":null,"provider_id":"wamid.A","job_id":"501",
		"error":{"class":"window_closed","code":131047,"text":"re-engagement message"},
		"provider_at":null,"created_at":"2026-10-05T08:59:00Z","sent_at":null,"delivered_at":null,"read_at":null,"failed_at":"2026-10-05T09:00:00Z"
	}`, b.do(t, "GET", "/v1/messages/70", "", as(orgToken)...).Body)
}

func TestPaging(t *testing.T) {
	t.Parallel()
	t.Run("Conversations", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for i := range 3 {
			b.store.list = append(b.store.list, inbox.Conversation{ID: int64(30 - i), LastMessageAt: now.Add(-time.Duration(i) * time.Microsecond)})
		}
		ids, next := page(t, b, "/v1/conversations?state=open&assignee=-&limit=2")
		require.Equal(t, []string{"30", "29"}, ids)
		require.NotNil(t, next)
		_, end := page(t, b, "/v1/conversations?limit=3&cursor="+url.QueryEscape(*next))
		require.Nil(t, end, "three of three is the last page")
		require.Empty(t, cmp.Diff([]any{
			inbox.ConversationFilter{OrgID: acme, State: inbox.Open, Assignee: "-", Limit: 3},
			inbox.ConversationFilter{OrgID: acme, Before: inbox.Cursor{At: now.Add(-time.Microsecond), ID: 29}, Limit: 4},
		}, b.store.noted()))
	})
	t.Run("Messages", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for i := range 60 {
			b.store.said = append(b.store.said, inbox.Message{ID: int64(160 - i), ConversationID: 7, Inbound: true, CreatedAt: now})
		}
		ids, next := page(t, b, "/v1/conversations/7/messages")
		require.Len(t, ids, 50)
		require.NotNil(t, next)
		_, _ = page(t, b, "/v1/conversations/7/messages?cursor="+url.QueryEscape(*next))
		require.Empty(t, cmp.Diff([]any{messagesCall{acme, 7, 0, 51}, messagesCall{acme, 7, 111, 51}}, b.store.noted()))
		requireProblem(t, b.do(t, "GET", "/v1/conversations?cursor="+*next, "", as(orgToken)...), 400, "bad_cursor")
	})
	t.Run("EmptyIsAList", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for _, target := range []string{"/v1/conversations", "/v1/conversations/8/messages"} {
			require.JSONEq(t, `{"items":[],"next":null}`, b.do(t, "GET", target, "", as(orgToken)...).Body)
		}
	})
}

func page(t *testing.T, b *bundle, target string) (ids []string, next *string) {
	t.Helper()
	answer := b.do(t, "GET", target, "", as(orgToken)...)
	body := answer.Body
	require.Equal(t, http.StatusOK, answer.StatusCode, body)
	var got struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
		Next *string `json:"next"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	for _, item := range got.Items {
		ids = append(ids, item.ID)
	}
	return ids, got.Next
}

// TestIdempotencyDigest: the same request gives the same digest, any other
// method, path or body another one; otherwise a client would get an answer to
// something it did not ask.
func TestIdempotencyDigest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := strings.Repeat("~", 255)
	once := func(target, body string) string {
		answer := b.do(t, "POST", target, body, as(danaToken, "Idempotency-Key", key)...)
		require.Equal(t, http.StatusAccepted, answer.StatusCode, answer.Body)
		calls := b.store.noted()
		var got inbox.Once
		switch call := calls[len(calls)-1].(type) {
		case inbox.Reply:
			got = call.Once
		case inbox.TemplateSend:
			got = call.Once
		}
		require.Equal(t, key, got.Key)
		require.Len(t, got.Digest, 32)
		return string(got.Digest)
	}
	first := once("/v1/conversations/7/messages", `{"text":"a"}`)
	require.Equal(t, first, once("/v1/conversations/7/messages", `{"text":"a"}`))
	require.NotEqual(t, first, once("/v1/conversations/7/messages", `{"text":"b"}`))
	require.NotEqual(t, first, once("/v1/conversations/10/messages", `{"text":"a"}`))
	require.NotEqual(t, first, once("/v1/conversations/7/templates", `{"name":"a","language":"en"}`))
}

// TestRequestID: support needs one word that is in the answer and in the log.
func TestRequestID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, "abc-123", b.do(t, "GET", "/v1/conversations", "", as(orgToken, "X-Request-Id", "abc-123")...).Header.Get("X-Request-Id"))
	for _, unfit := range []string{"", "a b", strings.Repeat("a", 65), "é"} {
		got := b.do(t, "GET", "/v1/conversations", "", as(orgToken, "X-Request-Id", unfit)...).Header.Get("X-Request-Id")
		require.Len(t, got, 26, "%q", unfit)
	}
}
