package cli_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bandeja/inboxd/admin"
)

func at() time.Time { return time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC) }

// server answers like inboxd with fixed data and keeps what it was asked.
type server struct {
	*httptest.Server

	mu    sync.Mutex
	asked []string // method, path and body
	token string   // of the last call

	public bool // answers like the public API; set before the first call
}

// reply is one canned answer.
type reply struct {
	status int
	body   any
}

func newServer(t *testing.T, replies map[string]reply) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.asked = append(s.asked, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+string(body)))
		s.token = r.Header.Get("Authorization")
		s.mu.Unlock()
		if !s.public {
			w.Header().Set(admin.VersionHeader, "v1.0.0")
		}
		if ops, ok := replies["ops"].body.(*fakeOps); ok && strings.HasPrefix(r.URL.Path, admin.OpsPath) {
			ops.serve(w, r, body)
			return
		}
		key := r.Method + " " + strings.TrimPrefix(r.URL.Path, admin.BasePath)
		if strings.Contains(string(body), `"dry_run":true`) {
			key += " dry"
		}
		answer, ok := replies[key]
		if !ok {
			answer = reply{404, admin.Problem{Status: 404, Kind: admin.NotFound, Code: "unknown_path", Detail: "this server has no " + key}}
		}
		w.WriteHeader(answer.status)
		_ = json.NewEncoder(w).Encode(answer.body)
	}))
	t.Cleanup(s.Close)
	return s
}

func list[T any](kind string, items ...T) reply {
	if items == nil {
		items = []T{}
	}
	return reply{200, admin.List[T]{Kind: kind, Items: items, AsOf: at()}}
}

func one[T any](kind string, item T) reply {
	return reply{200, admin.One[T]{Kind: kind, Item: item, AsOf: at(), StaleMS: 300}}
}

func problem(kind admin.Kind, code, text string) reply {
	return reply{kind.Status(), admin.Problem{Status: kind.Status(), Kind: kind, Code: code, Detail: text}}
}

func queue(name string) admin.Queue {
	return admin.Queue{ID: name, Name: name, Latency: admin.Latency{WindowMS: 300_000}}
}

func queues() []admin.Queue {
	p := admin.Percentiles{N: 400, P50MS: new(2.25), P95MS: new(12.6), P99MS: new(1530.0)}
	whatsapp := queue("whatsapp")
	whatsapp.Dial, whatsapp.Ready, whatsapp.Scheduled, whatsapp.Retrying, whatsapp.Dispatched, whatsapp.Running = new(50), 12, 4, 3, 5, 8
	whatsapp.OldestReadyMS, whatsapp.InPerS, whatsapp.DonePerS = new(int64(4200)), new(20.5), new(19.0)
	whatsapp.Latency = admin.Latency{Wait: p, Run: p, E2E: p, WindowMS: 300_000}
	instagram := queue("instagram")
	instagram.Dead, instagram.Uncertain, instagram.Ready = 7, 1, 1
	instagram.OldestReadyMS = new(int64(95_000))
	return []admin.Queue{whatsapp, instagram, queue("automations")}
}

func status() admin.Status {
	return admin.Status{
		Healthy: true, Version: "v1.0.0", Environment: "staging", APIURL: new("http://127.0.0.1:8080"),
		Queues: queues(),
		Processes: []admin.Process{
			{ID: "1", Host: "a", PID: 42, Mode: "api", Version: "v1.0.0", BeatAgeMS: 400, StartedAt: at().Add(-2 * time.Hour)},
			{ID: "2", Host: "b", PID: 4242, Mode: "worker", Version: "v1.0.0", Slots: 64, BeatAgeMS: 1200, Draining: true, StartedAt: at().Add(-30 * time.Second), BackgroundSlots: 16, Running: new(3), ControlVersion: new(int64(12)), DrainedBy: new("local:0")},
		},
		Parts:     []admin.Part{{Name: "postgres", OK: true, TookMS: new(1.25)}, {Name: "redis", Error: new("connection refused"), TookMS: new(2.0)}},
		Holds:     []admin.Hold{{ID: "7", Org: new("acme"), Owner: "local:0", Reason: new("INC-812"), CreatedAt: at().Add(-time.Minute)}},
		Throttled: []admin.ThrottledLimit{{Org: "globex", Name: "send_text", Queue: "whatsapp", Bulk: true, Value: 60, WindowMS: 60_000, NextTokenMS: 1200}},
		Alerts:    alerts()[:1],
	}
}

func jobs() []admin.Job {
	return []admin.Job{
		{
			ID: "4712", Org: "acme", User: new("dana"), Queue: "whatsapp", Type: "send_message", State: "dead", Priority: "interactive",
			Attempt: 5, MaxAttempts: new(5), Lane: new("redis"), ErrorClass: new("recipient_unreachable"), ErrorCode: new(131026),
			Error: new("Message\x1b[2J undeliverable"), ConversationID: new("7"), MessageID: new("70"), AgeMS: 3_720_000,
			CreatedAt: at().Add(-62 * time.Minute), DeadlineAt: new(at().Add(23 * time.Hour)),
		},
		{
			ID: "99", Org: "globex", Queue: "token_refresh", Type: "refresh_token", State: "scheduled", Priority: "bulk",
			MaxAttempts: new(8), AgeMS: 1500, CreatedAt: at().Add(-1500 * time.Millisecond), RunAt: new(at().Add(time.Hour)), DeadlineAt: new(at().Add(48 * time.Hour)),
		},
	}
}

func job() admin.JobDetail {
	start := at().Add(-time.Hour)
	return admin.JobDetail{Job: jobs()[0], Attempts: []admin.Attempt{
		{
			Attempt: 4, Epoch: 6, Outcome: "failed", Lane: new("postgres"), ProcessID: new("2"), Host: new("b"), PID: new(4242), ErrorClass: new("transient"),
			WaitMS: new(int64(3)), RunMS: new(int64(240)), StartedAt: &start,
		},
		{
			Attempt: 5, Epoch: 7, Outcome: "dead", Lane: new("redis"), ProcessID: new("2"), ErrorClass: new("recipient_unreachable"),
			Error: new("Message undeliverable"), WaitMS: new(int64(12)), RunMS: new(int64(180)), StartedAt: new(start.Add(time.Minute)),
		},
	}}
}

// story is the same job with its life.
func story() admin.JobDetail {
	j, start := job(), at().Add(-62*time.Minute)
	j.ErrorSig = new("3fa91c07")
	j.Timeline = []admin.Moment{
		{At: start, Event: "created", Who: new("dana"), Text: "send_message of acme by dana, interactive"},
		{At: start, Event: "wait", Text: "ready; 1m30s of it held by operators, 30s for its turn, a token or a slot", TookMS: new(int64(120_000))},
		{At: start, Event: "hold", Who: new("local:0"), Text: "acme is paused: INC-812; released by local:0", TookMS: new(int64(90_000))},
		{At: start.Add(2 * time.Minute), Event: "attempt", Text: "attempt 5 on b:4242 by redis: dead (recipient_unreachable 131026) Message\x1b[2J undeliverable", TookMS: new(int64(180))},
	}
	return j
}

// whys are the explanations of a job that is held, and of one that is not.
func whys() (held, free admin.JobWhy) {
	since, until := at().Add(-5*time.Minute), at().Add(55*time.Minute)
	held = admin.JobWhy{ID: "4713", Org: "acme", State: "ready", Causes: []admin.Cause{
		{Code: "org_hold", Holds: true, Who: new("local:0"), Since: &since, Until: &until, Text: "acme is paused: INC-812", Command: new("inboxctl orgs resume acme --hold 7")},
		{Code: "limit", Holds: true, Until: new(at().Add(1200 * time.Millisecond)), Text: "acme has used up its send_text of 60/min", Command: new("inboxctl limits set --org acme send_text=120/min")},
		{Code: "turn", Since: &since, Text: "3 of its org before it in whatsapp"},
	}}
	free = admin.JobWhy{ID: "99", Org: "globex", State: "ready", Causes: []admin.Cause{{Code: "turn", Text: "nothing holds it; it is the next of its org in token_refresh"}}}
	return held, free
}

func groups() []admin.ErrorGroup {
	first, last := at().Add(-6*time.Hour), at().Add(-2*time.Minute)
	return []admin.ErrorGroup{
		{
			Sig: "3fa91c07", ErrorClass: "recipient_unreachable", ErrorCode: new(131026), N: 4120, Dead: 4100, Retrying: 20, Orgs: 3, OrgsMore: true,
			Queues: []string{"whatsapp"}, FirstAt: &first, LastAt: &last, SampleID: "4712", SampleText: new("Message undeliverable"),
		},
		{Sig: "0b1c2d3e", ErrorClass: "transient", N: 2, Dead: 2, Orgs: 1, Queues: []string{"whatsapp", "instagram"}, SampleID: "99"},
	}
}

func events() []admin.Event {
	return []admin.Event{
		{ID: "j4712.7.2", Event: "job_dead", At: at().Add(-time.Minute), Org: new("acme"), Queue: new("whatsapp"), Type: new("send_message"), JobID: new("4712"), Attempt: new(5), ErrorClass: new("recipient_unreachable"), ErrorCode: new(131026), Process: new("b:4242"), Text: new("Message\x1b[2J undeliverable")},
		{ID: "a12", Event: "limits.set", At: at(), Org: new("acme"), Who: new("local:0"), Text: new("send_text 120/min for 2h0m0s: INC-812")},
	}
}

func drained() admin.WorkerResult {
	p := status().Processes[1]
	p.Running = new(0)
	return admin.WorkerResult{Process: p, Others: 1, Applied: applied()}
}

func wider(o admin.Org) admin.Org {
	o.SLATargetMS = 600_000
	return o
}

func orgDetail() admin.OrgDetail {
	l := limits()
	l[0].Used, l[0].APIUsed, l[0].Waiting, l[0].Throttled, l[0].ResetMS = new(120), new(80), new(int64(14)), new(true), new(int64(2400))
	return admin.OrgDetail{
		Org:      admin.Org{ID: "1", Name: "acme", Paused: true, Holds: new(1), TimeZone: "Europe/Madrid", SLATargetMS: 300_000, SLAObjective: 0.8, CreatedAt: at().Add(-72 * time.Hour)},
		HoldList: holds()[1:], Limits: l,
		Channels: []admin.Channel{{ID: "4", Org: "acme", Kind: "whatsapp", ExternalID: "1200000000001", State: "active", CreatedAt: at()}},
		Users:    []admin.User{{ID: "3", Name: "dana", Org: "acme", CreatedAt: at()}},
		Queues:   queues(),
	}
}

func limitChanges() []admin.LimitChange {
	return []admin.LimitChange{
		{ID: "2", Org: "acme", Name: "send_text", Before: new(100), BeforeWindowMS: new(int64(60_000)), After: new(120), AfterWindowMS: new(int64(60_000)), Owner: "local:0", Reason: new("sale"), At: at().Add(-time.Minute), ExpiresAt: new(at().Add(2 * time.Hour))},
		{ID: "1", Org: "acme", Name: "weight", After: new(2), Owner: "token:3", At: at().Add(-time.Hour), EndedAt: new(at().Add(-time.Minute)), EndedBy: new("local:0")},
	}
}

// latencies are of one type: two peaks of run, a wait that is mostly short, and
// an org whose jobs have not ended.
func latencies() []admin.LatencyItem {
	item := admin.LatencyItem{ID: "send_message/run", Name: "send_message", By: "type", Metric: "run", Bars: []admin.Bar{}, SinceAt: at().Add(-5 * time.Minute), WindowMS: 300_000}
	run, wait, e2e := item, item, item
	run.N, run.P50MS, run.P95MS, run.P99MS = 12_903, new(182.272), new(2949.12), new(3211.264)
	for i, n := range []int64{12, 880, 9001, 1200, 40, 0, 1770} {
		run.Bars = append(run.Bars, admin.Bar{BelowMS: float64(int(65_536)<<i) / 1000, N: n})
	}
	wait.ID, wait.Metric, wait.N, wait.P50MS, wait.P95MS, wait.P99MS = "send_message/wait", "wait", 100, new(0.5), new(3.4), new(7.7)
	wait.Bars = []admin.Bar{{BelowMS: 1.024, N: 90}, {BelowMS: 2.048}, {BelowMS: 4.096, N: 8}, {BelowMS: 8.192, N: 2}}
	e2e.ID, e2e.Metric, e2e.Partial = "send_message/e2e", "e2e", true
	return []admin.LatencyItem{wait, run, e2e}
}

// world is every answer the tests need.
func alerts() []admin.Alert {
	return []admin.Alert{
		{
			ID: "jobs_wait/whatsapp", State: admin.AlertFiring, Severity: "critical", Rule: "jobs wait", Scope: "whatsapp", Text: "1m16s > 1m0s", Value: new(76_000.0), Threshold: new(60_000.0), Unit: new("ms"),
			Cause: new("the limit send_text of acme is used up"), Command: new("inboxctl jobs list --queue whatsapp --state ready"), Runbook: new("runbooks/flood.md"), Since: at().Add(-372 * time.Second),
		},
		{
			ID: "limit_reached/acme/send_text", State: admin.AlertAcked, Severity: "warning", Rule: "limit reached", Scope: "acme send_text", Org: new("acme"), Text: "58 of 60 used, jobs wait for it", Since: at().Add(-2 * time.Minute),
			AckedBy: new("token:5"), AckedAt: new(at().Add(-time.Minute)), AckReason: new("INC-812"),
		},
		{
			ID: "worker_silent/17@b", State: admin.AlertResolved, Severity: "warning", Rule: "worker silent", Scope: "17@b", Text: "no beat for 41s", Since: at().Add(-time.Hour), ResolvedAt: new(at().Add(-30 * time.Minute)),
		},
	}
}

func alertReplies() map[string]reply {
	muted := alerts()[0]
	muted.State, muted.MutedBy, muted.Muted = admin.AlertMuted, new("local:0"), new(at().Add(2*time.Hour))
	return map[string]reply{
		"GET /alerts":       list("alerts", alerts()...),
		"POST /alerts/ack":  one("alert", alerts()[1]),
		"POST /alerts/mute": one("alert", muted),
		"POST /alerts/test": one("alert_test", admin.AlertTest{Host: "hooks.example.com", TookMS: 180}),
	}
}

func world() map[string]reply {
	org := admin.Org{
		ID: "1", Name: "acme", TimeZone: "Europe/Madrid", SLATargetMS: 300_000, SLAObjective: 0.8, CreatedAt: at().Add(-72 * time.Hour),
		Ready: new(int64(41)), OldestReadyMS: new(int64(79_000)), Dead: new(int64(7)), Uncertain: new(int64(0)),
	}
	user := admin.User{ID: "3", Name: "dana", Org: "acme", CreatedAt: at().Add(-time.Minute)}
	channel := admin.Channel{ID: "4", Org: "acme", Kind: "whatsapp", ExternalID: "1200000000001", BusinessID: new("99"), State: "active", CreatedAt: at()}
	token := admin.Token{ID: "5", Org: new("acme"), User: new("dana"), CreatedAt: at(), Token: "inbx_api_5_canary_crc"}
	held, free := whys()
	answers := changes()
	maps.Copy(answers, alertReplies())
	maps.Copy(answers, slaReplies())
	maps.Copy(answers, map[string]reply{
		"GET /latency":        list("latency", latencies()...),
		"GET /jobs/4715":      one("job", story()),
		"GET /jobs/4713/why":  one("job_why", held),
		"GET /jobs/99/why":    one("job_why", free),
		"GET /jobs/count":     list("job_counts", admin.JobCount{Name: new("acme"), N: 4120}, admin.JobCount{N: 200_000, AtLeast: true}),
		"GET /jobs/groups":    list("error_groups", groups()...),
		"GET /events":         list("events", events()...),
		"GET /version":        one("version", admin.Version{Version: "v1.0.0"}),
		"GET /status":         one("status", status()),
		"GET /queues":         list("queues", queues()...),
		"GET /jobs":           list("jobs", jobs()...),
		"GET /jobs/4712":      one("job", job()),
		"ops":                 {body: newFakeOps()},
		"GET /orgs":           list("orgs", org),
		"POST /orgs":          one("org", org),
		"GET /users":          list("users", user),
		"POST /users":         one("user", user),
		"GET /channels":       list("channels", channel),
		"POST /channels":      one("channel", admin.ChannelAdded{Channel: channel, Checked: true}),
		"POST /tokens":        one("token", token),
		"GET /tokens":         list("tokens", tokens()...),
		"POST /tokens/revoke": one("token", tokens()[2]),

		"POST /tokens/revoke dry": one("token", tokens()[0]),
		"GET /audit":              list("audit", entries()...),
		"GET /audit/12":           one("audit_entry", entries()[0]),
		"GET /audit/verify":       one("audit_verdict", admin.AuditVerdict{OK: true, Count: 12, Head: "ab12"}),
		"GET /workers":            list("workers", status().Processes...),
		"GET /workers/2":          one("worker", status().Processes[1]),
		"POST /workers/drain":     one("worker", drained()),
		"POST /workers/drain dry": one("worker", admin.WorkerResult{
			Process: status().Processes[1], DryRun: true, Others: 1,
		}),
		"GET /orgs/acme":            one("org", orgDetail()),
		"POST /orgs/set":            one("org", admin.OrgResult{Org: wider(org), Before: org}),
		"POST /orgs/set dry":        one("org", admin.OrgResult{Org: wider(org), Before: org, DryRun: true}),
		"POST /channels/remove":     one("channel", admin.ChannelRemoved{Channel: channel, Conversations: 12, Applied: applied()}),
		"POST /channels/remove dry": one("channel", admin.ChannelRemoved{Channel: channel, Conversations: 12, Unfinished: 3, DryRun: true}),
		"GET /limits/history":       list("limit_changes", limitChanges()...),
	})
	return answers
}
