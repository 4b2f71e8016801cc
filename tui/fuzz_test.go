package tui

import (
	"errors"
	"slices"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/admin"
)

// FuzzUpdate throws keys, sizes, answers, failures and time at the model, in any
// order. Whatever comes, the frame fits, the cursor is on a row that exists, and
// no second question is put while one is open.
func FuzzUpdate(f *testing.F) {
	f.Add([]byte("jjkG?f\x01\x02\x03\x04\x05qs<i,."), "name")
	f.Add([]byte{0, 20, 5, 1, 2, 2, 2, 1, 3, 0, 250, 80}, "日本企業 \u202e\x1b[31m")
	f.Add([]byte{1, 1, 6, 6, 1, 2, 7, 8}, "")
	f.Add([]byte("\x012[[\x01\x02]\x01[fR\x0a\x0bn/aNNs jj\x0cs\x0cdd\x00\x0a3\x0ahhllll"), "a")
	f.Add([]byte("m\x0a\x0b\x0a\x005\x0a7\x0b>\x0a<[\x0a\x01V4:q"), "~( !x wait>3s")
	f.Add([]byte("\x013\x0d\x00j\x0e\x0dj\x0eR\x01\x0f\x10y\x0c\x10"), "日本 👩‍👩‍👧 é")
	f.Add([]byte("\x011\x012j \x013R\x01X4vto\x015/6bP7L8U9!-:jobs"), "acme")
	f.Fuzz(func(t *testing.T, script []byte, name string) {
		if len(script) > 200 {
			script = script[:200]
		}
		m := newTestModel()
		m.options.Changer = &fakeChanger{}
		for i, b := range script {
			before, asked := m.connection, m.question.number
			m = send(m, fuzzed(m, b, i, name))
			if m.connection.number != before.number {
				require.True(t, before.closed, "a second question while one is open")
				require.Equal(t, before.number+1, m.connection.number)
			}
			if asks := m.question.number != asked; asks && (b < 'A' || b > 'Z') {
				require.Fail(t, "only a capital may ask for a change", "%q did", rune(b))
			}
			requireCursor(t, m)
			requireMarks(t, m)
			requireFits(t, m)
			require.LessOrEqual(t, m.ago, len(m.past))
		}
	})
}

// fuzzed turns a byte into a message.
func fuzzed(m model, b byte, i int, name string) tea.Msg {
	switch b {
	case 0:
		return tea.WindowSizeMsg{Width: 5 + 7*i%250, Height: 1 + 3*i%80}
	case 1:
		return answered(m, fuzzedTop(i, name))
	case 2:
		return tickMsg{at: m.now.Add(time.Duration(i) * 700 * time.Millisecond)}
	case 3:
		return failed(m, errors.New(name))
	case 4:
		return answerMsg{number: i, at: m.now}
	case 5:
		return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(name)}
	case 6:
		return tea.BlurMsg{}
	case 7:
		return tea.FocusMsg{}
	case 8:
		return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(name), Paste: true}
	case 10:
		return tea.MouseMsg{X: 7 * i % 200, Y: i % 60, Button: tea.MouseButtonLeft, Action: tea.MouseActionPress}
	case 11:
		return tea.MouseMsg{Button: tea.MouseButtonWheelDown}
	case 12:
		return tea.KeyMsg{Type: tea.KeyEnter}
	case 13:
		return jobsMsg{number: m.jobs.number, answer: admin.List[admin.Job]{Items: jobsOf(i % 40)}}
	case 14:
		d := jobStory()
		d.ID = m.jobsScreen().Cursor()
		return detailMsg{id: d.ID, answer: admin.One[admin.JobDetail]{Item: d}}
	case 15:
		return countedMsg{number: m.question.number, phrase: name, lines: []string{name}, commit: func() tea.Cmd { return nil }}
	case 16:
		return committedMsg{number: m.question.number, text: name, undo: undoOperation(name)}
	case 17:
		return tea.KeyMsg{Type: tea.KeyEsc}
	case 18:
		return tea.KeyMsg{Type: tea.KeyTab}
	}
	return press(string(rune(b)))
}

func fuzzedTop(i int, name string) admin.One[admin.Top] {
	answer := busy()
	answer.StaleMS = int64(i) * 1000
	answer.Item.Queues = answer.Item.Queues[:i%6%(len(answer.Item.Queues)+1)]
	slices.Reverse(answer.Item.Queues)
	for q := range answer.Item.Queues {
		answer.Item.Queues[q].Name = name
		answer.Item.Queues[q].Ready = int64(i) << (i % 60)
		answer.Item.Queues[q].OutPerS = new(float64(i) / 3)
	}
	answer.Item.Workers, answer.Item.Orgs, answer.Item.Users = answer.Item.Workers[:i%5], answer.Item.Orgs[:i%4], answer.Item.Users[:i%3]
	if i%7 == 0 {
		answer.Item.Queues, answer.Item.Environment = nil, name
	}
	return answer
}

func requireCursor(t *testing.T, m model) {
	t.Helper()
	for _, v := range m.views[1:] {
		shown, _ := v.Rows()
		require.Equal(t, shown > 0, v.Cursor() != "", "%s: the cursor is on %q of %d rows", v.Name(), v.Cursor(), shown)
	}
}

// requireMarks holds that nothing is marked that is not there.
func requireMarks(t *testing.T, m model) {
	t.Helper()
	for _, v := range m.views[1:] {
		shown, _ := v.Rows()
		require.LessOrEqual(t, len(v.Marks()), shown, v.Name())
	}
}
