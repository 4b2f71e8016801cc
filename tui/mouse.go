package tui

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/text"
)

// headLines is how many lines are above the body.
const headLines = 3

// wheelRows is how many rows a turn of the wheel moves.
const wheelRows = 3

// toggleMouse hands the mouse to this program, or back to the terminal, which
// selects text with it.
func (m model) toggleMouse() (tea.Model, tea.Cmd) {
	m.mouse = !m.mouse
	if m.mouse {
		return m.say("the mouse moves the cursor: " + m.keys.Key(keys.Mouse) + " gives it back to the terminal"), tea.EnableMouseCellMotion
	}
	return m.say("the terminal has the mouse"), tea.DisableMouse
}

// takeMouse moves what is shown. There is no way from the mouse to a change.
func (m model) takeMouse(msg tea.MouseMsg) (tea.Model, tea.Cmd) {
	if !m.mouse || m.question.open() || m.prompt.open() || m.picker.open() {
		return m, nil
	}
	wheel := map[tea.MouseButton]keys.Action{tea.MouseButtonWheelUp: keys.Up, tea.MouseButtonWheelDown: keys.Down}
	if action, ok := wheel[msg.Button]; ok {
		for range wheelRows {
			m = m.toScreen(action)
		}
		if m.at != jobsView {
			return m, nil
		}
		return m.furtherJobs()
	}
	if msg.Button != tea.MouseButtonLeft || msg.Action != tea.MouseActionPress {
		return m, nil
	}
	if msg.Y == 1 {
		if i, ok := m.tabAt(msg.X); ok {
			m.help = false
			return m.visit(i).askForJobs()
		}
		return m, nil
	}
	return m.click(msg.X, msg.Y-headLines), nil
}

// tabAt is the view whose tab is drawn at a cell.
func (m model) tabAt(x int) (int, bool) {
	for i := range m.views {
		tab, _ := m.tab(i)
		if x -= text.Width(tab) + 2; x < 0 {
			return i, true
		}
	}
	return 0, false
}

// clicker is a view whose rows and titles can be clicked.
type clicker interface {
	Click(th theme.Theme, width, height, x, y int, now time.Time)
}

func (m model) click(x, y int) model {
	if m.help || m.story.open() || m.shown.at.IsZero() {
		return m
	}
	problems := len(screen.Problems(m.theme, m.shown.answer.Item.Parts, m.width))
	m, v := m.change(m.at)
	if c, ok := v.(clicker); ok {
		c.Click(m.theme, m.width, max(m.bodyHeight()-problems, 0), x, y-problems, m.now)
	}
	return m
}
