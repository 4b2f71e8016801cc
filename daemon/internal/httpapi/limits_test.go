package httpapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// limitedWrites are the writes that count, each with its action.
func limitedWrites() map[string]struct{ path, body string } {
	return map[string]struct{ path, body string }{
		"send_text":     {"/v1/conversations/7/messages", `{"text":"a"}`},
		"send_template": {"/v1/conversations/7/templates", `{"name":"a","language":"en"}`},
		"retry":         {"/v1/messages/70/retry", ""},
		"assign":        {"/v1/conversations/7/assign", `{"user":"dana"}`},
	}
}

// Every limited answer says what the limit is and what is left; over it, when
// to come back, exactly.
func TestLimitedWrites(t *testing.T) {
	t.Parallel()
	limits := map[string]int{"send_text": 60, "send_template": 20, "retry": 10, "assign": 100}
	for action, write := range limitedWrites() {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			sent := b.do(t, "POST", write.path, write.body, as(danaToken)...)
			require.Less(t, sent.StatusCode, 300, sent.Body)
			require.Equal(t, fmt.Sprintf(`"%s";q=%d;w=60`, action, limits[action]), sent.Header.Get("RateLimit-Policy"))
			require.Equal(t, fmt.Sprintf(`"%s";r=%d;t=34`, action, limits[action]-1), sent.Header.Get("RateLimit"))

			b.limiter.refuse = 11*time.Second + 200*time.Millisecond + time.Microsecond
			stored := len(b.store.noted())
			over := b.do(t, "POST", write.path, write.body, as(danaToken)...)
			p := requireProblem(t, over, 429, "rate_limited")
			require.Equal(t, "acme", p.Org)
			require.Equal(t, action, p.Action)
			require.Equal(t, limits[action], *p.Limit)
			require.EqualValues(t, 11_201, *p.RetryMS, "rounded up: whoever waits that long waits enough")
			require.Equal(t, "12", over.Header.Get("Retry-After"))
			require.Equal(t, fmt.Sprintf(`"%s";r=0;t=12`, action), over.Header.Get("RateLimit"))
			require.Len(t, b.store.noted(), stored, "a flood costs the database nothing")
			n, err := testutil.GatherAndCount(b.registry, "inbox_rate_limit_hits")
			require.NoError(t, err)
			require.Equal(t, 5, n)
		})
	}
	t.Run("OthersAreFree", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.limiter.refuse = time.Second
		for _, path := range []string{"/v1/conversations/7/resolve", "/v1/conversations/7/reopen"} {
			got := b.do(t, "POST", path, "", as(danaToken)...)
			require.Equal(t, http.StatusOK, got.StatusCode, got.Body)
			require.Empty(t, got.Header.Get("RateLimit"))
		}
	})
}

// A token is used up by what is done, and by nothing else.
func TestWhatUsesNoToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path, body, code string
		status           int
	}{
		"BadJSON":             {"/v1/conversations/7/messages", `{"text":`, "malformed_json", 400},
		"BadBody":             {"/v1/conversations/7/messages", `{"text":7}`, "invalid_request", 400},
		"EmptyText":           {"/v1/conversations/7/messages", `{"text":""}`, "", 400},
		"UnknownConversation": {"/v1/conversations/99/messages", `{"text":"a"}`, "conversation_not_found", 404},
		"NoID":                {"/v1/conversations/x/templates", `{"name":"a","language":"en"}`, "conversation_not_found", 404},
		"ClosedWindow":        {"/v1/conversations/8/messages", `{"text":"a"}`, "window_closed", 409},
		"Uncertain":           {"/v1/messages/71/retry", "", "message_uncertain", 409},
		"UnknownUser":         {"/v1/conversations/7/assign", `{"user":"nobody"}`, "unknown_user", 422},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			got := b.do(t, "POST", c.path, c.body, as(danaToken)...)
			require.Equal(t, c.status, got.StatusCode, got.Body)
			if c.code != "" {
				requireProblem(t, got, c.status, c.code)
			}
			require.Zero(t, b.limiter.tokens())
		})
	}
	t.Run("Repeat", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.store.repeated = map[string]bool{"k": true}
		b.limiter.refuse = time.Second
		got := b.do(t, "POST", "/v1/conversations/7/messages", `{"text":"a"}`, as(danaToken, "Idempotency-Key", "k")...)
		require.Equal(t, http.StatusAccepted, got.StatusCode, "its answer is owed even to an org that has nothing left")
		require.Equal(t, `"send_text";r=0;t=1`, got.Header.Get("RateLimit"))
		require.Zero(t, b.limiter.tokens())
	})
	t.Run("NobodyKnows", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.store.err = errors.New("the connection broke during COMMIT")
		requireProblem(t, b.do(t, "POST", "/v1/conversations/7/messages", `{"text":"a"}`, as(danaToken)...), 500, "internal_error")
		require.Equal(t, 1, b.limiter.tokens(), "it may have been sent")
		b.store.err = inbox.Faultf(inbox.Temporary, "busy", "try again")
		requireProblem(t, b.do(t, "POST", "/v1/conversations/7/messages", `{"text":"a"}`, as(danaToken)...), 503, "busy")
		require.Equal(t, 2, b.limiter.tokens())
	})
}

// A process that has only just begun does not know that an org may do more than
// is usual: it must not be refused, nor let through what is not allowed.
func TestLimitsAreKnownFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.starting.Store(true)
	got := b.do(t, "POST", "/v1/conversations/7/messages", `{"text":"b"}`, as(danaToken)...)
	requireProblem(t, got, 503, "starting")
	require.NotEmpty(t, got.Header.Get("Retry-After"))
	require.Zero(t, b.limiter.tokens())
	requireProblem(t, b.do(t, "GET", "/v1/limits", "", as(orgToken)...), 503, "starting")
}

func TestListLimits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.do(t, "GET", "/v1/limits", "", as(orgToken)...)
	require.Equal(t, http.StatusOK, got.StatusCode, got.Body)
	require.JSONEq(t, `{"items":[
		{"action":"send_text","limit":60,"window_ms":60000,"remaining":60,"expires_at":null},
		{"action":"send_template","limit":20,"window_ms":60000,"remaining":20,"expires_at":null},
		{"action":"retry","limit":10,"window_ms":60000,"remaining":10,"expires_at":null},
		{"action":"assign","limit":100,"window_ms":60000,"remaining":100,"expires_at":null}]}`, got.Body)
	require.True(t, json.Valid([]byte(got.Body)))
	require.Zero(t, b.limiter.tokens())
	requireProblem(t, b.do(t, "GET", "/v1/limits", ""), 401, "token_required")
}
