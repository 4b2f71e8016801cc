package tui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

const (
	// questionTimeout bounds one question to the server.
	questionTimeout = 5 * time.Second
	// heartbeat is how often ages are redrawn.
	heartbeat = time.Second
	// seriesPoints is how much of the past is asked for.
	seriesPoints = 60
)

// ask puts one question to the server.
func (m model) ask(number int) tea.Cmd {
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(m.ctx, questionTimeout)
		defer cancel()
		began := time.Now()
		answer, err := m.options.Source.Top(ctx, seriesPoints)
		return answerMsg{number: number, answer: answer, err: err, at: m.options.Now(), took: time.Since(began)}
	}
}

// tick arms the clock once more. There is one chain of ticks: each is armed by
// the one before.
func (m model) tick() tea.Cmd {
	now := m.options.Now
	return tea.Tick(min(heartbeat, m.interval), func(time.Time) tea.Msg { return tickMsg{at: now()} })
}
