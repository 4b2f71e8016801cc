package tui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/admin"
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
	series := 0
	if m.wantsSeries() {
		series = seriesPoints
	}
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(m.ctx, questionTimeout)
		defer cancel()
		began := time.Now()
		answer, err := m.options.Source.Top(ctx, series)
		return answerMsg{number: number, answer: answer, err: err, at: m.options.Now(), took: time.Since(began)}
	}
}

// wantsSeries reports whether the past may have moved: it does once per step, and
// is most of a picture.
func (m model) wantsSeries() bool {
	s := m.latest.answer.Item.Series
	return s == nil || m.now.Sub(m.seriesAt) >= time.Duration(s.StepMS)*time.Millisecond
}

// withSeries is an answer with the past that is known, if it came without.
func (m model) withSeries(answer admin.One[admin.Top]) (model, admin.One[admin.Top]) {
	was := m.latest.answer.Item
	switch {
	case answer.Item.Series != nil:
		m.seriesAt = m.now
	case was.Epoch == answer.Item.Epoch:
		answer.Item.Series = was.Series
	}
	return m, answer
}

// tick arms the clock once more. There is one chain of ticks: each is armed by
// the one before.
func (m model) tick() tea.Cmd {
	now := m.options.Now
	return tea.Tick(min(heartbeat, m.interval), func(time.Time) tea.Msg { return tickMsg{at: now()} })
}
