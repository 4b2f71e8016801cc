package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// exampleOf returns the example body of a documented operation.
func exampleOf(tb testing.TB, b *bundle, route string) string {
	tb.Helper()
	var op struct {
		RequestBody struct {
			Content map[string]struct {
				Example json.RawMessage `json:"example"`
			} `json:"content"`
		} `json:"requestBody"` //nolint:tagliatelle // OpenAPI's name
	}
	raw, err := json.Marshal(documentedRoutes(tb, b)[route])
	require.NoError(tb, err)
	require.NoError(tb, json.Unmarshal(raw, &op))
	example := op.RequestBody.Content["application/json"].Example
	require.NotEmpty(tb, example, route)
	return string(example)
}

// What the documentation shows must work when it is copied.
func TestAutomationExamplesWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.store.CreateUser(t.Context(), w.orgs["acme"].ID, "kofi")
	require.NoError(t, err)
	org := as(w.token(t, "acme", ""))
	body := exampleOf(t, &w.bundle, "POST /v1/automations")
	answer := w.do(t, "POST", "/v1/automations", body, org...)
	require.Equal(t, http.StatusCreated, answer.StatusCode, answer.Body)
	var saved map[string]any
	require.NoError(t, json.Unmarshal([]byte(answer.Body), &saved))
	for _, member := range []string{"id", "created_at", "updated_at"} {
		require.NotEmpty(t, saved[member])
		delete(saved, member)
	}
	back, err := json.Marshal(saved)
	require.NoError(t, err)
	require.JSONEq(t, body, string(back), "what is read is what was written")

	hours := exampleOf(t, &w.bundle, "PUT /v1/business-hours")
	require.JSONEq(t, `{"time_zone":"UTC","days":null}`, w.do(t, "GET", "/v1/business-hours", "", org...).Body)
	answer = w.do(t, "PUT", "/v1/business-hours", hours, org...)
	require.Equal(t, http.StatusOK, answer.StatusCode, answer.Body)
	require.JSONEq(t, hours, w.do(t, "GET", "/v1/business-hours", "", org...).Body)
	require.JSONEq(t, `{"time_zone":"UTC","days":null}`, w.do(t, "GET", "/v1/business-hours", "", as(w.token(t, "rival", ""))...).Body)
	w.do(t, "PUT", "/v1/business-hours", `{"time_zone":"Asia/Tokyo","days":null}`, org...)
	require.JSONEq(t, `{"time_zone":"Asia/Tokyo","days":null}`, w.do(t, "GET", "/v1/business-hours", "", org...).Body)
	require.Equal(t, "Asia/Tokyo", w.one(t, `SELECT time_zone FROM orgs WHERE name = 'acme'`))
}

const welcome = `{"name":"%s","trigger":{"type":"first_message"},"actions":[{"type":"tag","tag":"new"}]}`

// The life of a rule, and that nobody sees or touches another org's.
func TestAutomationsOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	org, rival := as(w.token(t, "acme", "")), as(w.token(t, "rival", ""))
	id := func(answer reply, status int) string {
		t.Helper()
		require.Equal(t, status, answer.StatusCode, answer.Body)
		var saved struct {
			ID      string `json:"id"`
			Enabled bool   `json:"enabled"`
		}
		require.NoError(t, json.Unmarshal([]byte(answer.Body), &saved))
		return saved.ID
	}
	first := id(w.do(t, "POST", "/v1/automations", fmt.Sprintf(welcome, "a"), append(org, "Idempotency-Key", "k")...), 201)
	require.Equal(t, first, id(w.do(t, "POST", "/v1/automations", fmt.Sprintf(welcome, "a"), append(org, "Idempotency-Key", "k")...), 201))
	requireProblem(t, w.do(t, "POST", "/v1/automations", fmt.Sprintf(welcome, "a"), org...), 409, "automation_exists")
	second := id(w.do(t, "POST", "/v1/automations", fmt.Sprintf(welcome, "b"), org...), 201)
	id(w.do(t, "POST", "/v1/automations", fmt.Sprintf(welcome, "a"), rival...), 201)
	requireProblem(t, w.do(t, "PUT", "/v1/automations/"+second, fmt.Sprintf(welcome, "a"), org...), 409, "automation_exists")
	requireProblem(t, w.do(t, "PUT", "/v1/automations/"+second,
		`{"name":"b","trigger":{"type":"first_message"},"actions":[{"type":"assign_round_robin","users":["dana","nemo"]}]}`, org...), 422, "unknown_user")

	for _, method := range []string{"GET", "PUT", "DELETE"} {
		body := ""
		if method == "PUT" {
			body = fmt.Sprintf(welcome, "c")
		}
		requireProblem(t, w.do(t, method, "/v1/automations/"+first, body, rival...), 404, "automation_not_found")
		requireProblem(t, w.do(t, method, "/v1/automations/99999", body, org...), 404, "automation_not_found")
		requireProblem(t, w.do(t, method, "/v1/automations/x", body, org...), 404, "automation_not_found")
		requireProblem(t, w.do(t, method, "/v1/automations/"+first, body), 401, "token_required")
	}
	off := strings.Replace(fmt.Sprintf(welcome, "z"), `{"name"`, `{"enabled":false,"name"`, 1)
	id(w.do(t, "PUT", "/v1/automations/"+first, off, org...), 200)
	require.Contains(t, w.do(t, "GET", "/v1/automations/"+first, "", org...).Body, `"enabled":false`)
	require.Equal(t, []string{first, second}, w.ruleIDs(t, 1, org))
	require.Equal(t, http.StatusNoContent, w.do(t, "DELETE", "/v1/automations/"+first, "", append(org, "Idempotency-Key", "d")...).StatusCode)
	require.Equal(t, http.StatusNoContent, w.do(t, "DELETE", "/v1/automations/"+first, "", append(org, "Idempotency-Key", "d")...).StatusCode)
	requireProblem(t, w.do(t, "DELETE", "/v1/automations/"+first, "", org...), 404, "automation_not_found")
	require.Equal(t, []string{second}, w.ruleIDs(t, 50, org))
}

// ruleIDs walks the list in pages.
func (w *world) ruleIDs(t *testing.T, limit int, headers []string) (ids []string) {
	t.Helper()
	for cursor := ""; ; {
		answer := w.do(t, "GET", fmt.Sprintf("/v1/automations?limit=%d&cursor=%s", limit, cursor), "", headers...)
		require.Equal(t, http.StatusOK, answer.StatusCode, answer.Body)
		var page struct {
			Items []struct {
				ID string `json:"id"`
			} `json:"items"`
			Next *string `json:"next"`
		}
		require.NoError(t, json.Unmarshal([]byte(answer.Body), &page))
		for _, r := range page.Items {
			ids = append(ids, r.ID)
		}
		if page.Next == nil {
			return ids
		}
		cursor = *page.Next
	}
}

// A rule that is wrong is refused with the place and what would be right.
func TestBadAutomations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const act = `"actions":[{"type":"tag","tag":"x"}]`
	for name, c := range map[string]struct{ body, code, says string }{
		"Empty":           {`{}`, "invalid_request", "name to be present"},
		"NoActions":       {`{"name":"a","trigger":{"type":"first_message"},"actions":[]}`, "bad_automation", "1 to 5"},
		"UnknownTrigger":  {`{"name":"a","trigger":{"type":"flood"},` + act + `}`, "invalid_request", "body.trigger.type"},
		"EmptyKeywords":   {`{"name":"a","trigger":{"type":"keyword","keywords":[]},` + act + `}`, "bad_automation", "1 to 50"},
		"NoMinutes":       {`{"name":"a","trigger":{"type":"no_answer"},` + act + `}`, "bad_automation", "1 to 1440"},
		"UnknownMember":   {`{"name":"a","trigger":{"type":"first_message","word":"a"},` + act + `}`, "invalid_request", "body.trigger.word"},
		"UnknownInAction": {`{"name":"a","trigger":{"type":"first_message"},"actions":[{"type":"tag","tags":"x"}]}`, "invalid_request", "body.actions[0].tags"},
		"LongText": {
			`{"name":"a","trigger":{"type":"first_message"},"actions":[{"type":"send_text","text":"` + strings.Repeat("a", 1001) + `"}]}`,
			"bad_automation", "conditions.channel",
		},
		"TemplateOnInstagram": {
			`{"name":"a","trigger":{"type":"first_message"},"conditions":{"channel":"instagram"},"actions":[{"type":"send_template","template":{"name":"a","language":"en"}}]}`,
			"bad_automation", "send_text",
		},
		"BadTemplateName": {
			`{"name":"a","trigger":{"type":"first_message"},"actions":[{"type":"send_template","template":{"name":"A B","language":"en"}}]}`,
			"invalid_request", "a-z 0-9 _",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := requireProblem(t, b.do(t, "POST", "/v1/automations", c.body, as(orgToken)...), 400, c.code)
			require.Contains(t, p.Detail, c.says)
		})
	}
	for body, code := range map[string]string{
		`{"time_zone":"Mars","days":{}}`:                                       "bad_time_zone",
		`{"time_zone":"UTC"}`:                                                  "invalid_request",
		`{"time_zone":"UTC","days":{"monday":[]}}`:                             "invalid_request",
		`{"time_zone":"UTC","days":{"mon":[{"from":"9","to":"10:00"}]}}`:       "bad_business_hours",
		`{"time_zone":"UTC","days":{"mon":[{"from":"09:00"}]}}`:                "invalid_request",
		`{"time_zone":"UTC","days":{"mon":[{"from":"09:00","to":"09:00"}]}}`:   "bad_business_hours",
		`{"time_zone":"UTC","days":{"mon":[{"from":"09:00","to":"25:00"}]}}`:   "bad_business_hours",
		`{"time_zone":"Local","days":{"mon":[{"from":"09:00","to":"10:00"}]}}`: "bad_time_zone",
	} {
		requireProblem(t, b.do(t, "PUT", "/v1/business-hours", body, as(orgToken)...), 400, code)
	}
}
