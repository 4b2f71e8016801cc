package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
)

// storyPeriod is how often what is open is asked for again, at most.
const storyPeriod = 2 * time.Second

// drawing makes the lines of something that was asked for.
type drawing func(th theme.Theme, width int) []string

// story is what somebody has opened above a view: a job, why it is where it is,
// the errors behind a row, the operations. It is asked for again while it is
// looked at. The zero value is closed.
type story struct {
	number int    // tells answers to it from older ones
	title  string // empty: closed
	id     string // of the job; empty: it is no job
	ask    func(ctx context.Context) (drawing, error)
	asked  time.Time
	busy   bool // an answer is to come
	drawn  drawing
	err    error
	scroll int
	found  int // the line that was searched for, from 1; 0: none
}

func (s story) open() bool { return s.title != "" }

func (s story) closed() story { return story{number: s.number} }

// storyMsg is what came of one question for a story.
type storyMsg struct {
	number int
	drawn  drawing
	err    error
}

// tell opens a story.
func (m model) tell(title, job string, ask func(ctx context.Context) (drawing, error)) (model, tea.Cmd) {
	m.story = story{number: m.story.number + 1, title: title, id: job, ask: ask}
	return m.askForStory(true)
}

// askForStory asks again for what is open.
func (m model) askForStory(now bool) (model, tea.Cmd) {
	s := &m.story
	if !s.open() || s.busy || s.ask == nil || !now && (!m.frozenAt.IsZero() || m.now.Sub(s.asked) < max(storyPeriod, m.period())) {
		return m, nil
	}
	s.busy, s.asked = true, m.now
	number, ask := s.number, s.ask
	return m, m.work(questionTimeout, func(ctx context.Context) tea.Msg {
		drawn, err := ask(ctx)
		return storyMsg{number: number, drawn: drawn, err: err}
	})
}

func (m model) takeStory(msg storyMsg) model {
	if msg.number != m.story.number || !m.story.open() {
		return m
	}
	m.story.busy, m.story.err = false, msg.err
	if msg.err == nil {
		m.story.drawn = msg.drawn
	}
	return m
}

func (m model) openStory(id string) (model, tea.Cmd) {
	source := m.options.Source
	return m.tell("job "+brief(id), id, func(ctx context.Context) (drawing, error) {
		answer, err := source.Job(ctx, id)
		if err != nil {
			return nil, err //nolint:wrapcheck // The source's own words are for the operator.
		}
		d := clean(answer.Item)
		return func(th theme.Theme, width int) []string { return screen.JobStory(th, d, width) }, nil
	})
}

// why opens why the job under the cursor, or the one that is open, is where it
// is.
func (m model) why() (model, tea.Cmd) {
	id := m.story.id
	if id == "" && m.at == jobsView && !m.story.open() {
		id = m.view().Cursor()
	}
	if id == "" {
		return m.say("put the cursor on a job first"), nil
	}
	source := m.options.Source
	return m.tell("why of job "+brief(id), id, func(ctx context.Context) (drawing, error) {
		answer, err := source.Why(ctx, id)
		if err != nil {
			return nil, err //nolint:wrapcheck // The source's own words are for the operator.
		}
		w := clean(answer.Item)
		return func(th theme.Theme, width int) []string { return screen.JobWhy(th, w, width) }, nil
	})
}

// errorsBehind opens the errors of the jobs behind the row under the cursor,
// folded into groups.
func (m model) errorsBehind() (model, tea.Cmd) {
	about, selector := "all jobs", admin.Selector{}
	if m.at == jobsView {
		selector = m.jobsScreen().Selector
		if words := writeSelector(selector); words != "" {
			about = words
		}
	} else if s, ok := m.view().(behinder); ok {
		if behind, ok := s.Behind(); ok {
			selector, about = behind, writeSelector(behind)
		}
	}
	source := m.options.Source
	return m.tell("errors of "+about, "", func(ctx context.Context) (drawing, error) {
		answer, err := source.ErrorGroups(ctx, selector, admin.Page{})
		if err != nil {
			return nil, err //nolint:wrapcheck // The source's own words are for the operator.
		}
		groups := clean(answer.Items)
		return func(th theme.Theme, width int) []string { return screen.ErrorGroups(th, groups, width) }, nil
	})
}

// operations opens the list of operations, of this session and of others.
func (m model) operations() (model, tea.Cmd) {
	source := m.options.Source
	return m.tell("operations", "", func(ctx context.Context) (drawing, error) {
		answer, err := source.Operations(ctx, nil, admin.Page{})
		if err != nil {
			return nil, err //nolint:wrapcheck // The source's own words are for the operator.
		}
		all, at := clean(answer.Items), answer.AsOf
		return func(th theme.Theme, width int) []string { return screen.Operations(th, all, at, width) }, nil
	})
}

// behinder is a view whose rows have jobs behind them.
type behinder interface {
	Behind() (admin.Selector, bool)
}

// scrolled moves what is open.
func (s story) scrolled(action keys.Action, height int) story {
	step := map[keys.Action]int{
		keys.Down: 1, keys.Up: -1, keys.PageDown: height / 2, keys.PageUp: -height / 2, keys.First: -s.scroll,
	}[action]
	s.scroll = max(s.scroll+step, 0)
	return s
}

// seek scrolls to the next line that holds a text, and reports whether there is
// one.
func (s story) seek(lines []string, what string, step int) (story, bool) {
	direction := 1
	if step < 0 {
		direction = -1
	}
	for i := range lines {
		at := ((max(s.scroll, s.found-1)+step+direction*i)%len(lines) + len(lines)) % len(lines)
		if strings.Contains(strings.ToLower(lines[at]), strings.ToLower(what)) {
			s.scroll, s.found = at, at+1
			return s, true
		}
	}
	return s, false
}

// storyText is what is open, as text.
func (m model) storyText() (lines []string) {
	if m.story.drawn == nil {
		return nil
	}
	for _, line := range m.story.drawn(m.theme, m.width) {
		lines = append(lines, ansi.Strip(line))
	}
	return lines
}

// storyLines draws what is open; the scroll never goes past its end.
func (m model) storyLines(th theme.Theme, height int) []string {
	switch {
	case m.story.err != nil && m.story.drawn == nil:
		return []string{"", " " + reason(m.story.err)}
	case m.story.drawn == nil:
		return []string{"", " Asking the server" + th.Glyphs.Ellipsis}
	}
	lines := m.story.drawn(th, m.width)
	if at := m.story.found - 1; at >= 0 && at < len(lines) {
		lines = slices.Clone(lines)
		lines[at] = th.Paint(theme.Cursor, th.Glyphs.Cursor) + strings.TrimPrefix(lines[at], " ")
	}
	return scrolledTo(th, lines, m.story.scroll, height)
}

// scrolledTo is what is seen of lines that are too many; the last line says how
// many are below.
func scrolledTo(th theme.Theme, lines []string, scroll, height int) []string {
	lines = lines[min(scroll, max(len(lines)-height, 0)):]
	if len(lines) <= height || height < 2 {
		return lines
	}
	below := len(lines) - height + 1
	return append(slices.Clone(lines[:height-1]), th.Paint(theme.Dim, fmt.Sprintf(" %s %d more lines", th.Glyphs.Down, below)))
}
