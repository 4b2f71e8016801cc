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
		key := r.Method + " " + strings.TrimPrefix(r.URL.Path, admin.BasePath)
		if strings.Contains(string(body), `"dry_run":true`) {
			key += " dry"
		}
		answer, ok := replies[key]
		if !ok {
			answer = reply{404, admin.Problem{Status: 404, Kind: admin.NotFound, Code: "not_found", Detail: "there is no " + key}}
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
		Parts: []admin.Part{{Name: "postgres", OK: true, TookMS: new(1.25)}, {Name: "redis", Error: new("connection refused"), TookMS: new(2.0)}},
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
		{ID: "1", Org: "acme", Name: "weight", After: new(2), Owner: "token:3", At: at().Add(-time.Hour)},
	}
}

// world is every answer the tests need.
func world() map[string]reply {
	org := admin.Org{ID: "1", Name: "acme", TimeZone: "Europe/Madrid", SLATargetMS: 300_000, SLAObjective: 0.8, CreatedAt: at().Add(-72 * time.Hour)}
	user := admin.User{ID: "3", Name: "dana", Org: "acme", CreatedAt: at().Add(-time.Minute)}
	channel := admin.Channel{ID: "4", Org: "acme", Kind: "whatsapp", ExternalID: "1200000000001", BusinessID: new("99"), State: "active", CreatedAt: at()}
	token := admin.Token{ID: "5", Org: new("acme"), User: new("dana"), CreatedAt: at(), Token: "inbx_api_5_canary_crc"}
	done := admin.RetryResult{Matched: 42, Retried: 42, Skipped: []admin.Skip{}, ByOrg: []admin.OrgCount{{Org: "acme", N: 40}, {Org: "globex", N: 2}}}
	plan := done
	plan.DryRun, plan.Retried = true, 0
	answers := changes()
	maps.Copy(answers, slaReplies())
	maps.Copy(answers, map[string]reply{
		"GET /version":         one("version", admin.Version{Version: "v1.0.0"}),
		"GET /status":          one("status", status()),
		"GET /queues":          list("queues", queues()...),
		"GET /jobs":            list("jobs", jobs()...),
		"GET /jobs/4712":       one("job", job()),
		"POST /jobs/retry":     one("retry", done),
		"POST /jobs/retry dry": one("retry", plan),
		"GET /orgs":            list("orgs", org),
		"POST /orgs":           one("org", org),
		"GET /users":           list("users", user),
		"POST /users":          one("user", user),
		"GET /channels":        list("channels", channel),
		"POST /channels":       one("channel", admin.ChannelAdded{Channel: channel, Checked: true}),
		"POST /tokens":         one("token", token),
		"GET /workers":         list("workers", status().Processes...),
		"GET /workers/2":       one("worker", status().Processes[1]),
		"POST /workers/drain":  one("worker", drained()),
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
