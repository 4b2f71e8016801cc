package tui

import (
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/tui/internal/keys"
)

// intervals are the steps of "more often" and "less often".
func intervals() []time.Duration {
	return []time.Duration{
		500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	}
}

// takeKey finds what a key means. Bubble Tea delivers letters that arrive in one
// read as one message: those that only move are applied one by one, anything
// else is dropped, because a pasted word must not press keys.
func (m model) takeKey(msg tea.KeyMsg) (tea.Model, tea.Cmd) {
	switch {
	case msg.Paste:
		return m.say("ignored pasted text"), nil
	case msg.Type == tea.KeyRunes && len(msg.Runes) > 1:
		moves, ok := m.keys.Burst(msg.Runes)
		if !ok {
			return m.say("ignored pasted text"), nil
		}
		for _, b := range moves {
			m = m.toScreen(b.Action)
		}
		return m, nil
	}
	b, ok := m.keys.Lookup(msg.String())
	if !ok {
		return m, nil
	}
	return m.do(b)
}

// do applies one action: the root's own, or the screen's.
func (m model) do(b keys.Binding) (tea.Model, tea.Cmd) {
	switch b.Action {
	case keys.Quit, keys.Interrupt:
		if b.Action == keys.Quit && m.help {
			m.help = false
			return m, nil
		}
		return m, tea.Quit
	case keys.Help:
		m.help = !m.help
	case keys.Close:
		m.help = false
	case keys.Freeze:
		m = m.toggleFreeze()
	case keys.Refresh:
		m.connection.due = time.Time{}
		return m.askIfDue()
	case keys.Faster:
		return m.step(-1).askIfDue()
	case keys.Slower:
		m = m.step(+1)
	case keys.Redraw:
		return m, tea.ClearScreen
	case keys.Suspend:
		return m, tea.Suspend
	default:
		m = m.toScreen(b.Action)
	}
	return m, nil
}

func (m model) toScreen(action keys.Action) model {
	queues := *m.queues
	queues.Do(action, m.now, m.height)
	m.queues = &queues
	return m
}

// toggleFreeze stops what is drawn, not what is received, so that going on
// shows the newest data at once.
func (m model) toggleFreeze() model {
	if m.frozenAt.IsZero() {
		m.frozenAt = m.now
		return m
	}
	m.frozenAt = time.Time{}
	if !m.latest.at.IsZero() {
		return m.show()
	}
	return m
}

// step moves the interval along its steps.
func (m model) step(by int) model {
	steps := intervals()
	at := slices.IndexFunc(steps, func(d time.Duration) bool { return d >= m.interval })
	if at < 0 {
		at = len(steps) - 1
	}
	m.interval = steps[min(max(at+by, 0), len(steps)-1)]
	if soon := m.now.Add(m.interval); m.connection.failures == 0 && m.connection.due.After(soon) {
		m.connection.due = soon
	}
	return m.say("asking every " + m.interval.String())
}
