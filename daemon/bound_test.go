package daemon_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// A token of one org is given to that org's people. Whatever they ask with it must
// not tell them who else is a customer here, nor on which machines we run.
func TestBoundTokenLearnsNothingOfOthers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.start("api")
	h.furnish()
	h.exec(`UPDATE workers SET host = 'canary-host'`)
	root := h.operator()
	ctx := t.Context()
	_, err := root.AddOrg(ctx, admin.OrgAdd{Name: "canary-org"})
	require.NoError(t, err)
	_, err = root.AddUser(ctx, admin.UserAdd{Name: "canary-user", Org: "canary-org"})
	require.NoError(t, err)
	_, err = root.AddHold(ctx, admin.HoldAdd{Org: "canary-org", Reason: "canary-reason"})
	require.NoError(t, err)
	_, err = root.SetLimits(ctx, admin.LimitSet{Org: "canary-org", Values: map[string]string{"send_text": "99/min"}})
	require.NoError(t, err)
	job := h.reply(h.customer(waNumber, "12025550101", "hello"), "hello back").Job.ID
	for _, org := range []string{"acme", "canary-org"} { // the rest of both: running, dead, and ready
		h.exec(`INSERT INTO jobs (org_id, queue, job_type, state, priority, max_attempts, subject_id, deadline_at, epoch, run_epoch, attempt, lane, worker_id, started_at, error_class, last_error)
SELECT o.id, j.queue, j.job_type, s.state, j.priority, j.max_attempts, j.subject_id, j.deadline_at, 1, 1, 1, 1, (SELECT min(id) FROM workers), clock_timestamp(), 'transient', 'x'
FROM jobs j, orgs o, (VALUES (3), (6)) s (state) WHERE j.id = $1::text::bigint AND o.name = $2`, job, org)
	}
	h.exec(`INSERT INTO job_events (job_id, org_id, queue, job_type, kind, epoch, attempt, lane, worker_id, error_class)
SELECT id, org_id, queue, job_type, 2, 1, 1, 1, worker_id, 'transient' FROM jobs WHERE state = 6`)
	_, err = root.RetryJobs(ctx, admin.RetryRequest{Selector: admin.Selector{Org: []string{"canary-org"}}})
	require.NoError(t, err)
	all, err := root.Jobs(ctx, admin.Selector{}, admin.Page{})
	require.NoError(t, err)
	token, err := root.CreateToken(ctx, admin.TokenCreate{Org: "acme", Role: admin.Admin})
	require.NoError(t, err)

	ids := map[string][]string{"/orgs/": {"acme"}, "/queues/": {"whatsapp"}, "/workers/": {"1"}, "/ops/": {"1", "2"}, "/audit/": {"1", "2", "3", "4", "5", "6"}}
	for _, j := range all.Items {
		ids["/jobs/"] = append(ids["/jobs/"], j.ID)
	}
	more := []string{
		"/jobs/count?by=org", "/latency?by=org", "/sla/report?by=org", "/events?since=2h", "/jobs?state=dead", "/limits?org=acme", "/top?series=true",
	}
	for _, path := range append(h.readPaths(ids), more...) {
		status, body := h.ask(token.Item.Token, path)
		require.NotContains(t, body, "canary", "GET %s: %d", path, status)
		require.Less(t, status, 500, "GET %s: %s", path, body)
	}
}

// readPaths are the paths of everything that can be read, with these ids in them.
func (h *house) readPaths(ids map[string][]string) (paths []string) {
	_, body := h.ask("", "/openapi.json")
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	require.NoError(h.t, json.Unmarshal([]byte(body), &doc))
	for path, methods := range doc.Paths {
		if _, reads := methods["get"]; !reads || strings.HasSuffix(path, "/openapi.json") || path == admin.TopStreamPath {
			continue // the stream has no end, and what the picture has
		}
		path = strings.TrimPrefix(path, admin.BasePath)
		if !strings.Contains(path, "{id}") {
			paths = append(paths, path)
			continue
		}
		before, _, _ := strings.Cut(path, "{id}")
		require.Contains(h.t, ids, before, "say what can be asked for there")
		for _, id := range ids[before] {
			paths = append(paths, strings.Replace(path, "{id}", id, 1))
		}
	}
	return paths
}

// ask reads a path of the admin API, with a token if there is one.
func (h *house) ask(token, path string) (int, string) {
	h.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", h.socket)
	}}
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, "http://inboxd"+admin.BasePath+path, nil)
	require.NoError(h.t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := (&http.Client{Transport: transport, Timeout: patience}).Do(req)
	require.NoError(h.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(h.t, err)
	return resp.StatusCode, string(raw)
}
