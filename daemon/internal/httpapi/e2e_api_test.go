package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAPIOverTheRealStore: the faults of the store come out as the documented
// problems, and an answer repeats instead of sending twice.
func TestAPIOverTheRealStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"whatsapp/wh_text.json", "instagram/wh_text.json", "whatsapp/wh_voice_note.json"} {
		w.deliver(t, loadFixture(t, name).body)
	}
	dana, bulk, foreign := as(w.token(t, "acme", "dana")), as(w.token(t, "acme", "")), as(w.token(t, "rival", ""))
	conversation := func(account string) string {
		return w.one(t, `SELECT v.id::text FROM conversations v JOIN channels c ON c.id = v.channel_id WHERE c.external_id LIKE '%' || $1`, account)
	}
	whatsapp, instagram, others := "/v1/conversations/"+conversation("201"), "/v1/conversations/"+conversation("301"), "/v1/conversations/"+conversation("202")
	text := func(s string) string { return `{"text":"` + s + `"}` }

	t.Run("Refused", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			method, target, body string
			headers              []string
			status               int
			code                 string
		}{
			{"POST", whatsapp + "/messages", text(strings.Repeat("a", 20_000)), dana, 400, "text_too_long"},
			{"POST", whatsapp + "/messages", text(strings.Repeat("é", 4097)), dana, 400, "text_too_long"},
			{"POST", instagram + "/messages", text(strings.Repeat("a", 1001)), dana, 400, "text_too_long"},
			{"POST", whatsapp + "/messages", text(" "), dana, 400, "empty_text"},
			{"POST", others + "/messages", text("a"), dana, 404, "conversation_not_found"},
			{"POST", others + "/templates", `{"name":"a","language":"en"}`, dana, 404, "conversation_not_found"},
			{"POST", others + "/resolve", "", dana, 404, "conversation_not_found"},
			{"POST", others + "/assign", `{"user":"dana"}`, dana, 404, "conversation_not_found"},
			{"GET", others + "/messages", "", dana, 404, "conversation_not_found"},
			{"GET", whatsapp, "", foreign, 404, "conversation_not_found"},
			{"GET", "/v1/messages/" + w.one(t, `SELECT min(id)::text FROM messages WHERE org_id = (SELECT id FROM orgs WHERE name = 'rival')`), "", dana, 404, "message_not_found"},
			{"POST", "/v1/messages/9223372036854775807/retry", "", dana, 404, "message_not_found"},
			{"POST", whatsapp + "/assign", `{"user":"rob"}`, dana, 422, "unknown_user"},
			{"POST", whatsapp + "/messages", text("a"), append(bulk, "X-Inbox-User", "rob"), 422, "unknown_user"},
			{"POST", instagram + "/templates", `{"name":"a","language":"en"}`, bulk, 422, "templates_not_supported"},
			{"GET", "/v1/conversations?assignee=rob", "", dana, 422, "unknown_user"},
			{"GET", "/v1/conversations", "", as("inbx_api_1_forged"), 401, "bad_token"},
		} {
			requireProblem(t, w.do(t, c.method, c.target, c.body, c.headers...), c.status, c.code)
		}
	})

	t.Run("SameKeySameAnswer", func(t *testing.T) {
		t.Parallel()
		key := append([]string{"Idempotency-Key", "k1"}, dana...)
		first := w.do(t, "POST", whatsapp+"/messages", text("once"), key...)
		require.Equal(t, http.StatusAccepted, first.StatusCode, first.Body)
		require.Equal(t, first.Body, w.do(t, "POST", whatsapp+"/messages", text("once"), key...).Body)
		requireProblem(t, w.do(t, "POST", whatsapp+"/messages", text("other"), key...), 422, "idempotency_key_reused")
		require.Equal(t, "1", w.one(t, `SELECT count(*)::text FROM messages WHERE body IN ('once', 'other')`))

		var sent struct {
			Message struct {
				ID string `json:"id"`
			} `json:"message"`
		}
		require.NoError(t, json.Unmarshal([]byte(first.Body), &sent))
		requireProblem(t, w.do(t, "POST", "/v1/messages/"+sent.Message.ID+"/retry", "", dana...), 409, "message_not_failed")
		w.exec(t, `UPDATE messages SET status = 6 WHERE id::text = $1`, sent.Message.ID)
		requireProblem(t, w.do(t, "POST", "/v1/messages/"+sent.Message.ID+"/retry", "", dana...), 409, "message_uncertain")
	})
}

// TestOutsideTheWindow: an agent learns what to do instead, and a template
// still goes.
func TestOutsideTheWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver(t, loadFixture(t, "whatsapp/wh_text.json").body)
	w.exec(t, `UPDATE conversations SET last_inbound_at = last_inbound_at - interval '1 day'`)
	dana := as(w.token(t, "acme", "dana"))
	target := "/v1/conversations/" + w.one(t, `SELECT id::text FROM conversations`)
	require.Contains(t, requireProblem(t, w.do(t, "POST", target+"/messages", `{"text":"a"}`, dana...), 409, "window_closed").Detail, "template")
	sent := w.do(t, "POST", target+"/templates", `{"name":"appt_reminder","language":"en_US","components":[{"type":"body","parameters":[]}]}`, dana...)
	require.Equal(t, http.StatusAccepted, sent.StatusCode, sent.Body)
	w.exec(t, `UPDATE channels SET state = 'broken'`)
	requireProblem(t, w.do(t, "POST", target+"/templates", `{"name":"a","language":"en"}`, dana...), 409, "channel_not_active")
}

// TestWalkingThePages: following next shows every conversation once, in order,
// whatever the page size.
func TestWalkingThePages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{
		"whatsapp/wh_text.json", "whatsapp/wh_text_bsuid_only.json", "whatsapp/wh_text_raw_utf8.json", "whatsapp/wh_sticker.json",
		"whatsapp/wh_edit.json", "whatsapp/wh_location.json", "whatsapp/wh_voice_note.json",
	} {
		w.deliver(t, loadFixture(t, name).body)
	}
	org := w.token(t, "acme", "")
	walk := func(path, limit string) (ids []string) {
		cursor := ""
		for range 20 {
			got := w.do(t, "GET", path+"?limit="+limit+"&cursor="+url.QueryEscape(cursor), "", as(org)...)
			require.Equal(t, http.StatusOK, got.StatusCode, got.Body)
			var page struct {
				Items []struct {
					ID string `json:"id"`
				} `json:"items"`
				Next *string `json:"next"`
			}
			require.NoError(t, json.Unmarshal([]byte(got.Body), &page))
			for _, item := range page.Items {
				ids = append(ids, item.ID)
			}
			if page.Next == nil {
				return ids
			}
			cursor = *page.Next
		}
		require.FailNow(t, "the pages do not end")
		return nil
	}
	whole := walk("/v1/conversations", "200")
	require.Len(t, whole, 4)
	require.Equal(t, whole, walk("/v1/conversations", "1"))
	require.Equal(t, whole, walk("/v1/conversations", "3"))
	thread := "/v1/conversations/" + w.one(t, `SELECT conversation_id::text FROM messages WHERE kind = 'location'`) + "/messages"
	require.Len(t, walk(thread, "200"), 3)
	require.Equal(t, walk(thread, "200"), walk(thread, "2"))
}
