package tui

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// What was begun goes on when the view ends: the last line says how to come back
// to it.
func TestFarewellNamesWhatGoesOn(t *testing.T) {
	t.Parallel()

	m, _ := changing("2", "R")
	m = agree(m)
	m = run(m, press("ctrl+c"))
	m = send(m, tea.KeyMsg{Type: tea.KeyCtrlC})
	bye := m.farewell("left with q", noon().Add(62*time.Second))
	require.Equal(t, "inboxctl top PROD-EU: left with q, after 1m02s\n"+
		"  Retry dead jobs of queue whatsapp goes on by itself: inboxctl ops watch op1", bye)

	m, _ = changing("2")
	m = run(word(pass(run(m, press("R")), 1), "118"), enter())
	require.Contains(t, m.farewell("", noon()), "Retry dead jobs of queue whatsapp: 114 done, 4 left alone (running): inboxctl ops show op1, or undo it: inboxctl ops undo op1")

	m, changer := changing("2")
	changer.state = admin.OpAborted
	m = run(word(pass(run(m, press("R")), 1), "118"), enter())
	require.Contains(t, m.farewell("", noon()), "Retry dead jobs of queue whatsapp: aborted, 114 done", "it is not said to be done")
	require.Equal(t, "inboxctl top unix:///run/inboxd/admin.sock: left with q, after 0s", newTestModel().farewell("left with q", noon()))
}

func TestWhyItEnded(t *testing.T) {
	t.Parallel()

	ctx, cancel := context.WithCancel(context.Background())
	m := send(on()(), press("q"))
	require.Equal(t, "left with q", whyEnded(ctx, m, nil))
	require.Equal(t, "left with :q", whyEnded(ctx, run(on(":", "q")(), enter()), nil))
	require.Equal(t, "interrupted", whyEnded(ctx, on()(), tea.ErrInterrupted))
	require.Equal(t, "the terminal is gone", whyEnded(ctx, on()(), errors.New("the terminal is gone")))
	cancel()
	require.Equal(t, "ended by a signal", whyEnded(ctx, on()(), tea.ErrProgramKilled))
}

// The report has where the fault was and nothing of the server's.
func TestFaultIsWrittenDown(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())

	f := &fault{}
	require.NoError(t, f.get())
	func() {
		defer func() { f.record(recover()) }()
		panic("off by one")
	}()
	err := f.report(on("2")())
	require.ErrorContains(t, err, "a fault in this program: off by one; please report it with ")
	_, rest, _ := strings.Cut(err.Error(), "report it with ")
	name, _, _ := strings.Cut(rest, ",")
	raw, err := os.ReadFile(name)
	require.NoError(t, err)
	for _, want := range []string{"off by one", "leave_test.go", "v0.3.1", "80x24, view Queues"} {
		require.Contains(t, string(raw), want)
	}
	require.NotContains(t, string(raw), "acme")

	t.Setenv("TMPDIR", "/nowhere")
	require.ErrorContains(t, f.report(on()()), "leave_test.go", "without a file the error itself says where")
}

// The window's name says which of several it is, and whether to look; a hostile
// name cannot write more than that.
func TestTitle(t *testing.T) {
	t.Parallel()

	require.Equal(t, "inboxctl top", newTestModel().title())
	require.Equal(t, "PROD-EU inboxctl top 1 crit", on()().title())
	calm := busy()
	calm.Item.Alerts = nil
	m := on()()
	require.Equal(t, "PROD-EU inboxctl top", send(m, answered(m, calm)).title())
	evil := busy()
	evil.Item.Environment = "a\x07\x1b]52;c;cm0=\x07b"
	require.NotContains(t, send(m, answered(m, evil)).title(), "\x1b")

	fresh := newTestModel()
	fresh.titled = fresh.title()
	next, cmd := fresh.Update(answered(fresh, busy()))
	require.NotNil(t, cmd)
	_, cmd = next.Update(answered(next.(model), busy()))
	require.Nil(t, cmd, "it is named once")
}

// Every question says where it would change something, in the colours of that
// place.
func TestQuestionsSayWhere(t *testing.T) {
	t.Parallel()

	require.Contains(t, counted().View(), " PROD-EU ")
	m := newTestModel()
	m.options.Changer = &fakeChanger{}
	m = run(send(m, answered(m, idle()), press("2")), press("P"))
	require.Contains(t, m.View(), "unix:///run/inboxd/admin.sock", "without an environment it is the address")
}
