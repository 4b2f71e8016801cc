package tui

import (
	"fmt"
	"io"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/screen"
)

// intervals are the steps of "more often" and "less often".
func intervals() []time.Duration {
	return []time.Duration{
		500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	}
}

// takeKey finds what a key means.
func (m model) takeKey(msg tea.KeyMsg) (tea.Model, tea.Cmd) {
	if m.insisted { // it has been seen
		m.toast, m.insisted = "", false
	}
	switch {
	case m.question.open():
		return m.takeQuestion(msg)
	case m.prompt.open():
		return m.takePrompt(msg)
	case m.picker.open():
		return m.takePick(msg)
	case msg.Paste:
		return m.say("ignored pasted text"), nil
	case msg.Type == tea.KeyRunes && len(msg.Runes) > 1:
		return m.takeBurst(msg.Runes)
	}
	b, ok := m.keys.Lookup(msg.String())
	if !ok {
		return m, nil
	}
	return m.do(b)
}

// takeBurst is letters that arrived in one read, as one message: fast typing, a
// slow line, or a paste. Those that only move are applied one by one, and what
// follows the sign of a prompt is typed into it. Anything else is dropped: a
// pasted word must not press keys.
func (m model) takeBurst(runes []rune) (tea.Model, tea.Cmd) {
	if b, ok := m.keys.Lookup(string(runes[0])); ok && (b.Action == keys.Filter || b.Action == keys.Command) {
		opened, _ := m.do(b)
		m, _ = opened.(model)
		return m.takePrompt(tea.KeyMsg{Type: tea.KeyRunes, Runes: runes[1:]})
	}
	moves, ok := m.keys.Burst(runes)
	if !ok {
		return m.say("ignored pasted text"), nil
	}
	for _, b := range moves {
		m = m.toScreen(b.Action)
	}
	return m, nil
}

// do applies one action: the root's own, or the screen's.
func (m model) do(b keys.Binding) (tea.Model, tea.Cmd) {
	switch b.Action {
	case keys.Interrupt:
		return m.leave(b.Label)
	case keys.Quit:
		if next, peeled := m.peel(); peeled {
			return next, nil
		}
		return m.leave(b.Label)
	case keys.Sort:
		if !m.story.open() && !m.help {
			m = m.pickOrder()
		}
	case keys.Match:
		return m.seek(+1)
	case keys.MatchUp:
		return m.seek(-1)
	case keys.Help:
		m.help, m.helpScroll = !m.help, 0
	case keys.Close:
		m, _ = m.peel()
	case keys.Filter:
		m.help, m.prompt = false, prompt{sign: "/"}
	case keys.Command:
		m.help, m.prompt = false, prompt{sign: ":"}
	case keys.Open:
		return m.open()
	case keys.Jobs:
		return m.jobsBehind()
	case keys.Back:
		m = m.back()
	case keys.Alert:
		m = m.visit(len(m.views) - 1)
	case keys.NextView, keys.PrevView:
		m = m.turn(b.Action)
	case keys.Why:
		return m.why()
	case keys.Errors:
		return m.errorsBehind()
	default:
		return m.doNow(b)
	}
	return m, nil
}

// doNow is what concerns the time that is shown, and the terminal.
func (m model) doNow(b keys.Binding) (tea.Model, tea.Cmd) {
	switch b.Action {
	case keys.Past:
		return m.travel(+1).askIfDue()
	case keys.Future:
		return m.travel(-1).askIfDue()
	case keys.Mouse:
		return m.toggleMouse()
	case keys.Save:
		return m, m.save()
	case keys.Freeze:
		if p, ok := m.options.Source.(*Player); ok {
			p.Pause()
		}
		m = m.toggleFreeze()
	case keys.Refresh:
		return m.refresh()
	case keys.Copy:
		return m.copyID()
	case keys.Faster:
		return m.step(-1).askIfDue()
	case keys.Slower:
		m = m.step(+1)
	case keys.Redraw:
		return m, tea.ClearScreen
	case keys.Suspend:
		return m, tea.Suspend
	default:
		return m.doHere(b)
	}
	return m, nil
}

// doHere is what concerns the view: another one, a change, or its own.
func (m model) doHere(b keys.Binding) (tea.Model, tea.Cmd) {
	if b.Kind == keys.Change {
		return m.act(b.Action)
	}
	if n := slices.Index(viewKeys(), b.Action); n >= 0 {
		return m.visit(n).askForJobs()
	}
	m = m.toScreen(b.Action)
	if b.Kind != keys.Move || m.at != jobsView {
		return m.askForDetail()
	}
	m, cmd := m.furtherJobs()
	m, detail := m.askForDetail()
	return m, tea.Batch(cmd, detail)
}

func viewKeys() []keys.Action {
	return []keys.Action{
		keys.View1, keys.View2, keys.View3, keys.View4, keys.View5, keys.View6, keys.View7, keys.View8, keys.View9,
	}
}

// toScreen gives an action to the job that is open, or to the view.
func (m model) toScreen(action keys.Action) model {
	if m.help {
		m.helpScroll = story{scroll: m.helpScroll}.scrolled(action, m.height).scroll
		return m
	}
	if m.story.open() {
		m.story = m.story.scrolled(action, m.height)
		return m
	}
	m, v := m.change(m.at)
	v.Do(action, m.now, m.height)
	return m
}

// furtherJobs asks for the next page once the cursor is at the end of this one.
func (m model) furtherJobs() (model, tea.Cmd) {
	if j := m.jobsScreen(); j.AtEnd() && j.Next != "" && !m.jobs.open {
		return m.askJobs(true)
	}
	return m, nil
}

// peel takes away one layer: help, an open job, a filter, then the way back.
func (m model) peel() (model, bool) {
	shown, all := m.view().Rows()
	switch {
	case m.help:
		m.help = false
	case m.story.open():
		m.story = m.story.closed()
	case shown < all:
		m = m.find("")
	case len(m.before) > 0:
		m = m.back()
	default:
		return m, false
	}
	return m, true
}

func (m model) back() model {
	if len(m.before) == 0 {
		return m
	}
	last := len(m.before) - 1
	m.at, m.story = m.before[last], m.story.closed()
	m.before = m.before[:last:last]
	return m
}

// turn goes to the next view; on the overview to the next panel.
func (m model) turn(action keys.Action) model {
	if m.at == 0 {
		return m.toScreen(action)
	}
	step := 1
	if action == keys.PrevView {
		step = len(m.views) - 1
	}
	return m.visit((m.at + step) % len(m.views))
}

// open goes into what the cursor is on: a panel's view and the same row in it, a
// job, the cause of an alert, what is behind any other row.
func (m model) open() (tea.Model, tea.Cmd) {
	switch v := m.view().(type) {
	case interface{ Focus() string }:
		i, _ := screen.Index(m.views, v.Focus())
		id := m.view().Cursor()
		m, to := m.visit(i).change(i)
		to.Point(id)
		return m, nil
	case *screen.Jobs:
		if v.Cursor() != "" && !m.story.open() {
			return m.openStory(v.Cursor())
		}
		return m, nil
	}
	for _, a := range m.shown.answer.Item.Alerts {
		if m.at == len(m.views)-1 && a.ID == m.view().Cursor() && a.Command != nil {
			if start, ok := startOf(*a.Command); ok {
				return m.goTo(start)
			}
		}
	}
	return m.openRow()
}

// jobsBehind shows the jobs of the row under the cursor.
func (m model) jobsBehind() (tea.Model, tea.Cmd) {
	if id := m.view().Cursor(); id != "" && m.view().Name() == "Workers" {
		return m.jobsOfProcess(id)
	}
	s, ok := m.view().(behinder)
	if !ok {
		return m.say("there are no jobs behind this row"), nil
	}
	selector, ok := s.Behind()
	if !ok {
		return m.say("there are no jobs behind this row"), nil
	}
	return m.selectJobs(selector)
}

// refresh asks for everything that is shown, now.
func (m model) refresh() (tea.Model, tea.Cmd) {
	m.connection.due, m.jobs.due = time.Time{}, true
	m, cmd := m.askIfDue()
	m, jobs := m.askForJobs()
	m, told := m.askForStory(true)
	return m, tea.Batch(cmd, jobs, told)
}

// copyID hands the id under the cursor to the terminal, for the clipboard. Some
// terminals do not take it.
func (m model) copyID() (tea.Model, tea.Cmd) {
	id := m.view().Cursor()
	if m.story.open() {
		id = m.story.id
	}
	if id == "" {
		return m.say("there is nothing to copy here"), nil
	}
	out := m.options.Out
	return m.say("sent to the terminal's clipboard: " + id), func() tea.Msg {
		_, _ = io.WriteString(out, ansi.SetSystemClipboard(id))
		return nil
	}
}

// toggleFreeze stops what is drawn, not what is received, so that going on
// shows the newest data at once.
func (m model) toggleFreeze() model {
	if m.ago > 0 { // from the past there is one way: to now
		m.ago, m.frozenAt = 0, time.Time{}
		return m.show(m.latest)
	}
	if m.frozenAt.IsZero() {
		m.frozenAt = m.now
		return m
	}
	m.frozenAt = time.Time{}
	if !m.latest.at.IsZero() {
		return m.show(m.latest)
	}
	return m
}

// step moves the interval along its steps.
func (m model) step(by int) model {
	if p, ok := m.options.Source.(*Player); ok {
		speed := p.Speed(map[int]float64{-1: 2, 1: 0.5}[by])
		return m.say(fmt.Sprintf("playing %gx as fast as it was", speed))
	}
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
