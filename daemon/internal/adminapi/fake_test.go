package adminapi_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/daemon/internal/adminapi"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/job/inspect"
	"github.com/bandeja/inboxd/daemon/internal/latency"
)

// fake is a store and a ledger in memory, with two orgs, acme (1) and globex
// (2), and a job 10 of acme that is dead.
type fake struct {
	mu       sync.Mutex
	orgs     []inbox.Org
	users    []inbox.User
	channels []inbox.Channel
	secrets  []string // access tokens of channels
	made     []adminapi.NewToken
	jobs     []inspect.Job
	filters  []inspect.Filter // of RetryDead
	loads    []inspect.OrgLoad
	lost     bool // OrgLoads fails
	feeds    []inspect.FeedFilter
	pasts    []inspect.PastFilter
	looks    int
	asked    []latency.Query
	unknown  error // Latency fails
	engine   engine
	down     error // every call fails
	stop     error // RetryDead fails, with one job left
	trail    []inbox.AuditEntry
	verdict  inbox.AuditVerdict
	tokens   []inbox.Token
	shown    []*inbox.Change // what was revealed, and to whom
	hang     bool            // RetryDead waits for the end of its time, with one job left

	unfinished int64 // of every channel
	operations *bulkWork
	sla        *fakeSLA
}

func newFake() *fake {
	return &fake{
		operations: newBulkWork(),
		sla:        &fakeSLA{},
		orgs: []inbox.Org{
			{ID: 1, Name: "acme", TimeZone: "UTC", SLATarget: 5 * time.Minute, Objective: 0.8, CreatedAt: day},
			{ID: 2, Name: "globex", TimeZone: "UTC", SLATarget: time.Minute, Objective: 0.9, CreatedAt: day},
		},
		trail: []inbox.AuditEntry{
			{ID: 10, At: day, Actor: "token:5", TokenID: 5, Action: "orgs.add", OrgID: 1, Org: "acme", Target: "org acme", Detail: []byte(`{}`), Outcome: "done"},
			{ID: 11, At: day, Actor: "local:0", Action: "queues.dial", Target: "queue whatsapp", Reason: "INC-1", Detail: []byte(`{"after":{"dial":25}}`), Outcome: "done", Source: "socket"},
			{ID: 12, At: day, Actor: "local:0", Action: "users.add", OrgID: 2, Org: "globex", Target: "user erin", Detail: []byte(`{}`), Outcome: "done", Source: "socket"},
		},
		verdict: inbox.AuditVerdict{Count: 12, Head: []byte{0xab}},
		tokens: []inbox.Token{
			{ID: 5, Role: "operator", CreatedBy: "local:0", CreatedAt: day, ExpiresAt: day.Add(time.Hour)},
			{ID: 6, OrgID: 1, Org: "acme", User: "dana", CreatedAt: day, ExpiresAt: day},
			{ID: 7, OrgID: 2, Org: "globex", CreatedAt: day, RevokedAt: day},
		},
		users: []inbox.User{{ID: 1, OrgID: 1, Name: "dana", CreatedAt: day}, {ID: 2, OrgID: 2, Name: "erin", CreatedAt: day}},
		jobs: []inspect.Job{
			{ID: 12, OrgID: 2, Org: "globex", Queue: job.WhatsApp, Type: job.SendMessage, State: job.Uncertain, Priority: job.Interactive, CreatedAt: day},
			{ID: 11, OrgID: 1, Org: "acme", Queue: job.WhatsApp, Type: job.SendMessage, State: job.Ready, Priority: job.Interactive, CreatedAt: day},
			{
				ID: 10, OrgID: 1, Org: "acme", Queue: job.WhatsApp, Type: job.SendMessage, State: job.Dead, Priority: job.Interactive,
				Class: job.ClassMedia, SerialKey: 7, SubjectID: 70, CreatedAt: day,
			},
		},
	}
}

var day = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func (f *fake) lock() func() { f.mu.Lock(); return f.mu.Unlock }

func (f *fake) CreateOrg(_ context.Context, o inbox.Org) (inbox.Org, error) {
	defer f.lock()()
	if slices.ContainsFunc(f.orgs, func(x inbox.Org) bool { return x.Name == o.Name }) {
		return o, inbox.Faultf(inbox.Conflict, "org_exists", "there is an org %q already", o.Name)
	}
	o.ID, o.CreatedAt = int64(len(f.orgs)+1), day
	f.orgs = append(f.orgs, o)
	return o, f.down
}

func (f *fake) Orgs(context.Context) ([]inbox.Org, error) {
	defer f.lock()()
	return slices.Clone(f.orgs), f.down
}

func (f *fake) OrgsOf(_ context.Context, ids []int64) (got []inbox.Org, err error) {
	defer f.lock()()
	for _, o := range f.orgs {
		if slices.Contains(ids, o.ID) {
			got = append(got, o)
		}
	}
	return got, f.down
}

func (f *fake) OrgsAfter(_ context.Context, name, prefix string, without []int64, limit int) (got []inbox.Org, err error) {
	defer f.lock()()
	sorted := slices.SortedFunc(slices.Values(f.orgs), func(a, b inbox.Org) int { return strings.Compare(a.Name, b.Name) })
	for _, o := range sorted {
		if o.Name > name && strings.HasPrefix(o.Name, prefix) && !slices.Contains(without, o.ID) && len(got) < limit {
			got = append(got, o)
		}
	}
	return got, f.down
}

// OrgLoads has two ready jobs of acme, one of an org nobody knows, a dead one of
// globex, and what loads adds.
func (f *fake) OrgLoads(_ context.Context, orgID int64) ([]inspect.OrgLoad, error) {
	defer f.lock()()
	if f.lost {
		return nil, errors.New("the ledger is lost")
	}
	age := 2 * time.Second
	all := append([]inspect.OrgLoad{
		{OrgID: 1, Queue: job.WhatsApp, State: job.Ready, N: 2, Oldest: &age},
		{OrgID: 99, Queue: job.WhatsApp, State: job.Ready, N: 1, Oldest: &age},
		{OrgID: 2, State: job.Dead, N: 1},
	}, f.loads...)
	return slices.DeleteFunc(all, func(x inspect.OrgLoad) bool { return orgID != 0 && x.OrgID != orgID }), f.down
}

func (f *fake) UpdateOrg(_ context.Context, id int64, change func(*inbox.Org) error) (before, after inbox.Org, err error) {
	defer f.lock()()
	for i := range f.orgs {
		if f.orgs[i].ID == id {
			before = f.orgs[i]
			err = change(&f.orgs[i])
			after = f.orgs[i]
		}
	}
	return before, after, errors.Join(err, f.down)
}

func (f *fake) ChannelUse(context.Context, int64, int64) (unfinished, conversations int64, err error) {
	return f.unfinished, 12, f.down
}

func (f *fake) RemoveChannel(_ context.Context, orgID, id int64, _ string) (int64, error) {
	defer f.lock()()
	f.channels = slices.DeleteFunc(f.channels, func(c inbox.Channel) bool { return c.ID == id && c.OrgID == orgID })
	return 9, f.down
}

func (f *fake) ReadyByType(context.Context, int64) (ready map[job.Type]int64, underWay int64, err error) {
	return map[job.Type]int64{job.SendMessage: 7}, 3, f.down
}

func (f *fake) OrgByName(_ context.Context, name string) (inbox.Org, error) {
	defer f.lock()()
	for _, o := range f.orgs {
		if o.Name == name {
			return o, f.down
		}
	}
	return inbox.Org{}, inbox.Faultf(inbox.NotFound, "org_not_found", "no org %q", name)
}

func (f *fake) CreateUser(_ context.Context, orgID int64, name string) (inbox.User, error) {
	defer f.lock()()
	u := inbox.User{ID: int64(len(f.users) + 1), OrgID: orgID, Name: name, CreatedAt: day}
	f.users = append(f.users, u)
	return u, f.down
}

func (f *fake) Users(_ context.Context, orgID int64) (got []inbox.User, err error) {
	defer f.lock()()
	for _, u := range f.users {
		if orgID == 0 || u.OrgID == orgID {
			got = append(got, u)
		}
	}
	return got, f.down
}

func (f *fake) CreateChannel(_ context.Context, c inbox.Channel, token string) (inbox.Channel, error) {
	defer f.lock()()
	c.ID, c.CreatedAt = int64(len(f.channels)+1), day
	f.channels, f.secrets = append(f.channels, c), append(f.secrets, token)
	return c, f.down
}

func (f *fake) Channels(_ context.Context, orgID int64) (got []inbox.Channel, err error) {
	defer f.lock()()
	for _, c := range f.channels {
		if orgID == 0 || c.OrgID == orgID {
			got = append(got, c)
		}
	}
	return got, f.down
}

func (f *fake) CreateToken(_ context.Context, n adminapi.NewToken) (int64, string, error) {
	defer f.lock()()
	f.made = append(f.made, n)
	return int64(len(f.made)), "inbx_secret", f.down
}

// AuthenticateAdmin takes the role itself as a token, with "@" for one bound to
// acme.
func (f *fake) AuthenticateAdmin(_ context.Context, clear string) (adminapi.Principal, error) {
	defer f.lock()()
	p := adminapi.Principal{TokenID: 5, Role: clear}
	if err := oldTokens(clear); err != nil {
		return p, err
	}
	if clear[0] == '@' {
		p.Role, p.OrgID = clear[1:], 1
	}
	if !admin.Role(p.Role).Allows(admin.Viewer) {
		return p, inbox.Faultf(inbox.Unauthorized, "bad_token", "this token is not known")
	}
	return p, nil
}

func (f *fake) QueueSummary(_ context.Context, orgID int64) ([]inspect.Queue, error) {
	defer f.lock()()
	f.looks++
	age, in := 90*time.Second, 2.5
	ready := int64(3)
	if orgID == 1 {
		ready = 1
	}
	return []inspect.Queue{{
		Queue: job.WhatsApp, Counts: map[job.State]int64{job.Ready: ready, job.Dead: 1, job.Scheduled: 2},
		Retrying: 1, OldestReady: &age, InPerS: &in,
	}}, f.down
}

// Latency knows four waits of 12.5 ms and a run of 3 s.
func (f *fake) Latency(_ context.Context, q latency.Query) (latency.Answer, error) {
	defer f.lock()()
	f.asked = append(f.asked, q)
	times := &latency.Times{}
	for range 4 {
		times.Of(latency.Wait).Add(12500 * time.Microsecond)
	}
	times.Of(latency.Run).Add(3 * time.Second)
	g := latency.Group{Key: latency.Key{Queue: job.WhatsApp, Type: job.SendMessage}, Times: times}
	if q.By == latency.ByOrg {
		g.Org = "acme"
	}
	return latency.Answer{Groups: []latency.Group{g}, Since: day.Add(-q.Window), AsOf: day}, f.unknown
}

func (f *fake) Processes(context.Context) ([]inspect.Process, error) {
	defer f.engine.lock()()
	p := inspect.Process{ID: 1, Host: "h", PID: 42, Mode: "worker", Version: "v1", Slots: 8, BeatAge: time.Second, StartedAt: day, Background: 2, ControlVersion: 4, Mostly: job.SendMessage}
	if f.engine.drained == p.ID {
		p.Draining, p.DrainedBy = true, "token:5"
	}
	return []inspect.Process{p, {ID: 10, Host: "h", PID: 43, Mode: "api", Version: "v1", BeatAge: time.Second, StartedAt: day}}, nil
}

func (f *fake) JobList(_ context.Context, x inspect.Filter) (got []inspect.Job, err error) {
	defer f.lock()()
	for _, j := range f.jobs {
		if (len(x.OrgIDs) == 0 || slices.Contains(x.OrgIDs, j.OrgID)) && (len(x.IDs) == 0 || slices.Contains(x.IDs, j.ID)) &&
			(len(x.States) == 0 || slices.Contains(x.States, j.State)) && (x.Before == 0 || j.ID < x.Before) && len(got) < x.Limit {
			got = append(got, j)
		}
	}
	return got, f.down
}

func (f *fake) Job(ctx context.Context, orgID, id int64) (inspect.Detail, error) {
	x := inspect.Filter{IDs: []int64{id}, Limit: 1}
	if orgID != 0 {
		x.OrgIDs = []int64{orgID}
	}
	jobs, err := f.JobList(ctx, x)
	if err != nil || len(jobs) == 0 {
		return inspect.Detail{}, inbox.Faultf(inbox.NotFound, "job_not_found", "there is no job %d", id)
	}
	ready, start := day, day.Add(time.Second)
	end := start.Add(20 * time.Millisecond)
	return inspect.Detail{Job: jobs[0], Attempts: []inspect.Attempt{
		{Attempt: 1, Epoch: 1, Outcome: "dead", Lane: job.LaneRedis, WorkerID: 3, Host: "h", PID: 42, Class: job.ClassMedia, ReadyAt: &ready, StartedAt: &start, EndedAt: &end},
	}}, nil
}

func (f *fake) JobCount(_ context.Context, x inspect.Filter, by inspect.By) ([]inspect.Count, error) {
	defer f.lock()()
	f.filters = append(f.filters, x)
	if by == inspect.ByNothing {
		return []inspect.Count{{N: 200_000, Partial: true}}, f.down
	}
	return []inspect.Count{{Word: "acme", N: 2}, {N: 1}}, f.down
}

func (f *fake) ErrorGroups(_ context.Context, x inspect.Filter) ([]inspect.Group, error) {
	defer f.lock()()
	f.filters = append(f.filters, x)
	code := 131026
	return []inspect.Group{
		{
			Sig: "3fa91c07", Class: job.ClassRecipientUnreachable, Code: &code, N: 7, ByState: map[job.State]int64{job.Dead: 5, job.Scheduled: 2},
			Orgs: 2, Queues: []job.Queue{job.WhatsApp}, First: &day, Last: &day, Sample: 10, Text: "not on WhatsApp",
		},
		{Sig: "0a000000", Class: job.ClassTransient, N: 3, ByState: map[job.State]int64{job.Dead: 3}, Orgs: 1, Sample: 11},
		{Sig: "0b000000", Class: job.ClassTransient, N: 3, ByState: map[job.State]int64{job.Dead: 3}, Orgs: 1, Sample: 11},
	}, f.down
}

// change is what the audit trail says of a pause.
func (f *fake) change() *inbox.AuditEntry {
	return &inbox.AuditEntry{
		ID: 1, Action: "limits.set", Target: "limits send_text, weight", Reason: "sale",
		Detail: []byte(`{"before":[],"after":[{"name":"send_text","value":120,"window_ms":60000,"lasts_ms":7200000},{"name":"weight","value":2}]}`),
	}
}

// Past has three events: page by page, newest first.
func (f *fake) Past(_ context.Context, x inspect.PastFilter) ([]inspect.Event, error) {
	defer f.lock()()
	f.pasts = append(f.pasts, x)
	all := []inspect.Event{
		{ID: "j10.1.2", What: inspect.EventDead, At: day.Add(2), Org: "acme", Queue: job.WhatsApp, Type: job.SendMessage, JobID: 10, Attempt: 1, Process: "b:4242"},
		{ID: "a1", What: "limits.set", At: day.Add(1), Org: "acme", Who: "local:0", Change: f.change()},
		{ID: "j9.1.2", What: inspect.EventDead, At: day, Org: "acme", JobID: 9},
	}
	if x.Before.ID == "a1" {
		all = all[2:]
	}
	return all[:min(len(all), x.Limit)], f.down
}

// Feed tells at each look of one death, and each time of the same change.
func (f *fake) Feed(_ context.Context, from inspect.FeedCursor, x inspect.FeedFilter) ([]inspect.Event, inspect.FeedCursor, error) {
	defer f.lock()()
	f.feeds = append(f.feeds, x)
	from.Snapshot += "x"
	return []inspect.Event{
		{ID: "a1", What: "limits.set", At: day, Org: "acme", Who: "local:0", Change: f.change()},
		{ID: "j10." + from.Snapshot, What: inspect.EventDead, At: day, Org: "acme", Queue: job.WhatsApp, Type: job.SendMessage, JobID: 10, Attempt: 1},
	}, from, f.down
}

func (f *fake) Why(ctx context.Context, orgID, id int64) (inspect.Why, error) {
	d, err := f.Job(ctx, orgID, id)
	until := day.Add(time.Hour)
	return inspect.Why{Job: d.Job, Causes: []inspect.Cause{
		{Code: "org_hold", Holds: true, Who: "local:0", Since: &day, Until: &until, Text: "acme is paused", Command: "inboxctl orgs resume acme --hold 7"},
		{Code: "turn", Text: "it is the next of its org"},
	}}, err
}

func (f *fake) dead(ctx context.Context, x inspect.Filter) (got []inspect.Job) {
	x.States, x.Limit = []job.State{job.Dead}, len(f.jobs)
	got, _ = f.JobList(ctx, x)
	return got
}

func (f *fake) DeadByOrg(ctx context.Context, x inspect.Filter) (got []inspect.OrgCount, err error) {
	if n := len(f.dead(ctx, x)); n > 0 {
		got = append(got, inspect.OrgCount{Org: "acme", N: int64(n)})
	}
	return got, f.down
}

func (f *fake) RetryDead(ctx context.Context, x inspect.Filter, _ string) (int, error) {
	n := len(f.dead(ctx, x))
	unlock := f.lock()
	f.filters = append(f.filters, x)
	unlock()
	if f.hang {
		<-ctx.Done()
		return n - 1, ctx.Err()
	}
	if f.stop != nil {
		return n - 1, f.stop
	}
	return n, f.down
}

// options are complete, with a clock that stands still.
func (f *fake) options() adminapi.Options {
	return adminapi.Options{
		Orgs: f, Users: f, Channels: f, Tokens: f, Jobs: f, Latency: f, Failures: f, Retrier: f, Control: &f.engine, Recaller: &f.engine,
		Canceller: &f.engine, Resolver: &f.engine, Operations: f.operations, Explainer: f, Trail: f, Revealer: f,
		Drainer: &f.engine, History: &f.engine,
		SLA:    f.sla,
		Logger: slog.New(slog.DiscardHandler), Version: "v1",
		Environment: "test", APIURL: "http://127.0.0.1:8080",
		Dial:   func(job.Queue) int { return 50 },
		Now:    func() time.Time { return day.Add(time.Minute) },
		Probes: []adminapi.Probe{{Name: "postgres", Check: func(context.Context) error { return nil }}},
	}
}

func newHandler(tb testing.TB, f *fake) http.Handler {
	tb.Helper()
	h, err := adminapi.New(f.options())
	require.NoError(tb, err)
	return h
}

// onTCP serves h like the daemon does on TCP and returns its address.
func onTCP(tb testing.TB, h http.Handler) string {
	tb.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config = adminapi.NewServer(h, slog.New(slog.DiscardHandler))
	s.Start()
	tb.Cleanup(s.Close)
	return s.URL
}

// onSocket serves h like the daemon does on its socket and returns its address.
func onSocket(tb testing.TB, h http.Handler) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "a.sock")
	l, err := new(net.ListenConfig).Listen(tb.Context(), "unix", path)
	require.NoError(tb, err)
	s := adminapi.NewServer(h, slog.New(slog.DiscardHandler))
	served := make(chan struct{})
	go func() { defer close(served); _ = s.Serve(l) }()
	tb.Cleanup(func() { _ = s.Close(); <-served })
	return "unix://" + path
}

// as returns a client of server with a token; "" for none.
func as(tb testing.TB, server, token string) *admin.Client {
	tb.Helper()
	c, err := admin.NewClient(admin.Options{Server: server, Token: token, Version: "v1"})
	require.NoError(tb, err)
	tb.Cleanup(c.Close)
	return c
}
