package httpapi_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// documentedRoutes returns "METHOD path" -> operation of the OpenAPI document.
func documentedRoutes(tb testing.TB, b *bundle) map[string]map[string]any {
	tb.Helper()
	answer := b.do(tb, "GET", "/openapi.json", "")
	require.Equal(tb, "application/openapi+json", answer.Header.Get("Content-Type"))
	var doc struct {
		Paths map[string]map[string]map[string]any `json:"paths"`
	}
	require.NoError(tb, json.Unmarshal([]byte(answer.Body), &doc))
	routes := map[string]map[string]any{}
	for path, item := range doc.Paths {
		for method, op := range item {
			routes[strings.ToUpper(method)+" "+path] = op
		}
	}
	return routes
}

// TestOpenAPINamesEveryRoute: client generators and the page see what is served.
func TestOpenAPINamesEveryRoute(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"GET /webhooks/meta":                    "200",
		"POST /webhooks/meta":                   "200",
		"GET /v1/conversations":                 "200",
		"GET /v1/conversations/{id}":            "200",
		"GET /v1/conversations/{id}/messages":   "200",
		"POST /v1/conversations/{id}/messages":  "202",
		"POST /v1/conversations/{id}/templates": "202",
		"POST /v1/conversations/{id}/assign":    "200",
		"POST /v1/conversations/{id}/resolve":   "200",
		"POST /v1/conversations/{id}/reopen":    "200",
		"GET /v1/messages/{id}":                 "200",
		"POST /v1/messages/{id}/retry":          "202",
		"GET /v1/spend":                         "200",
		"GET /v1/sla":                           "200",
		"GET /v1/automations":                   "200",
		"POST /v1/automations":                  "201",
		"GET /v1/automations/{id}":              "200",
		"PUT /v1/automations/{id}":              "200",
		"DELETE /v1/automations/{id}":           "204",
		"GET /v1/business-hours":                "200",
		"PUT /v1/business-hours":                "200",
		"GET /v1/limits":                        "200",
	}
	got := map[string]string{}
	for route, op := range documentedRoutes(t, setup(t)) {
		responses, ok := op["responses"].(map[string]any)
		require.True(t, ok)
		for status := range responses {
			if strings.HasPrefix(status, "2") {
				got[route] = status
			}
		}
		require.NotEmpty(t, op["summary"], route)
		if strings.Contains(route, "/v1/") {
			require.Contains(t, responses, "default", route)
			require.NotEmpty(t, op["security"], route)
		}
	}
	require.Empty(t, cmp.Diff(want, got))
}

func TestOpenAPISchemas(t *testing.T) {
	t.Parallel()
	body := setup(t).do(t, "GET", "/openapi.json", "").Body
	var doc struct {
		Info struct {
			Version string `json:"version"`
		} `json:"info"`
		Components struct {
			Schemas map[string]any `json:"schemas"`
		} `json:"components"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &doc))
	require.Equal(t, "1.2.3", doc.Info.Version)
	for _, name := range []string{"Conversation", "ConversationPage", "Message", "MessagePage", "Receipt", "Problem"} {
		require.Contains(t, doc.Components.Schemas, name)
	}
	require.NotContains(t, body, "ErrorModel")
	require.Equal(t, 11, strings.Count(body, `"additionalProperties":false`), "only what is asked (also if it is answered as well) is closed: answers may gain members")
	require.NotContains(t, body, "$schema")
}

// TestDocsWorkOffline: the page must not ask another host for anything, and
// its own policy must let its own script run.
func TestDocsWorkOffline(t *testing.T) {
	t.Parallel()
	answer := setup(t).do(t, "GET", "/docs", "")
	page := answer.Body
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, "text/html; charset=utf-8", answer.Header.Get("Content-Type"))
	require.Empty(t, regexp.MustCompile(`https?://|//[a-z]+\.|src=|@import|url\(`).FindAllString(page, -1))
	policy := answer.Header.Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	require.Contains(t, policy, "script-src 'sha256-")
	require.NotContains(t, policy, "unsafe")
	require.NotContains(t, page, "/*script*/")
	require.NotContains(t, page, "/*style*/")
}
