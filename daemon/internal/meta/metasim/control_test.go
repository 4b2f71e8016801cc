package metasim_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

// control calls the control API and returns status and body.
func control(t *testing.T, sim *metasim.Sim, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, sim.URL()+path, bytes.NewBufferString(body))
	require.NoError(t, err)
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := (&http.Client{Transport: transport}).Do(req)
	require.NoError(t, err)
	out, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode, string(out)
}

// Another process must be able to do over HTTP what the Go API does.
func TestControlAPI(t *testing.T) {
	t.Parallel()
	hook := newCallback(t)
	sim := start(t, metasim.Options{})
	steps := []struct {
		method, path, body string
		status             int
		contains           string
	}{
		{"PUT", "/sim/webhook", `{"url":"` + hook.URL + `","app_secret":"s"}`, 204, ""},
		{"POST", "/sim/accounts", `{"kind":"whatsapp","id":"5","business_id":"6","token":"hush"}`, 201, `"display_phone"`},
		{"POST", "/sim/accounts", `{"kind":"fax","id":"5"}`, 400, "kind"},
		{"GET", "/sim/accounts", "", 200, `"business_id":"6"`},
		{"POST", "/sim/accounts/5/expire", "", 204, ""},
		{"POST", "/sim/accounts/7/expire", "", 404, "not known"},
		{"POST", "/sim/inbound", `{"account":"` + number + `","contact":{"wa_id":"12025550101"},"text":"hi"}`, 201, `"provider_id":"wamid.`},
		{"POST", "/sim/inbound", `{"account":"0","contact":{"wa_id":"1"},"text":"hi"}`, 400, "not known"},
		{"POST", "/sim/greetings", `{"account":"` + number + `","contacts":[{"wa_id":"12025550101"}]}`, 204, ""},
		{"POST", "/sim/greetings", `{"account":"` + number + `"}`, 400, "contacts"},
		{"GET", "/sim/inbound", "", 200, `"seq":1`},
		{"GET", "/sim/inbound?since=1", "", 200, ""},
		{"POST", "/sim/rules", `{"effect":"answer","fixture":"` + busy + `","next":1}`, 201, `"id":"1"`},
		{"POST", "/sim/rules", `{"effect":"answer","fixtures":"` + busy + `"}`, 400, "fixtures"},
		{"POST", "/sim/rules", `{"effect":"hang"}`, 201, `"id":"2"`},
		{"GET", "/sim/rules", "", 200, `"effect":"hang"`},
		{"DELETE", "/sim/rules/2", "", 204, ""},
		{"DELETE", "/sim/rules/2", "", 404, ""},
		{"DELETE", "/sim/rules/0", "", 404, ""},
		{"GET", "/sim/fixtures", "", 200, busy},
		{"PATCH", "/sim/settings", `{"read_share":0.5,"webhook":{"max_ms":10}}`, 200, `"read_share":0.5`},
		{"PATCH", "/sim/settings", `{"read_share":2}`, 400, "read_share"},
		{"GET", "/sim/settings", "", 200, `"webhook":{"min_ms":0,"max_ms":10}`},
		{"POST", "/v26.0/" + number + "/messages", "{}", 401, "190"},
		{"GET", "/sim/sends", "", 200, `"decision":"refused"`},
		{"GET", "/sim/sends?since=x", "", 400, "since"},
		{"GET", "/sim/duplicates", "", 200, "[]"},
		{"POST", "/sim/drain", "", 200, `"pending":0`},
		{"POST", "/sim/drain?timeout_ms=0", "", 400, "timeout_ms"},
		{"GET", "/sim/", "", 200, `"acknowledged":1`},
		{"DELETE", "/sim/rules", "", 204, ""},
		{"GET", "/sim/rules", "", 200, "[]"},
	}
	for _, step := range steps {
		status, body := control(t, sim, step.method, step.path, step.body)
		require.Equal(t, step.status, status, "%s %s: %s", step.method, step.path, body)
		require.Contains(t, body, step.contains, "%s %s", step.method, step.path)
		require.NotContains(t, body, "hush", "tokens are never shown")
	}
	require.Len(t, hook.got(), 2, "the message and the greeting")
}

// JSON lines: one record a line, resumable.
func TestSendsAsLines(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{})
	for range 3 {
		do(t, sim, waText("7.1"))
	}
	_, body := control(t, sim, http.MethodGet, "/sim/sends?since=1", "")
	lines := strings.Split(strings.TrimSpace(body), "\n")
	require.Len(t, lines, 2)
	var rec metasim.Send
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &rec))
	require.Equal(t, int64(2), rec.Seq)
	require.Equal(t, "7", rec.Job)
}

// A drain that cannot end says so instead of hanging.
func TestDrainOverHTTPTimesOut(t *testing.T) {
	t.Parallel()
	sim := start(t, metasim.Options{})
	write(t, sim, 1)
	status, body := control(t, sim, http.MethodPost, "/sim/drain?timeout_ms=10", "")
	require.Equal(t, http.StatusGatewayTimeout, status)
	require.Contains(t, body, "1 updates left")
}
