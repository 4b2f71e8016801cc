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

// runningPage is how many running jobs are asked for to find those of one process:
// the server's most.
const runningPage = 1000

// jobsFeed is what is asked and known of jobs. At most one question is open.
type jobsFeed struct {
	number int
	open   bool
	due    bool // wanted now, whatever rows there are
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
// while somebody is beyond it, unless it is wanted now.
func (m model) askForJobs() (model, tea.Cmd) {
	if m.at != jobsView || m.story.open() || m.jobs.open || !m.frozenAt.IsZero() || m.ago > 0 {
		return m, nil
	}
	if !m.jobs.due && (m.jobsScreen().Beyond() || m.now.Sub(m.jobs.asked) < m.period()) {
		return m, nil
	}
	return m.askJobs(false)
}

// askJobs asks for a page: the first, or the one after the rows.
func (m model) askJobs(more bool) (model, tea.Cmd) {
	j := m.jobsScreen()
	p := admin.Page{Limit: jobsPage}
	if j.Process != "" {
		p.Limit = runningPage
	}
	if more {
		p.Cursor = j.Next
	}
	m.jobs.number++
	m.jobs.open, m.jobs.due, m.jobs.asked = true, false, m.now
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
	m = m.settledBy(true, msg.number)
	m, v := m.change(jobsView)
	j, _ := v.(*screen.Jobs)
	next := ""
	if msg.answer.Next != nil {
		next = *msg.answer.Next
	}
	j.SetJobs(clean(msg.answer.Items), next, msg.more, m.now)
	return m
}

// detailFeed is what is asked of the job under the cursor, for the pane beside
// the jobs. At most one question is open.
type detailFeed struct {
	open   bool
	failed string // id of a job that could not be told
	asked  time.Time
}

// detailMsg is what came of one question for it.
type detailMsg struct {
	id     string
	answer admin.One[admin.JobDetail]
	err    error
}

// askForDetail asks for the story of the job under the cursor: at once when the
// cursor is on another one, else now and then.
func (m model) askForDetail() (model, tea.Cmd) {
	if m.at != jobsView || m.story.open() || m.detail.open || !m.frozenAt.IsZero() || m.ago > 0 {
		return m, nil
	}
	id := m.jobsScreen().Untold(m.width)
	if id == "" || id == m.detail.failed && m.now.Sub(m.detail.asked) < storyPeriod {
		return m, nil
	}
	m.detail = detailFeed{open: true, asked: m.now}
	source := m.options.Source
	return m, m.work(questionTimeout, func(ctx context.Context) tea.Msg {
		answer, err := source.Job(ctx, id)
		return detailMsg{id: id, answer: answer, err: err}
	})
}

func (m model) takeDetail(msg detailMsg) model {
	m.detail.open = false
	if msg.err != nil { // the row itself stays in the pane
		m.detail.failed = msg.id
		return m
	}
	m, v := m.change(jobsView)
	j, _ := v.(*screen.Jobs)
	j.SetStory(clean(msg.answer.Item))
	return m
}

// runner is a view that shows what processes run, if it has room.
type runner interface {
	Paned(width int) bool
	Runs(jobs []admin.Job, older bool)
}

// runningFeed is what is asked of the jobs that run. At most one question is open.
type runningFeed struct {
	open  bool
	asked time.Time
}

// runningMsg is what came of one question for them.
type runningMsg struct {
	answer admin.List[admin.Job]
	err    error
}

// askForRunning asks what runs, now and then, while somebody looks at it.
func (m model) askForRunning() (model, tea.Cmd) {
	v, ok := m.view().(runner)
	if !ok || !v.Paned(m.width) || m.story.open() || m.running.open || !m.frozenAt.IsZero() || m.ago > 0 || m.now.Sub(m.running.asked) < max(storyPeriod, m.period()) {
		return m, nil
	}
	m.running = runningFeed{open: true, asked: m.now}
	source := m.options.Source
	return m, m.work(questionTimeout, func(ctx context.Context) tea.Msg {
		answer, err := source.Jobs(ctx, admin.Selector{State: []string{"running"}}, admin.Page{Limit: runningPage})
		return runningMsg{answer, err}
	})
}

func (m model) takeRunning(msg runningMsg) model {
	m.running.open = false
	for i := range m.views {
		if _, ok := m.views[i].(runner); !ok || msg.err != nil {
			continue
		}
		next, v := m.change(i)
		if v, ok := v.(runner); ok {
			v.Runs(clean(msg.answer.Items), msg.answer.Next != nil)
		}
		m = next
	}
	return m
}

// selectJobs shows the jobs of a selector.
func (m model) selectJobs(s admin.Selector) (model, tea.Cmd) { return m.choose(s, "") }

// selectRunning shows what a process runs.
func (m model) selectRunning(process string) (model, tea.Cmd) {
	return m.choose(admin.Selector{State: []string{"running"}}, process)
}

func (m model) choose(s admin.Selector, process string) (model, tea.Cmd) {
	m, v := m.change(jobsView)
	j, _ := v.(*screen.Jobs)
	j.Choose(s, process)
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
