package tui

import (
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/stretchr/testify/require"
)

// faulty panics where it is told to.
type faulty struct{ at string }

func (f faulty) Init() tea.Cmd {
	return tea.Batch(func() tea.Msg { return f.fail("command") }, func() tea.Msg { return nil })
}

func (f faulty) Update(tea.Msg) (tea.Model, tea.Cmd) { f.fail("update"); return f, nil }
func (f faulty) View() string                        { f.fail("view"); return "frame" }

func (f faulty) fail(at string) tea.Msg {
	if f.at == at {
		panic("fault in " + at)
	}
	return nil
}

// Wherever the fault is, the program quits in order and says what it was.
func TestGuardTurnsFaultsIntoAnOrderlyEnd(t *testing.T) {
	t.Parallel()

	for _, at := range []string{"command", "update", "view"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			g := guard{faulty{at}, &fault{}}
			for _, cmd := range g.Init()().(tea.BatchMsg) {
				cmd()
			}
			g.View()
			_, cmd := g.Update(faultMsg{})
			require.Equal(t, tea.Quit(), cmd())
			require.ErrorContains(t, g.fault.get(), "fault in "+at)
			require.Contains(t, string(g.fault.stack), "guard_test.go", "the stack says where")
		})
	}
}

func TestGuardIsOtherwiseTheModel(t *testing.T) {
	t.Parallel()

	g := guard{faulty{}, &fault{}}
	require.Equal(t, "frame", g.View())
	next, cmd := g.Update(nil)
	require.Equal(t, g, next)
	require.Nil(t, cmd)
	require.NoError(t, g.fault.get())
}
