package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
)

// A row that moves must take the cursor with it: else the next action hits a
// neighbour.
func TestCursorStaysWithItsQueue(t *testing.T) {
	t.Parallel()

	m := newTestModel()
	m = send(m, answered(m, busy()), press("2"), press("j"), press("j"))
	require.Equal(t, "automations", m.view().Cursor())

	worse := busy()
	worse.Item.Queues[2].OldestReadyMS = new(int64(600_000))
	worse.Item.Queues[0].OldestReadyMS = nil
	m = pass(m, 4)
	m = send(m, answered(m, worse))
	require.Equal(t, "automations", m.view().Cursor())
	require.Contains(t, m.View(), "▌automations")

	gone := busy()
	gone.Item.Queues = gone.Item.Queues[:1]
	m = pass(m, 3)
	m = send(m, answered(m, gone))
	require.Equal(t, "whatsapp", m.view().Cursor())
}

// While somebody aims, rows do not jump; values go on.
func TestOrderIsHeldAfterTheCursorMoved(t *testing.T) {
	t.Parallel()

	m := newTestModel()
	m = send(m, answered(m, busy()), press("2"), press("j"))
	worse := busy()
	last := worse.Item.Queues[4]
	last.OldestReadyMS, last.Ready = new(int64(900_000)), 77
	worse.Item.Queues = append([]admin.TopQueue{last}, worse.Item.Queues[:4]...)
	m = pass(m, 2)
	m = send(m, answered(m, worse))
	lines := strings.Split(m.View(), "\n")
	require.Contains(t, lines[2], "order held")
	require.Contains(t, lines[8], "token_refresh       77")

	m = pass(m, 2)
	m = send(m, answered(m, worse))
	require.Contains(t, strings.Split(m.View(), "\n")[4], "token_refresh", "the order follows after three seconds")
}

// An answer to an older question would put old numbers under a new time.
func TestLateAnswerIsDropped(t *testing.T) {
	t.Parallel()

	m := newTestModel()
	late := answered(m, idle())
	m = send(m, answered(m, busy()))
	m = pass(m, 2)
	require.False(t, m.connection.closed, "the second question is open")
	m = send(m, late)
	require.Contains(t, m.View(), "14.9k")
	require.False(t, m.connection.closed)
}

func TestOneQuestionAtATime(t *testing.T) {
	t.Parallel()

	m := newTestModel()
	m = pass(m, 30)
	require.Zero(t, m.connection.number, "no second question while the first is open")
	m = send(m, press("r"), press("r"))
	require.Zero(t, m.connection.number)

	m = send(m, answered(m, busy()))
	m = pass(m, 1)
	require.Equal(t, 1, m.connection.number)
}

// The server goes away and comes back: the data stays, dated, and nobody has to
// press anything.
func TestLostServerIsAStateAndHealsByItself(t *testing.T) {
	t.Parallel()

	m := newTestModel()
	m = pass(send(m, answered(m, busy())), 2)
	var waits []time.Duration
	for range 60 {
		if !m.connection.closed {
			m = send(m, failed(m, refused()))
			waits = append(waits, m.connection.due.Sub(m.now))
		}
		m = pass(m, 1)
	}
	require.Equal(t, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second}, waits[:5])
	require.Contains(t, m.View(), "STALE 1m")
	require.Contains(t, m.View(), "14.9k")
	require.Contains(t, m.View(), "nothing listens")

	for m.connection.closed {
		m = pass(m, 1)
	}
	m = send(m, answered(m, busy()))
	require.Contains(t, m.View(), "● live 0s")
	require.NotContains(t, m.View(), "nothing listens")
}

// A server that answers fast with old data is not live.
func TestAgeOnTheServerCounts(t *testing.T) {
	t.Parallel()

	old := busy()
	old.StaleMS = 45_000
	m := newTestModel()
	require.Contains(t, send(m, answered(m, old)).View(), "STALE 45s")
}

func TestFreezeStopsTheScreenNotTheData(t *testing.T) {
	t.Parallel()

	for _, key := range []string{"f"} {
		m := newTestModel()
		m = send(m, answered(m, busy()), press(key))
		m = pass(m, 2)
		m = send(m, answered(m, idle()))
		require.Contains(t, m.View(), "FROZEN 2s")
		require.Contains(t, m.View(), "14.9k")
		m = send(m, press(key))
		require.NotContains(t, m.View(), "14.9k", "going on shows the newest data at once")
	}
}

// A pasted word must not press keys; fast typing must move.
func TestBurstsAndPastes(t *testing.T) {
	t.Parallel()

	m := newTestModel()
	m = send(m, answered(m, busy()), press("2"), press("jjj"))
	require.Equal(t, "meta_spend", m.view().Cursor())

	for _, msg := range []tea.Msg{
		press("fsq"),
		tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("j"), Paste: true},
		tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("q"), Paste: true},
	} {
		next, cmd := m.Update(msg)
		require.Nil(t, cmd, "nothing may come of %v", msg)
		after := next.(model)
		require.Equal(t, "meta_spend", after.view().Cursor())
		require.True(t, after.frozenAt.IsZero())
		require.Contains(t, after.View(), "ignored pasted text")
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()

	m := newTestModel()
	m = send(m, answered(m, busy()))
	require.Contains(t, send(m, press("?")).View(), "next row, row before")
	require.NotContains(t, send(m, press("?"), press("esc")).View(), "next row, row before")
	m = send(m, press("2"))
	require.Equal(t, "token_refresh", send(m, press("G")).view().Cursor())
	require.Equal(t, "whatsapp", send(m, press("G"), press("g")).view().Cursor())
	require.Contains(t, send(m, press(">"), press(">"), press("i")).View(), "sort ready▲")
	require.Contains(t, send(m, press("<")).View(), "sort wait P99▼")
	require.Contains(t, send(m, press(",")).View(), "every 500ms")
	require.Contains(t, send(m, press("."), press(".")).View(), "every 5s")

	next, cmd := send(m, press("?")).Update(press("q"))
	require.Nil(t, cmd, "q closes help first")
	next, cmd = next.(model).Update(press("q"))
	require.Nil(t, cmd, "then it goes back to the first view")
	_, cmd = next.(model).Update(press("q"))
	require.Equal(t, tea.Quit(), cmd())
}

// Nobody looks: ask less often, and do not call that a lag.
func TestUnfocusedAsksLessOften(t *testing.T) {
	t.Parallel()

	m := newTestModel()
	m = send(m, answered(m, busy()), tea.BlurMsg{})
	require.Contains(t, m.View(), "every 5s")
	m = pass(m, 3)
	m = send(m, answered(m, busy()))
	m = pass(m, 2)
	require.Contains(t, m.View(), "● live")
	require.Equal(t, 1, m.connection.number)
}

func TestQuestionsEndWithTheProgram(t *testing.T) {
	t.Parallel()

	ctx, cancel := context.WithCancel(context.Background())
	o := newTestModel().options
	o.Source = topFunc{fakeSource: &fakeSource{}, top: func(ctx context.Context) (admin.One[admin.Top], error) {
		<-ctx.Done()
		return admin.One[admin.Top]{}, ctx.Err()
	}}
	m := newModel(ctx, o, theme.New(theme.Options{Plain: true}), nil)
	cancel()
	require.ErrorIs(t, m.ask(0)().(answerMsg).err, context.Canceled)
}

// topFunc is a source that answers with a function.
type topFunc struct {
	*fakeSource

	top func(ctx context.Context) (admin.One[admin.Top], error)
}

func (f topFunc) Top(ctx context.Context, _ int) (admin.One[admin.Top], error) { return f.top(ctx) }

// A name from outside must not move the cursor, retitle the window or write the
// clipboard.
func TestHostileTextIsHarmless(t *testing.T) {
	t.Parallel()

	evil := "a\x1b]52;c;cm0gLXJm\x07b\x1b[2J\x9b31mc\nd\te\u202ef\u200dg\ufe0f\x00h" + strings.Repeat("x", 5000)
	answer := busy()
	answer.Item.Environment, answer.Item.Version = evil, evil
	answer.Item.Queues[0].Name = evil
	answer.Item.Workers[0].Host, answer.Item.Workers[0].ID = evil, evil
	answer.Item.Orgs[0].Name, answer.Item.Limits[0].Org, answer.Item.Users[0].Name, answer.Item.Alerts[0].Text = evil, evil, evil, evil
	answer.Item.Parts[0] = admin.TopPart{Name: evil, Error: new(evil)}
	m := newTestModel()
	m = send(m, answered(m, answer))
	for i, width := range []int{20, 40, 80, 250, 20, 80, 250, 20, 80} {
		frame := sized(m.visit(i), width, 40)
		requireFits(t, frame)
		for _, r := range strings.ReplaceAll(frame.View(), "\n", "") {
			require.False(t, r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e' || r == '\u200d' || r == '\ufe0f', "%q reached the screen", r)
		}
	}
	m = send(m, press("r"))
	m = send(m, failed(m, &admin.Error{Kind: admin.Internal, Text: evil}))
	require.NotContains(t, m.View(), "\x1b")
}
