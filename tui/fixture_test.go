package tui

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
)

// noon is the time at which every test starts.
func noon() time.Time { return time.Date(2026, 11, 23, 14, 3, 22, 0, time.UTC) }

// fakeSource answers with what it holds.
type fakeSource struct {
	answer admin.One[admin.Top]
	jobs   admin.List[admin.Job]
	job    admin.One[admin.JobDetail]
	err    error
	calls  atomic.Int64
}

func (f *fakeSource) Top(context.Context, int) (admin.One[admin.Top], error) {
	f.calls.Add(1)
	return f.answer, f.err
}

func (f *fakeSource) Jobs(context.Context, admin.Selector, admin.Page) (admin.List[admin.Job], error) {
	return f.jobs, f.err
}

func (f *fakeSource) Job(context.Context, string) (admin.One[admin.JobDetail], error) {
	return f.job, f.err
}

func (f *fakeSource) Why(context.Context, string) (admin.One[admin.JobWhy], error) {
	return admin.One[admin.JobWhy]{Item: jobWhy()}, f.err
}

func (f *fakeSource) ErrorGroups(context.Context, admin.Selector, admin.Page) (admin.List[admin.ErrorGroup], error) {
	return admin.List[admin.ErrorGroup]{Items: errorGroups()}, f.err
}

func (f *fakeSource) Operations(context.Context, []string, admin.Page) (admin.List[admin.Operation], error) {
	return admin.List[admin.Operation]{Items: operations(), AsOf: noon()}, f.err
}

func (f *fakeSource) SLAMisses(context.Context, admin.SLAFilter, admin.Page) (admin.List[admin.SLACase], error) {
	return admin.List[admin.SLACase]{Items: misses(), AsOf: noon()}, f.err
}

func (f *fakeSource) SLAAtRisk(context.Context, string, bool) (admin.List[admin.SLACase], error) {
	return admin.List[admin.SLACase]{Items: waiting(), AsOf: noon()}, f.err
}

func (f *fakeSource) LimitChanges(context.Context, string, admin.Page) (admin.List[admin.LimitChange], error) {
	return admin.List[admin.LimitChange]{Items: limitChanges(), AsOf: noon()}, f.err
}

func (f *fakeSource) Latency(_ context.Context, q admin.LatencyQuery) (admin.List[admin.LatencyItem], error) {
	return admin.List[admin.LatencyItem]{Items: spread(q), AsOf: noon()}, f.err
}

func misses() (all []admin.SLACase) {
	for i, cause := range []string{"limit", "limit", "human", "hold", "limit"} {
		asked := noon().Add(-time.Duration(9*(i+1)) * time.Minute)
		c := admin.SLACase{
			ID: string(rune('1' + i)), ConversationID: "88" + string(rune('0'+i)) + "12", Org: "acme", User: new("dana"), Who: "user", ChannelKind: "whatsapp",
			StartedAt: asked, DueAt: asked.Add(5 * time.Minute), Cause: new(cause),
			Spent: &admin.SLASpent{HumanMS: 70_000 + int64(i)*1000, LimitMS: 422_000, HoldMS: int64(i) * 300_000},
		}
		if i > 0 {
			c.AnsweredAt, c.ResponseMS = new(asked.Add(8*time.Minute)), new(int64(492_000))
		}
		all = append(all, c)
	}
	return all
}

func waiting() []admin.SLACase {
	at := func(s int) time.Time { return noon().Add(time.Duration(s) * time.Second) }
	return []admin.SLACase{
		{ID: "7", ConversationID: "88912", Org: "acme", User: new("dana"), ChannelKind: "whatsapp", StartedAt: at(-372), DueAt: at(-72)},
		{ID: "8", ConversationID: "88913", Org: "acme", User: new("dana"), ChannelKind: "instagram", StartedAt: at(-259), DueAt: at(41)},
		{ID: "9", ConversationID: "88914", Org: "acme", User: new("sam"), ChannelKind: "instagram", StartedAt: at(-259), DueAt: at(41)},
	}
}

func limitChanges() []admin.LimitChange {
	return []admin.LimitChange{
		{ID: "2", Org: "acme", Name: "send_text", Before: new(100), BeforeWindowMS: new(int64(60_000)), After: new(60), AfterWindowMS: new(int64(60_000)), Owner: "日本", Reason: new("131056 errors"), At: noon().Add(-5 * time.Minute), ExpiresAt: new(noon().Add(time.Hour))},
		{ID: "3", Org: "acme", Name: "send_template", Owner: "li", At: noon()},
		{ID: "1", Org: "acme", Name: "send_text", After: new(100), AfterWindowMS: new(int64(60_000)), Owner: "li", Reason: new("campaign"), At: noon().Add(-26 * time.Hour), EndedAt: new(noon().Add(-5 * time.Minute)), EndedBy: new("日本")},
	}
}

// spread is what a server answers to how long work takes.
func spread(q admin.LatencyQuery) (items []admin.LatencyItem) {
	names := []string{q.Type + q.Org}
	if q.By == "org" && q.Type != "" {
		names = []string{"acme", "日本企業", "globex"}
	}
	for n, name := range names {
		for i, metric := range []string{"wait", "run", "e2e"} {
			f := float64(1 + i + n)
			item := admin.LatencyItem{ID: name + metric, Name: name, By: q.By, Metric: metric, N: int64(9300 / (n + 1)), P50MS: new(210 * f), P95MS: new(980 * f), P99MS: new(2100 * f)}
			below := 131.072
			for _, part := range []float64{0.08, 0.21, 0.30, 0.24, 0.11, 0.05, 0.01} {
				below *= 2
				item.Bars = append(item.Bars, admin.Bar{BelowMS: below / float64(int(1)<<(2-i)), N: int64(part * float64(item.N))})
			}
			items = append(items, item)
		}
	}
	return items
}

func jobWhy() admin.JobWhy {
	return admin.JobWhy{ID: "4701", Org: "acme", State: "ready", Causes: []admin.Cause{
		{Code: "queue_hold", Holds: true, Who: new("ana"), Since: new(noon().Add(-time.Hour)), Until: new(noon().Add(time.Hour)), Text: "queue whatsapp is paused: Meta is down", Command: new("inboxctl queues resume whatsapp")},
		{Code: "limit", Holds: true, Text: "60 of 60 texts of this minute are used; 5120 jobs are before it, at this limit that is 1h25m", Command: new("inboxctl limits set --org acme send_text=120/min --for 1h")},
		{Code: "deadline", Text: "it is given up at 15:03:22"},
	}}
}

func errorGroups() []admin.ErrorGroup {
	return []admin.ErrorGroup{
		{Sig: "9f31c0", ErrorClass: "throttle_pair", ErrorCode: new(131056), N: 412, Dead: 7, Retrying: 405, Orgs: 3, LastAt: new(noon()), SampleText: new("pair rate limit hit")},
		{Sig: "11ab07", ErrorClass: "timeout", N: 54, Uncertain: 2, Retrying: 52, Orgs: 500, OrgsMore: true, LastAt: new(noon().Add(-time.Minute)), SampleText: new("no answer within 10s")},
	}
}

func operations() []admin.Operation {
	return []admin.Operation{
		{ID: "812", Kind: "retry", State: "running", Actor: "dana", Plan: admin.Plan{Matched: 4711}, Progress: admin.Progress{Done: 1200}, CreatedAt: noon().Add(-40 * time.Second), Reason: new("INC-4411")},
		{ID: "811", Kind: "cancel", State: "done", Actor: "日本", Plan: admin.Plan{Matched: 3, Undo: admin.Undo{Possible: true}}, Progress: admin.Progress{Done: 3}, CreatedAt: noon().Add(-time.Hour)},
	}
}

func refused() error {
	return &admin.Error{Kind: admin.Unreachable, Code: "unreachable", Text: "nothing listens at http://10.0.4.7:8081: start it with `inboxd` (APP_MODE=api or all) or `inboxd dev`, or name a server with --server", Err: errors.New("refused")}
}

// busy is a picture with something of everything: a backlog, an uncertain send,
// a silent worker, few samples, nothing known, names of other scripts.
func busy() admin.One[admin.Top] {
	started := noon().Add(-26 * time.Hour)
	return admin.One[admin.Top]{Kind: "top", AsOf: noon(), Item: admin.Top{
		Epoch: "a1", Seq: 77, GeneratedAt: noon(), IntervalMS: 1000, Environment: "prod-eu", Version: "v0.3.1", Actor: "ana", Role: admin.Operator,
		Parts: []admin.TopPart{{Name: "ledger", OK: true}, {Name: "redis", OK: true}},
		Vitals: admin.Vitals{
			Depth: 14_912, DepthTrend: 1, OldestReadyMS: new(int64(76_000)), InPerS: new(1281.0), OutPerS: new(1050.0), FailPerS: new(4.9),
			P95MS: new(2900.0), SLA: new(0.784), SLAObjective: new(0.8), SlotsBusy: 154, Slots: 216,
		},
		Queues: []admin.TopQueue{
			{
				ID: "whatsapp", Name: "whatsapp", Dial: new(50), Ready: 14_912, Scheduled: 120, Retrying: 118, Dispatched: 64, Running: 48,
				OldestReadyMS: new(int64(76_000)), InPerS: new(212.4), OutPerS: new(188.2), FailPerS: new(1.4), DrainsMS: new(int64(-1)),
				Wait: triple(56_400, 310, 1240, 4100), TopOrg: &admin.TopName{Name: "umbrella", Share: 0.61}, TopError: &admin.TopName{Name: "throttle_pair 131056", Share: 0.8}, Holds: 1,
			},
			{
				ID: "instagram", Name: "instagram", Dial: new(0), Ready: 12, Running: 4, Uncertain: 2, Dead: 7,
				OldestReadyMS: new(int64(1900)), InPerS: new(6.0), OutPerS: new(6.1), FailPerS: new(0.0), DrainsMS: new(int64(2400)), Wait: triple(61, 4.2, 19, 24),
			},
			{ID: "automations", Name: "automations", Dial: new(100), Running: 1, InPerS: new(0.0), OutPerS: new(0.04), Wait: triple(180, 0.42, 1.9, 5.1)},
			{
				ID: "meta_spend", Name: "meta_spend", Held: 3, Ready: 2, OldestReadyMS: new(int64(7_200_000)),
				Paused: &admin.TopHold{ID: "9", Owner: "ana", Reason: new("Meta's report is late"), Since: noon().Add(-2 * time.Hour), Until: new(noon().Add(time.Hour))},
			},
			{ID: "token_refresh", Name: "token_refresh", Scheduled: 310},
		},
		Types: []admin.TopLatency{
			timed("send_message", 34_400, 290, 1190, 3900),
			timed("send_template", 22_000, 330, 1310, 4300),
			timed("run_automation", 180, 2, 8, 11),
			timed("sync_spend", 61, 900, 1800, 2100),
		},
		Orgs: []admin.TopOrg{
			org("umbrella", 9102, 40, 161, 0.998, "send_template", 0.87),
			org("acme", 5120, 61, 171, 0.71, "send_text", 0.97),
			org("日本企業", 811, 14, 71, 0.992, "send_text", 0.27),
			org("globex", 0, 6, 44, 0.997, "send_text", 0.1),
		},
		Users: []admin.TopUser{
			{ID: "1", Org: "acme", Name: "dana", N: 83, Met: new(0.61), Objective: 0.8, TargetMS: 300_000, Misses: 32, Overdue: 3, AtRisk: 2, Pending: 9, Burnt: new(1.95), P50MS: new(212_000.0), P95MS: new(901_000.0), WorstMS: new(int64(3_720_000)), LastMiss: new(noon().Add(-40 * time.Second)), Cause: new("limit")},
			{ID: "2", Org: "日本企業", Name: "kei", N: 41, Met: new(0.992), Objective: 0.8, TargetMS: 300_000, Burnt: new(0.04), P50MS: new(31_000.0), P95MS: new(122_000.0)},
			{ID: "3", Org: "globex", Name: "li", Objective: 0.9, TargetMS: 60_000},
		},
		Limits: []admin.TopLimit{
			{ID: "acme/send_text", Org: "acme", Name: "send_text", Used: new(58), Max: 60, WindowMS: 60_000, Waiting: new(int64(5120)), ResetMS: new(int64(800)), Source: "default"},
			{ID: "umbrella/send_template", Org: "umbrella", Name: "send_template", Used: new(870), Max: 1000, WindowMS: 60_000, Waiting: new(int64(0)), ResetMS: new(int64(12_000)), Source: "temporary", Until: new(noon().Add(time.Hour)), Owner: new("ana")},
			{ID: "globex/send_text", Org: "globex", Name: "send_text", Max: 60, WindowMS: 60_000, Source: "own", Owner: new("bo")},
		},
		Workers: []admin.TopWorker{
			{ID: "17", Host: "node-b", PID: 17, Mode: "worker", Version: "v0.3.1", State: "silent", Busy: 8, Slots: 64, Mostly: new("send_message"), BeatAgeMS: 41_000, StartedAt: started},
			{ID: "18", Host: "node-c", PID: 18, Mode: "worker", Version: "v0.3.0", State: "draining", Busy: 3, Slots: 64, BeatAgeMS: 400, StartedAt: started},
			{ID: "12", Host: "node-a", PID: 4121, Mode: "api", Version: "v0.3.1", State: "ok", BeatAgeMS: 200, StartedAt: started},
			{ID: "19", Host: "node-d", PID: 19, Mode: "worker", Version: "v0.3.1", State: "ok", Busy: 64, Slots: 64, Mostly: new("send_message"), BeatAgeMS: 300, StartedAt: started},
		},
		Alerts: []admin.Alert{
			{ID: "jobs_wait/whatsapp", Severity: "critical", Rule: "jobs wait", Scope: "whatsapp", Text: "1m16s > 1m0s", Cause: new("umbrella has 61 % of what waits"), Command: new("inboxctl jobs list --queue whatsapp --state ready"), Runbook: new("runbooks/flood.md"), Since: noon().Add(-372 * time.Second)},
			{ID: "limit_reached/acme send_text", Severity: "warning", Rule: "limit reached", Scope: "acme send_text", Text: "58 of 60 used, 5120 jobs wait", Since: noon().Add(-123 * time.Second), AckedBy: new("bo")},
			{ID: "worker_silent/17@node-b", Severity: "warning", Rule: "worker silent", Scope: "17@node-b", Text: "no beat for 41.0s", Since: noon().Add(-41 * time.Second)},
		},
		Totals: admin.TopTotals{Orgs: 4, Users: 3, Limits: 3},
		Series: &admin.TopSeries{
			StepMS: 10_000,
			Queues: map[string]admin.TopTrack{"whatsapp": {Ready: wave(60, 14_912), P95MS: wave(60, 1240)}, "instagram": {Ready: wave(60, 12)}},
			Types:  map[string][]*float64{"send_message": wave(60, 1190), "send_template": wave(60, 1310)},
		},
	}}
}

// wave is a past that ends at its top.
func wave(n int, top float64) (values []*float64) {
	for i := range n {
		values = append(values, new(top*float64(i*i)/float64((n-1)*(n-1))))
	}
	return values
}

func triple(n int64, p50, p95, p99 float64) admin.Triple {
	return admin.Triple{N: n, P50MS: &p50, P95MS: &p95, P99MS: &p99}
}

func windows(n int64, p50, p95, p99 float64) map[string]admin.TopTimes {
	all := map[string]admin.TopTimes{}
	for i, w := range admin.TopWindows() {
		f := 1 + float64(i)/10
		all[w] = admin.TopTimes{
			Wait: triple(n, p50*f/4, p95*f/4, p99*f/4), Run: triple(n, p50*f*3/4, p95*f*3/4, p99*f*3/4), E2E: triple(n, p50*f, p95*f, p99*f),
		}
	}
	return all
}

func timed(name string, n int64, p50, p95, p99 float64) admin.TopLatency {
	return admin.TopLatency{ID: name, Name: name, Windows: windows(n, p50, p95, p99)}
}

func org(name string, ready, running int64, out, sla float64, limit string, full float64) admin.TopOrg {
	return admin.TopOrg{
		ID: name, Name: name, Ready: ready, Running: running, OutPerS: &out, Weight: 1,
		Share: new(float64(running) / 121), FairShare: new(0.25), SLA: &sla, SLAObjective: new(0.8),
		TopLimit: &admin.TopName{Name: limit, Share: full}, Windows: windows(1200, 380, 1620, 2900),
	}
}

// newTestModel has a fixed clock, no spread in its back-off and no escapes.
func newTestModel() model {
	o := Options{
		Source: &fakeSource{}, Target: "unix:///run/inboxd/admin.sock", Version: "v0.3.1",
		Interval: DefaultInterval, Now: noon,
	}
	return newModel(context.Background(), o, theme.New(theme.Options{Plain: true}), func() float64 { return 1 })
}

// send puts messages through Update, one after the other.
func send(m model, messages ...tea.Msg) model {
	for _, msg := range messages {
		next, _ := m.Update(msg)
		m = next.(model)
	}
	return m
}

// pass lets seconds go by, one tick each, without an answer to any question.
func pass(m model, seconds int) model {
	for range seconds {
		m = send(m, tickMsg{at: m.now.Add(time.Second)})
	}
	return m
}

func answered(m model, answer admin.One[admin.Top]) tea.Msg {
	return answerMsg{number: m.connection.number, answer: answer, at: m.now}
}

func failed(m model, err error) tea.Msg {
	return answerMsg{number: m.connection.number, err: err, at: m.now}
}

func press(key string) tea.Msg {
	switch key {
	case "down":
		return tea.KeyMsg{Type: tea.KeyDown}
	case "esc":
		return tea.KeyMsg{Type: tea.KeyEsc}
	case " ":
		return tea.KeyMsg{Type: tea.KeySpace, Runes: []rune(" ")}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(key)}
}

func sized(m model, width, height int) model {
	return send(m, tea.WindowSizeMsg{Width: width, Height: height})
}

func jobRows() (jobs []admin.Job) {
	for i, state := range []string{"dead", "ready", "running", "uncertain", "scheduled", "held", "dispatched"} {
		j := admin.Job{
			ID: "47" + string(rune('0'+i)) + "1", Org: []string{"acme", "日本企業", "globex"}[i%3], User: new("dana"), Queue: "whatsapp", Type: "send_message", State: state,
			Priority: "interactive", Attempt: i, MaxAttempts: new(5), AgeMS: int64(1200 * (i + 1) * (i + 1)), CreatedAt: noon(),
		}
		if state == "running" {
			j.ProcessID, j.StartedAt = new("17"), new(noon().Add(-4200*time.Millisecond))
			j.CreatedAt = noon().Add(-time.Duration(j.AgeMS) * time.Millisecond)
		}
		if i%2 == 0 {
			j.ErrorClass, j.ErrorCode, j.Error, j.Lane = new("throttle_pair"), new(131056), new("pair rate limit hit"), new("redis")
		}
		jobs = append(jobs, j)
	}
	return jobs
}

func jobStory() admin.JobDetail {
	at := func(s float64) *time.Time { return new(noon().Add(time.Duration(s * float64(time.Second)))) }
	d := admin.JobDetail{Job: jobRows()[0]}
	for i := range 3 {
		begin := float64(10 * i)
		d.Attempts = append(d.Attempts, admin.Attempt{
			Attempt: i + 1, Epoch: i + 1, Outcome: "failed", Lane: new("redis"), ProcessID: new("17"), ErrorClass: new("throttle_pair"), ErrorCode: new(131056),
			Error: new("pair rate limit hit"), WaitMS: new(int64(7700)), RunMS: new(int64(329)), ReadyAt: at(begin - 7), StartedAt: at(begin), EndedAt: at(begin + 0.329),
		})
	}
	d.DeadlineAt = at(3600)
	return d
}
