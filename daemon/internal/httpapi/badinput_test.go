package httpapi_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/inbox"
)

// TestBadInputIsRefusedWithAReason: whatever a product back end gets wrong, it
// learns what, in one shape, and nothing reaches the store by mistake.
func TestBadInputIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	reply, templates, assign := "/v1/conversations/7/messages", "/v1/conversations/7/templates", "/v1/conversations/7/assign"
	user := as(danaToken)
	cases := map[string]struct {
		method, target, body string
		headers              []string
		status               int
		code, says           string
	}{
		"MalformedJSON":        {"POST", reply, `{"text": "a`, user, 400, "malformed_json", "unexpected end"},
		"TrailingData":         {"POST", reply, `{"text": "a"} {}`, user, 400, "malformed_json", "after top-level value"},
		"RawNULByte":           {"POST", reply, "{\"text\": \"a\x00b\"}", user, 400, "malformed_json", "invalid character"},
		"EscapedNUL":           {"POST", reply, `{"text": "a\u0000b"}`, user, 400, "bad_text", "NUL"},
		"EscapedNULInTemplate": {"POST", templates, `{"name":"a","language":"en","components":[{"x":"\u0000"}]}`, user, 400, "bad_text", "NUL"},
		"HighSurrogateAlone":   {"POST", reply, `{"text": "a\ud83d"}`, user, 400, "bad_text", `\ud83d`},
		"LowSurrogateAlone":    {"POST", reply, `{"text": "\ude00b"}`, user, 400, "bad_text", `\ude00`},
		"SurrogatesSwapped":    {"POST", reply, `{"text": "\ude00\ud83d"}`, user, 400, "bad_text", "surrogate"},
		"InvalidUTF8":          {"POST", reply, "{\"text\": \"\xff\"}", user, 400, "bad_encoding", "UTF-8"},
		"DeepNesting":          {"POST", templates, `{"name":"a","language":"en","components":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, user, 400, "too_deep", "32"},
		"EmptyBody":            {"POST", reply, "", user, 400, "malformed_json", "required"},
		"NullBody":             {"POST", reply, "null", user, 400, "invalid_request", "body"},
		"ArrayBody":            {"POST", reply, `["text"]`, user, 400, "invalid_request", "expected object"},
		"MissingMember":        {"POST", reply, `{}`, user, 400, "invalid_request", "text"},
		"UnknownMember":        {"POST", reply, `{"text":"a","txet":"b"}`, user, 400, "invalid_request", "body.txet"},
		"WrongType":            {"POST", reply, `{"text":5}`, user, 400, "invalid_request", "body.text: expected string"},
		"WrongTypeDeepInside":  {"POST", templates, `{"name":"a","language":"en","components":[{},7]}`, user, 400, "invalid_request", "body.components[1]: expected object"},
		"BadTemplateName":      {"POST", templates, `{"name":"Hello!","language":"en"}`, user, 400, "invalid_request", "body.name"},
		"NumberOutOfRange":     {"POST", templates, `{"name":"a","language":"en","components":[{"x":1e999999}]}`, user, 400, "malformed_json", "1e999999"},
		"WrongContentType":     {"POST", reply, `text=a`, as(danaToken, "Content-Type", "application/x-www-form-urlencoded"), 415, "unsupported_media_type", "application/json"},
		"OddContentType":       {"POST", reply, `{"text":"a"}`, as(danaToken, "Content-Type", ";+"), 415, "unsupported_media_type", "application/json"},
		"BodyTooLarge":         {"POST", reply, `{"text":"` + strings.Repeat("a", 256<<10) + `"}`, user, 413, "body_too_large", "262144"},
		"BodyWhereNoneBelongs": {"POST", "/v1/conversations/7/resolve", `{"state":"open"}`, user, 400, "unexpected_body", "no body"},
		"EmptyText":            {"POST", reply, `{"text":" \n "}`, user, 400, "empty_text", "visible"},
		"Text20000Characters":  {"POST", reply, `{"text":"` + strings.Repeat("a", 20_000) + `"}`, user, 400, "text_too_long", "4096"},
		"Text1001Bytes":        {"POST", "/v1/conversations/10/messages", `{"text":"` + strings.Repeat("a", 999) + `é"}`, user, 400, "text_too_long", "1000"},
		"OutsideWindow":        {"POST", "/v1/conversations/8/messages", `{"text":"a"}`, user, 409, "window_closed", "send a template"},
		"UncertainMessage":     {"POST", "/v1/messages/71/retry", "", user, 409, "message_uncertain", "resolve"},

		"UnknownConversation": {"POST", "/v1/conversations/404/messages", `{"text":"a"}`, user, 404, "conversation_not_found", "no such"},
		"NonNumericID":        {"POST", "/v1/conversations/seven/messages", `{"text":"a"}`, user, 404, "conversation_not_found", "no such"},
		"NegativeID":          {"GET", "/v1/conversations/-7", "", user, 404, "conversation_not_found", "no such"},
		"SignedID":            {"GET", "/v1/conversations/+7", "", user, 404, "conversation_not_found", "no such"},
		"LeadingZeroID":       {"GET", "/v1/conversations/07", "", user, 404, "conversation_not_found", "no such"},
		"HugeID":              {"GET", "/v1/messages/99999999999999999999", "", user, 404, "message_not_found", "no such"},
		"NULInID":             {"GET", "/v1/messages/7%00", "", user, 404, "message_not_found", "no such"},
		"MessagesOfNothing":   {"GET", "/v1/conversations/404/messages", "", user, 404, "conversation_not_found", "no such"},
		"UnknownRoute":        {"GET", "/v1/conversation", "", user, 404, "no_such_route", "/docs"},
		"WrongMethod":         {"DELETE", "/v1/conversations/7", "", user, 405, "method_not_allowed", "GET"},

		"BadState":           {"GET", "/v1/conversations?state=closed", "", user, 400, "invalid_request", "query.state"},
		"BadAssignee":        {"GET", "/v1/conversations?assignee=%00", "", user, 400, "bad_name", "not valid"},
		"LimitZero":          {"GET", "/v1/conversations?limit=0", "", user, 400, "invalid_request", "query.limit"},
		"LimitTooBig":        {"GET", "/v1/conversations?limit=201", "", user, 400, "invalid_request", "200"},
		"LimitNotANumber":    {"GET", "/v1/conversations/7/messages?limit=x", "", user, 400, "invalid_request", "query.limit"},
		"UnknownParameter":   {"GET", "/v1/conversations?stat=open", "", user, 400, "invalid_request", "query.stat"},
		"BadCursor":          {"GET", "/v1/conversations?cursor=abc", "", user, 400, "bad_cursor", "next"},
		"BadMessageCursor":   {"GET", "/v1/conversations/7/messages?cursor=%F0%9F%92%A9", "", user, 400, "bad_cursor", "next"},
		"AssignMissing":      {"POST", assign, `{}`, user, 400, "invalid_request", "user"},
		"AssignUnknown":      {"POST", assign, `{"user":"nobody"}`, user, 422, "unknown_user", "nobody"},
		"AssignImpossible":   {"POST", assign, `{"user":"Dana Scully"}`, user, 422, "unknown_user", "body.user"},
		"KeyEmpty":           {"POST", reply, `{"text":"a"}`, as(danaToken, "Idempotency-Key", ""), 400, "bad_idempotency_key", "255"},
		"KeyTooLong":         {"POST", reply, `{"text":"a"}`, as(danaToken, "Idempotency-Key", strings.Repeat("k", 256)), 400, "bad_idempotency_key", "255"},
		"KeyWithSpace":       {"POST", reply, `{"text":"a"}`, as(danaToken, "Idempotency-Key", "a b"), 400, "bad_idempotency_key", "255"},
		"KeyTwice":           {"POST", reply, `{"text":"a"}`, as(danaToken, "Idempotency-Key", "a", "Idempotency-Key", "b"), 400, "bad_idempotency_key", "one header"},
		"NoAgentReply":       {"POST", reply, `{"text":"a"}`, as(orgToken), 400, "user_required", "X-Inbox-User"},
		"NoAgentRetry":       {"POST", "/v1/messages/70/retry", "", as(orgToken), 400, "user_required", "X-Inbox-User"},
		"NoAgentAssign":      {"POST", assign, `{"user":null}`, as(orgToken), 400, "user_required", "X-Inbox-User"},
		"NoAgentResolve":     {"POST", "/v1/conversations/7/resolve", "", as(orgToken), 400, "user_required", "X-Inbox-User"},
		"NoAgentReopen":      {"POST", "/v1/conversations/7/reopen", "", as(orgToken), 400, "user_required", "X-Inbox-User"},
		"UnknownAgent":       {"POST", reply, `{"text":"a"}`, as(orgToken, "X-Inbox-User", "nobody"), 422, "unknown_user", "X-Inbox-User"},
		"ImpossibleAgent":    {"POST", reply, `{"text":"a"}`, as(orgToken, "X-Inbox-User", "\xff"), 422, "unknown_user", "X-Inbox-User"},
		"AgentContradiction": {"POST", reply, `{"text":"a"}`, as(danaToken, "X-Inbox-User", "lee"), 403, "user_mismatch", "another user"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			p := requireProblem(t, b.do(t, c.method, c.target, c.body, c.headers...), c.status, c.code)
			require.Contains(t, p.Detail, c.says)
			require.NotContains(t, b.logs.String(), `"level":"ERROR"`)
		})
	}
}

// TestForeignIDsLookLikeMissingOnes: an org must not learn which ids exist
// elsewhere.
func TestForeignIDsLookLikeMissingOnes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, route := range []struct{ method, path, body string }{
		{"GET", "/v1/conversations/ID", ""},
		{"GET", "/v1/conversations/ID/messages", ""},
		{"POST", "/v1/conversations/ID/messages", `{"text":"a"}`},
		{"POST", "/v1/conversations/ID/templates", `{"name":"a","language":"en"}`},
		{"POST", "/v1/conversations/ID/assign", `{"user":"dana"}`},
		{"POST", "/v1/conversations/ID/resolve", ""},
		{"POST", "/v1/conversations/ID/reopen", ""},
		{"GET", "/v1/messages/ID", ""},
		{"POST", "/v1/messages/ID/retry", ""},
	} {
		answers := make([]string, 0, 3)
		for _, id := range []string{"9", "404", "x"} {
			headers := as(danaToken, "X-Request-Id", "fixed")
			answer := b.do(t, route.method, strings.Replace(route.path, "ID", id, 1), route.body, headers...)
			require.Equal(t, http.StatusNotFound, answer.StatusCode, route)
			answers = append(answers, answer.Body)
		}
		require.Equal(t, answers[1], answers[0], route)
		require.Equal(t, answers[2], answers[0], route)
	}
}

// TestEveryOperationNeedsAToken walks the document itself, so that a new route
// cannot be forgotten.
func TestEveryOperationNeedsAToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for route := range documentedRoutes(t, b) {
		method, path, _ := strings.Cut(route, " ")
		if !strings.HasPrefix(path, "/v1/") {
			continue
		}
		path = strings.Replace(path, "{id}", "7", 1)
		for _, header := range []string{"", "Bearer", "Bearer ", "Basic YTpi", "Bearer inbx_api_1_wrong", danaToken} {
			answer := b.do(t, method, path, `{"text":"a"}`, "Authorization", header)
			require.Equal(t, `Bearer realm="inboxd"`, answer.Header.Get("WWW-Authenticate"), route)
			p := requireProblem(t, answer, http.StatusUnauthorized, map[bool]string{true: "bad_token", false: "token_required"}[strings.Contains(header, "wrong")])
			require.Empty(t, p.Org)
		}
	}
	require.Empty(t, b.store.noted(), "nothing may reach the store without a token")
}

// TestOurOwnFaultsStayInside: the caller learns that it was us and which log
// line to ask for, nothing else.
func TestOurOwnFaultsStayInside(t *testing.T) {
	t.Parallel()
	t.Run("Error", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.store.err = errors.New(`insert message: relation "canary" is gone`)
		p := requireProblem(t, b.do(t, "POST", "/v1/conversations/7/messages", `{"text":"secret text"}`, as(danaToken)...), 500, "internal_error")
		require.Equal(t, "internal error", p.Detail)
		require.Equal(t, "acme", p.Org)
		require.Contains(t, b.logs.String(), "canary")
		require.Contains(t, b.logs.String(), p.RequestID)
		require.NotContains(t, b.logs.String(), "secret text")
		require.NotContains(t, b.logs.String(), danaToken)
	})
	t.Run("Panic", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.store.panic = "canary"
		p := requireProblem(t, b.do(t, "GET", "/v1/conversations", "", as(danaToken)...), 500, "internal_error")
		require.Equal(t, "internal error", p.Detail)
		require.Contains(t, b.logs.String(), "canary")
		require.Contains(t, b.logs.String(), "goroutine")
	})
	t.Run("DatabaseGone", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.store.err = &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		answer := b.do(t, "GET", "/v1/conversations", "", as(danaToken)...)
		require.NotEmpty(t, answer.Header.Get("Retry-After"))
		requireProblem(t, answer, 503, "unavailable")
	})
	for state, status := range map[string]int{
		"08006": 503, "40001": 503, "40P01": 503, "53300": 503, "57P01": 503, "25006": 503, "55P03": 503,
		"23505": 500, "42P01": 500, "25001": 500,
	} {
		t.Run("SQLState"+state, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.store.err = fmt.Errorf("accept message: %w", sqlError(state))
			answer := b.do(t, "POST", "/v1/conversations/7/messages", `{"text":"a"}`, as(danaToken)...)
			require.Equal(t, status, answer.StatusCode)
			require.Equal(t, status == 503, answer.Header.Get("Retry-After") != "")
		})
	}
	t.Run("ConnectionGone", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.store.err = fmt.Errorf("accept message: %w", unaskedError{})
		answer := b.do(t, "POST", "/v1/conversations/7/messages", `{"text":"a"}`, as(danaToken)...)
		require.NotEmpty(t, answer.Header.Get("Retry-After"))
		requireProblem(t, answer, 503, "unavailable")
	})
	t.Run("TemporaryFault", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.store.err = inbox.Faultf(inbox.Temporary, "shutting_down", "the service is restarting: try again")
		requireProblem(t, b.do(t, "GET", "/v1/messages/70", "", as(danaToken)...), 503, "shutting_down")
	})
}

// sqlError is an error of the database server.
type sqlError string

func (e sqlError) Error() string    { return "SQLSTATE " + string(e) }
func (e sqlError) SQLState() string { return string(e) }

// unaskedError is an error of the driver before it could ask.
type unaskedError struct{}

func (unaskedError) Error() string     { return "conn closed" }
func (unaskedError) SafeToRetry() bool { return true }
