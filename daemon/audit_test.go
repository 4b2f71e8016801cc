package daemon_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// auditedRoute is one way to change something over the admin API.
type auditedRoute struct {
	route  string // as the server describes it
	action string
	target string
	body   string // dry_run and reason are added
	dry    bool   // it takes a dry run
	org    bool   // the record is of org acme
}

// auditedRoutes change something each, in this order. JOBn are jobs of acme: dead,
// ready, uncertain. Each is tried in vain
// first, which uses up a number.
func auditedRoutes() []auditedRoute {
	return []auditedRoute{
		{"POST /orgs", "orgs.add", "org initech", `{"name":"initech"`, false, false},
		{"POST /users", "users.add", "user erin", `{"name":"erin","org":"acme"`, false, true},
		{"POST /channels", "channels.add", "channel 4", `{"org":"acme","kind":"ad_account","external_id":"77","token":"canary-secret","no_check":true`, false, true},
		{"POST /channels/state", "channels.state", "channel 4", `{"channel":"77","state":"paused"`, true, true},
		{"POST /channels/token", "channels.token", "channel 4", `{"channel":"77","token":"canary-secret"`, false, true},
		{"POST /orgs/set", "orgs.set", "org acme", `{"name":"acme","sla_target_ms":600000`, true, true},
		{"POST /sla/policy", "sla.policy", "policy of acme", `{"org":"acme","target_ms":120000`, true, true},
		{"POST /channels/remove", "channels.remove", "channel 4", `{"channel":"77"`, true, true},
		{"POST /holds", "holds.add", "hold 2", `{"org":"acme","queue":"whatsapp"`, true, true},
		{"POST /holds/release", "holds.release", "hold 2", `{"org":"acme"`, false, true},
		{"POST /limits", "limits.set", "limits send_text, weight", `{"org":"acme","values":{"send_text":"99/min","weight":"2"}`, true, true},
		{"POST /limits/reset", "limits.reset", "limits send_text", `{"org":"acme","names":["send_text"]`, true, true},
		{"POST /queues/dial", "queues.dial", "queue whatsapp", `{"queue":"whatsapp","dial":25`, true, false},
		{"POST /tokens", "tokens.create", "token 3", `{"org":"acme"`, false, true},
		{"POST /tokens/revoke", "tokens.revoke", "token 3", `{"id":"3"`, true, true},
		{"POST /jobs/retry", "jobs.retry", "operation 2", `{"selector":{"org":["acme"]}`, true, true},
		{"POST /jobs/cancel", "jobs.cancel", "operation 4", `{"selector":{"ids":["JOB2"]}`, true, false},
		{"POST /jobs/resolve", "jobs.resolve", "job JOB3", `{"id":"JOB3","as":"not_sent"`, false, true},
		{"POST /alerts/ack", "alerts.ack", "alert jobs_wait/whatsapp", `{"id":"jobs_wait/whatsapp"`, false, false},
		{"POST /alerts/mute", "alerts.mute", "alert jobs_wait/whatsapp", `{"id":"jobs_wait/whatsapp","lasts_ms":60000`, false, false},
		{"GET /jobs/{id}?reveal=true", "jobs.reveal", "job JOB1", "", false, true},
	}
}

// Whoever asks after an incident who did that must get an answer: every change
// leaves exactly one record in its own transaction, a refused one and a dry run
// leave none, and what cannot be recorded does not happen.
func TestEveryChangeIsRecordedOnce(t *testing.T) { //nolint:tparallel // In order: each needs what the one before has made.
	t.Parallel()
	h := newHouse(t)
	h.start("api")
	h.furnish()
	w := newAuditWalk(t, h)
	w.coversEveryRoute()
	for _, r := range auditedRoutes() {
		t.Run(r.action, func(t *testing.T) { w.walk(t, r) })
	}
	verdict, err := h.operator().VerifyAudit(t.Context())
	require.NoError(t, err)
	require.True(t, verdict.Item.OK, verdict.Item)
	all, err := h.operator().Audit(t.Context(), admin.AuditFilter{}, admin.Page{})
	require.NoError(t, err)
	require.Len(t, all.Items, int(verdict.Item.Count))
	text, err := json.Marshal(all)
	require.NoError(t, err)
	for _, secret := range []string{"canary-secret", "hello", "12025550", "channel-token"} {
		require.NotContains(t, string(text), secret, "no secret, text or phone number goes into the trail")
		require.NotContains(t, h.logs.String(), "canary-secret")
	}
}

// auditWalk calls the admin API and looks what became of it.
type auditWalk struct {
	t    *testing.T
	h    *house
	db   *pgx.Conn
	jobs *strings.Replacer
}

func newAuditWalk(t *testing.T, h *house) *auditWalk {
	t.Helper()
	db, err := pgx.Connect(t.Context(), h.dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close(context.WithoutCancel(t.Context())) })
	var ids []string
	for i, who := range []string{"12025550101", "12025550102", "12025550103"} {
		id := h.reply(h.customer(waNumber, who, "hello"), "hello back").Job.ID
		state := []int{6, 1, 4}[i]
		h.exec(`UPDATE jobs SET state = $2, epoch = 1, run_epoch = 1, attempt = 1, lane = 1, error_class = 'transient', last_error = 'x' WHERE id = $1`, jobNumber(t, id), state)
		ids = append(ids, id)
	}
	h.exec(`INSERT INTO alerts (id, severity, rule, scope, summary, since, seen_at) VALUES ('jobs_wait/whatsapp', 'warning', 'jobs wait', 'whatsapp', 'x', now(), now() + interval '1 hour')`)
	return &auditWalk{t, h, db, strings.NewReplacer("JOB1", ids[0], "JOB2", ids[1], "JOB3", ids[2])}
}

// elsewhere are routes that change something and are proven in package ledger:
// they need a plan, a worker, or a webhook (TestAlertsReachPeople). A plan itself changes nothing.
func elsewhere() []string {
	return []string{"POST /alerts/test", "POST /ops", "POST /ops/{id}/commit", "POST /ops/{id}/abort", "POST /workers/drain"}
}

// coversEveryRoute fails when somebody adds a route that changes something and
// not the line above that says how it is recorded.
func (w *auditWalk) coversEveryRoute() {
	status, body := w.call(http.MethodGet, admin.OpenAPIPath, "")
	require.Equal(w.t, http.StatusOK, status)
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	require.NoError(w.t, json.Unmarshal(body, &doc))
	var missing []string
	for path, methods := range doc.Paths {
		for method := range methods {
			route := strings.ToUpper(method) + " " + strings.TrimPrefix(path, admin.BasePath)
			known := slices.ContainsFunc(auditedRoutes(), func(r auditedRoute) bool { return r.route == route })
			if method != "get" && !known && !slices.Contains(elsewhere(), route) {
				missing = append(missing, route)
			}
		}
	}
	require.Empty(w.t, missing, "say in auditedRoutes how these are recorded")
}

func (w *auditWalk) walk(t *testing.T, r auditedRoute) {
	t.Helper()
	method, path, _ := strings.Cut(w.jobs.Replace(r.route), " ")
	path = admin.BasePath + strings.Replace(path, "{id}", w.jobs.Replace("JOB1"), 1)
	body := w.jobs.Replace(r.body)
	full := body + `,"reason":"INC-1"}`
	if method == http.MethodGet {
		full, path = "", path+"&reason=INC-1"
	}
	if r.dry {
		before := w.state(t)
		status, answer := w.call(method, path, body+`,"dry_run":true}`)
		require.Equal(t, http.StatusOK, status, string(answer))
		require.Equal(t, before, w.state(t), "a dry run changes and records nothing")
	}
	if method != http.MethodGet {
		before := w.state(t)
		status, answer := w.call(method, path, `{"no_such_field":1}`)
		require.Equal(t, http.StatusBadRequest, status, string(answer))
		require.Equal(t, before, w.state(t), "a refused change leaves nothing")
	}

	w.exec(`ALTER TABLE audit ADD CONSTRAINT full_disk CHECK (reason <> 'INC-1') NOT VALID`)
	before := w.state(t)
	status, answer := w.call(method, path, full)
	require.Equal(t, http.StatusInternalServerError, status, string(answer))
	require.Contains(t, string(answer), "not_recorded")
	require.NotContains(t, string(answer), "hello back")
	require.Equal(t, before, w.state(t), "what cannot be recorded does not happen")
	w.exec(`ALTER TABLE audit DROP CONSTRAINT full_disk`)

	n := w.count()
	status, answer = w.call(method, path, full)
	require.Equal(t, http.StatusOK, status, string(answer))
	require.Equal(t, n+1, w.count(), "one record per change")
	if method == http.MethodGet {
		require.Contains(t, string(answer), "hello back")
	}
	list, err := w.h.operator().Audit(t.Context(), admin.AuditFilter{}, admin.Page{Limit: 1})
	require.NoError(t, err)
	e := list.Items[0]
	require.Equal(t, []string{r.action, w.jobs.Replace(r.target), "done", "socket"}, []string{e.Action, e.Target, e.Outcome, e.Source})
	require.Equal(t, new("INC-1"), e.Reason)
	require.Contains(t, e.Actor, "local:")
	require.NotEmpty(t, e.RequestID)
	if r.org {
		require.Equal(t, new("acme"), e.Org)
	}
	shown, err := w.h.operator().AuditEntry(t.Context(), e.ID)
	require.NoError(t, err)
	require.Equal(t, e, shown.Item)
}

// call speaks to the admin socket as curl would.
func (w *auditWalk) call(method, path, body string) (int, []byte) {
	w.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", w.h.socket)
	}}
	req, err := http.NewRequestWithContext(w.t.Context(), method, "http://inboxd"+path, strings.NewReader(body))
	require.NoError(w.t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Transport: transport, Timeout: patience}).Do(req)
	require.NoError(w.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	return resp.StatusCode, raw
}

func (w *auditWalk) exec(sql string) {
	w.t.Helper()
	_, err := w.db.Exec(w.t.Context(), sql)
	require.NoError(w.t, err)
}

func (w *auditWalk) count() (n int) {
	w.t.Helper()
	require.NoError(w.t, w.db.QueryRow(w.t.Context(), `SELECT count(*) FROM audit`).Scan(&n))
	return n
}

// state is everything an operator can change, table by table.
func (w *auditWalk) state(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, table := range []string{
		"orgs", "users", "channels", "restrictions", "tokens", "control", "holds", "org_limits", "queue_dials",
		"jobs", "job_history", "job_events", "messages", "conversations", "audit", "audit_head",
	} {
		var sum string
		require.NoError(t, w.db.QueryRow(t.Context(), `SELECT coalesce(md5(string_agg(x::text, ',' ORDER BY x::text)), '') FROM `+table+` x`).Scan(&sum))
		all[table] = sum
	}
	return all
}
