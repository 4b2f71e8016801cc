package tui

import (
	"context"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/screen"
)

// jobsView is the place of the view of jobs.
const jobsView = 2

// jobsPage is how many jobs are asked for at once: two screens.
const jobsPage = 100

// jobsFeed is what is asked and known of jobs. At most one question is open.
type jobsFeed struct {
	number int
	open   bool
	asked  time.Time
	err    error
}

// jobsMsg is what came of one question for jobs.
type jobsMsg struct {
	number int
	more   bool
	answer admin.List[admin.Job]
	err    error
}

func (m model) jobsScreen() *screen.Jobs {
	j, _ := m.views[jobsView].(*screen.Jobs)
	return j
}

// askForJobs asks for the first page again while the jobs are looked at, not
// while somebody has gone beyond it.
func (m model) askForJobs() (model, tea.Cmd) {
	j := m.jobsScreen()
	_, all := j.Rows()
	if m.at != jobsView || m.story.open() || m.jobs.open || !m.frozenAt.IsZero() || all > jobsPage || m.now.Sub(m.jobs.asked) < m.period() {
		return m, nil
	}
	return m.askJobs(false)
}

// askJobs asks for a page: the first, or the one after the rows.
func (m model) askJobs(more bool) (model, tea.Cmd) {
	j := m.jobsScreen()
	p := admin.Page{Limit: jobsPage}
	if more {
		p.Cursor = j.Next
	}
	m.jobs.number++
	m.jobs.open, m.jobs.asked = true, m.now
	number, selector, source, base := m.jobs.number, j.Selector, m.options.Source, m.ctx
	return m, func() tea.Msg {
		ctx, cancel := context.WithTimeout(base, questionTimeout)
		defer cancel()
		answer, err := source.Jobs(ctx, selector, p)
		return jobsMsg{number: number, more: more, answer: answer, err: err}
	}
}

func (m model) takeJobs(msg jobsMsg) model {
	if msg.number != m.jobs.number {
		return m
	}
	m.jobs.open, m.jobs.err = false, msg.err
	if msg.err != nil {
		return m.say(reason(msg.err))
	}
	m, v := m.change(jobsView)
	j, _ := v.(*screen.Jobs)
	next := ""
	if msg.answer.Next != nil {
		next = *msg.answer.Next
	}
	j.SetJobs(clean(msg.answer.Items), next, msg.more, m.now)
	return m
}

// selectJobs shows the jobs of a selector.
func (m model) selectJobs(s admin.Selector) (model, tea.Cmd) {
	m, v := m.change(jobsView)
	j, _ := v.(*screen.Jobs)
	j.Selector = s
	j.SetJobs(nil, "", false, m.now)
	return m.visit(jobsView).askJobs(false)
}

// visit shows a view and remembers where it came from.
func (m model) visit(i int) model {
	if i == m.at {
		return m
	}
	m.before = append(slices.Clone(m.before), m.at)
	if len(m.before) > 32 {
		m.before = m.before[1:]
	}
	m.at, m.story = i, m.story.closed()
	return m
}
