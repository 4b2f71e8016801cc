package tui

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
)

// crowded is a picture of a large installation: as many rows as a Top has.
func crowded() admin.One[admin.Top] {
	answer := busy()
	t := &answer.Item
	for i := range admin.TopRows {
		id := strconv.Itoa(i)
		o, u, l, w := t.Orgs[i%4], t.Users[i%3], t.Limits[i%3], t.Workers[i%4]
		o.ID, o.Name, u.ID, l.ID, w.ID = id, "org "+id, id, id, "w"+id
		t.Orgs, t.Users, t.Limits, t.Workers = append(t.Orgs, o), append(t.Users, u), append(t.Limits, l), append(t.Workers, w)
	}
	return answer
}

func jobsOf(n int) (jobs []admin.Job) {
	rows := jobRows()
	for i := range n {
		j := rows[i%len(rows)]
		j.ID = strconv.Itoa(100_000 + i)
		jobs = append(jobs, j)
	}
	return jobs
}

// viewed is a screen of 200x60 with a view of a large installation on it.
func viewed(i int) model {
	m := newTestModel()
	m.options.Changer = &fakeChanger{}
	m.theme = theme.New(theme.Options{Color: true})
	m = sized(send(m, answered(m, crowded())), 200, 60).visit(i)
	return send(m, jobsMsg{number: m.jobs.number, answer: admin.List[admin.Job]{Items: jobsOf(100)}})
}

// Target: at most 1 ms.
func BenchmarkFrame(b *testing.B) {
	for i, name := range ViewNames() {
		b.Run(name, func(b *testing.B) {
			m := viewed(i)
			b.ReportAllocs()
			for b.Loop() {
				_ = m.View()
			}
		})
	}
}

// Target: at most 40 ms from a key to the frame, with the renderer's 33 ms.
func BenchmarkKeyWith10kJobs(b *testing.B) {
	m := viewed(jobsView)
	m = send(m, jobsMsg{number: m.jobs.number, answer: admin.List[admin.Job]{Items: jobsOf(10_000)}})
	b.ReportAllocs()
	for b.Loop() {
		next, _ := m.Update(press("j"))
		m = next.(model)
		_ = m.View()
	}
}

// The frame of a busy screen must stay far below what an operator can feel, and
// below what a laptop's fan can.
//
//nolint:paralleltest // Allocations are counted for the whole process.
func TestFrameStaysCheap(t *testing.T) {
	for i, name := range ViewNames() {
		m := viewed(i)
		allocations := testing.AllocsPerRun(20, func() { _ = m.View() })
		t.Logf("%s: %.0f allocations", name, allocations)
		require.Less(t, allocations, 4000.0, name)
	}
	m := viewed(jobsView)
	m = send(m, jobsMsg{number: m.jobs.number, answer: admin.List[admin.Job]{Items: jobsOf(10_000)}})
	allocations := testing.AllocsPerRun(20, func() { next, _ := m.Update(press("j")); m = next.(model) })
	t.Logf("a key over 10,000 jobs: %.0f allocations", allocations)
	require.Less(t, allocations, 100.0)
}

// A night of eight hours, as fast as it goes, in one view after the other: what it
// has kept at the end. Target: at most 40 MB, all of the process.
func BenchmarkEightHours(b *testing.B) {
	for b.Loop() {
		source := playing{&fakeSource{}}
		m := newTestModel()
		m.options.Source = source
		m = sized(m, 160, 48)
		for second := range 8 * 60 * 60 {
			answer, _ := source.Top(b.Context(), 60)
			m = pass(send(m, answerMsg{number: m.connection.number, answer: answer, at: m.now}), 1)
			if second%600 == 0 {
				m = m.visit(second / 600 % len(m.views))
			}
			_ = m.View()
		}
		runtime.GC()
		var kept runtime.MemStats
		runtime.ReadMemStats(&kept)
		b.ReportMetric(float64(kept.HeapAlloc)/1e6, "MB-kept")
		runtime.KeepAlive(m)
	}
}

// playing answers with a picture that changes as a live one does.
type playing struct {
	*fakeSource
}

func (p playing) Top(context.Context, int) (admin.One[admin.Top], error) {
	n := p.calls.Add(1)
	answer := busy()
	answer.Item.Seq, answer.Item.Vitals.Depth = n, 14_000+n*7
	for i := range answer.Item.Queues {
		answer.Item.Queues[i].Ready += n * int64(i)
		answer.Item.Queues[i].Running += n % 5
	}
	return answer, nil
}

// counter counts what is written to it. Bubble Tea writes frames and titles from
// different goroutines.
type counter struct{ bytes atomic.Int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes.Add(int64(len(p)))
	return len(p), nil
}

// Bytes to the terminal per refresh, through Bubble Tea's renderer; target: at
// most 5 KB.
func TestRefreshWritesLittle(t *testing.T) {
	t.Parallel()

	out := &counter{}
	o := newTestModel().options
	o.Source, o.Now, o.Interval = playing{&fakeSource{}}, time.Now, 500*time.Millisecond
	m := newModel(t.Context(), o, theme.New(theme.Options{Color: true}), func() float64 { return 0 })
	m = sized(m, 160, 48)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	program := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(&bytes.Buffer{}), tea.WithOutput(out), tea.WithFPS(30), tea.WithoutSignalHandler())
	_, _ = program.Run()
	source, _ := o.Source.(playing)
	refreshes := source.calls.Load()
	require.Positive(t, refreshes)
	perRefresh := int(out.bytes.Load() / refreshes)
	t.Logf("%d refreshes, %d bytes each with the first frame", refreshes, perRefresh)
	require.Less(t, perRefresh, 8000)
}

// arrivals tells when what it waits for reaches the terminal.
type arrivals struct {
	what string
	when chan time.Time
}

func (a arrivals) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(a.what)) {
		select {
		case a.when <- time.Now():
		default: // nobody waits
		}
	}
	return len(p), nil
}

// started is a program on a terminal that tells when something arrives.
func started(b *testing.B, jobs int, what string) (program *tea.Program, out chan time.Time, end func()) {
	b.Helper()
	o := newTestModel().options
	o.Source, o.Now, o.Interval = &fakeSource{answer: crowded(), jobs: admin.List[admin.Job]{Items: jobsOf(jobs)}}, time.Now, time.Hour
	m := newModel(b.Context(), o, theme.New(theme.Options{Color: true}), func() float64 { return 0 })
	m, first := sized(m, 160, 48).visit(jobsView).askForJobs()
	m.first = first
	out = make(chan time.Time, 1)
	program = tea.NewProgram(m, tea.WithContext(b.Context()), tea.WithInput(nil), tea.WithOutput(arrivals{what, out}),
		tea.WithFPS(framesPerSecond), tea.WithoutSignalHandler())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = program.Run()
	}()
	return program, out, func() {
		program.Kill()
		<-done
	}
}

// Target: at most 40 ms for 95 of 100 keys; the renderer's clock takes up to 33.
func BenchmarkKeyToBytesWith10kJobs(b *testing.B) {
	program, out, end := started(b, 10_000, "▌")
	defer end()
	<-out // the jobs are there
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		program.Send(press("j"))
		took = append(took, (<-out).Sub(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
}

// Target: at most 150 ms from the start to data on the terminal, with a server
// that answers at once.
func BenchmarkFirstData(b *testing.B) {
	for b.Loop() {
		_, out, end := started(b, jobsPage, "depth 14.9k")
		<-out
		end()
	}
}
