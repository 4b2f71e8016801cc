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
	answer admin.One[admin.Status]
	err    error
	calls  atomic.Int64
}

func (f *fakeSource) Status(context.Context) (admin.One[admin.Status], error) {
	f.calls.Add(1)
	return f.answer, f.err
}

func refused() error {
	return &admin.Error{Kind: admin.Unreachable, Code: "unreachable", Text: "nothing listens at http://10.0.4.7:8081: start it with `inboxd` (APP_MODE=api or all) or `inboxd dev`, or name a server with --server", Err: errors.New("refused")}
}

// busy is a status with something of everything: a backlog, an uncertain send,
// a silent worker, few samples, nothing known.
func busy() admin.One[admin.Status] {
	started := noon().Add(-26 * time.Hour)
	return admin.One[admin.Status]{
		Kind: "status", AsOf: noon(), Item: admin.Status{
			Healthy: true, Version: "v0.3.1", Environment: "prod-eu",
			Queues: []admin.Queue{
				{
					ID: "whatsapp", Name: "whatsapp", Dial: new(50), Ready: 14_912, Scheduled: 120, Retrying: 118, Dispatched: 64, Running: 48,
					OldestReadyMS: new(int64(76_000)), InPerS: new(212.4), DonePerS: new(188.2),
					Latency: latency(56_400, 310, 1240, 4100, 290, 1190, 3900),
				},
				{
					ID: "instagram", Name: "instagram", Dial: new(0), Ready: 12, Running: 4, Uncertain: 2, Dead: 7,
					OldestReadyMS: new(int64(1900)), InPerS: new(6.0), DonePerS: new(6.1),
					Latency: latency(61, 4.2, 19, 24, 700, 1800, 2100),
				},
				{ID: "automations", Name: "automations", Dial: new(100), Running: 1, InPerS: new(0.0), DonePerS: new(0.04), Latency: latency(180, 0.42, 1.9, 5.1, 2, 8, 11)},
				{ID: "meta_spend", Name: "meta_spend", Held: 3},
				{ID: "token_refresh", Name: "token_refresh", Scheduled: 310},
			},
			Processes: []admin.Process{
				{ID: "api-node-a-4121", Host: "node-a", PID: 4121, Mode: "api", Version: "v0.3.1", BeatAgeMS: 200, StartedAt: started},
				{ID: "worker-node-b-17", Host: "node-b", PID: 17, Mode: "worker", Version: "v0.3.1", Slots: 64, BeatAgeMS: 41_000, StartedAt: started},
				{ID: "worker-node-c-18", Host: "node-c", PID: 18, Mode: "worker", Version: "v0.3.0", Slots: 64, BeatAgeMS: 400, Draining: true, StartedAt: started},
				{ID: "worker-node-d-19", Host: "node-d", PID: 19, Mode: "worker", Version: "v0.3.1", Slots: 64, BeatAgeMS: 300, StartedAt: started},
			},
			Parts: []admin.Part{{Name: "postgres", OK: true}, {Name: "redis", OK: true}},
		},
	}
}

func latency(n int64, wait50, wait95, wait99, run50, run95, run99 float64) admin.Latency {
	return admin.Latency{
		Wait: admin.Percentiles{N: n, P50MS: &wait50, P95MS: &wait95, P99MS: &wait99},
		Run:  admin.Percentiles{N: n, P50MS: &run50, P95MS: &run95, P99MS: &run99},
		E2E:  admin.Percentiles{N: n, P50MS: new(wait50 + run50), P95MS: new(wait95 + run95), P99MS: new(wait99 + run99)},

		WindowMS: 300_000,
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

func answered(m model, answer admin.One[admin.Status]) tea.Msg {
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
