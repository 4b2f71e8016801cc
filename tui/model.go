package tui

import (
	"context"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
)

const (
	defaultWidth, defaultHeight = 80, 24
	// toastShown is how long a remark stays.
	toastShown = 4 * time.Second
)

// model is the root: size, clock, connection, focus and the way of keys. The
// screen owns its rows. It is a value; Update returns the next one.
type model struct {
	ctx     context.Context //nolint:containedctx // Bubble Tea gives commands none; it ends with the program.
	options Options
	theme   theme.Theme
	keys    keys.Map

	width, height int
	now           time.Time
	interval      time.Duration
	blurred       bool
	help          bool
	helpScroll    int
	toast         string
	toastUntil    time.Time

	connection connection
	shown      snapshot // what is drawn
	latest     snapshot // the newest answer; shown follows unless frozen
	frozenAt   time.Time

	views   []screen.View
	at      int   // the view that is shown
	before  []int // views to go back to
	jobs    jobsFeed
	story   story
	prompt  prompt
	picker  picker
	sought  string // what was searched for last
	detail  detailFeed
	running runningFeed
	past    []snapshot // pictures to go back to, oldest first
	ago     int        // how far back in them: 0 is now
	mouse   bool       // the mouse is ours, not the terminal's

	first    tea.Cmd // what the first view asks
	question question
	undo     undoing   // the last change, if it can be taken back
	begun    []begun   // the operations of this session
	pending  pending   // rows that change
	seriesAt time.Time // when the past came last
	pace     pace      // how much less often a slow server is asked
	began    time.Time // when this session has
	left     string    // why it ends; empty: it goes on
	titled   string    // the name of the window
	insisted bool      // the remark stays until a key
}

// snapshot is one answer, cleaned, with the time it came.
type snapshot struct {
	answer admin.One[admin.Top]
	at     time.Time // zero: none yet
}

// newModel returns a model that has no data and no size yet. Random returns
// numbers in [0,1), for the spread of back-off.
func newModel(ctx context.Context, o Options, th theme.Theme, random func() float64) model {
	bindings, err := keys.Default().Remap(o.Keys)
	if err != nil { // Run has refused them
		bindings = keys.Default()
	}
	return model{
		ctx: ctx, options: o, theme: th, keys: bindings,
		width: defaultWidth, height: defaultHeight,
		now: o.Now(), began: o.Now(), interval: o.Interval,
		connection: connection{random: random, due: o.Now().Add(o.Interval)},
		views:      screen.Views(), mouse: o.Mouse,
	}
}

// view is the view that is shown.
func (m model) view() screen.View { return m.views[m.at] }

// change returns the model with a copy of view i, and that copy to change:
// models that are drawn never change.
func (m model) change(i int) (model, screen.View) {
	views := slices.Clone(m.views)
	views[i] = views[i].Clone()
	m.views = views
	return m, views[i]
}

// Init asks the first question and starts the clock.
func (m model) Init() tea.Cmd {
	return tea.Batch(m.ask(m.connection.number), m.first, m.tick())
}

// Update decides; it never waits. Size comes first, then the clock, then data,
// then keys.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		if msg.Width <= 0 || msg.Height <= 0 {
			m.width, m.height = defaultWidth, defaultHeight
		}
	case tickMsg:
		m.now = msg.at
		next, cmd := m.askIfDue()
		next, more := next.askForJobs()
		next, told := next.askForStory(false)
		next, detail := next.askForDetail()
		next, running := next.askForRunning()
		return next, tea.Batch(cmd, more, told, detail, running, next.tick())
	case answerMsg:
		return m.takeAnswer(msg).retitle()
	case jobsMsg:
		return m.takeJobs(msg).askForDetail()
	case detailMsg:
		return m.takeDetail(msg).askForDetail()
	case runningMsg:
		return m.takeRunning(msg), nil
	case storyMsg:
		return m.takeStory(msg), nil
	case savedMsg:
		return m.takeSaved(msg), nil
	case countedMsg:
		return m.clocked().takeCounted(msg), m.arm()
	case armedMsg:
		return m.clocked(), nil
	case committedMsg:
		next, cmd := m.takeCommitted(msg).askIfDue()
		next, more := next.askForJobs()
		return next, tea.Batch(cmd, more)
	case tea.FocusMsg:
		m.blurred = false
		if m.connection.failures == 0 { // it was asked less often, and somebody looks now
			m.connection.due = time.Time{}
		}
		return m.askIfDue()
	case tea.BlurMsg:
		m.blurred = true
	case tea.ResumeMsg:
		m.connection.due = time.Time{}
		return m.askIfDue()
	case tea.MouseMsg:
		return m.clocked().takeMouse(msg)
	case tea.KeyMsg:
		return m.clocked().takeKey(msg)
	}
	return m, nil
}

// clocked is the model at this moment, which may be after the last tick: how long
// a question has been there is counted in less than that.
func (m model) clocked() model {
	if now := m.options.Now(); now.After(m.now) {
		m.now = now
	}
	return m
}

// askIfDue asks the server if it is time and no question is open.
func (m model) askIfDue() (model, tea.Cmd) {
	if !m.connection.ask(m.now, m.period()) {
		return m, nil
	}
	return m, m.ask(m.connection.number)
}

func (m model) takeAnswer(msg answerMsg) model {
	if msg.number != m.connection.number {
		return m
	}
	if msg.at.After(m.now) {
		m.now = msg.at
	}
	m.connection.answered(msg.err, m.now)
	if msg.err != nil {
		return m
	}
	msg.answer.Item = clean(msg.answer.Item)
	if was := m.latest.answer.Item.Epoch; was != "" && was != msg.answer.Item.Epoch {
		m = m.say("the server has restarted at or before " + msg.answer.Item.GeneratedAt.UTC().Format("15:04:05Z") + ": its rates begin anew")
	}
	m, msg.answer = m.withSeries(msg.answer)
	m.latest = snapshot{answer: msg.answer, at: m.now}
	m = m.remember().paced(msg.took).settledBy(false, msg.number)
	if m.frozenAt.IsZero() && m.ago == 0 {
		return m.show(m.latest)
	}
	return m
}

// wanted is how often somebody wants a picture: less often while nobody looks.
func (m model) wanted() time.Duration {
	if m.blurred {
		return 5 * m.interval
	}
	return m.interval
}

// period is how often the server is asked: less often than wanted if it is slow.
func (m model) period() time.Duration { return m.pace.of(m.wanted()) }

// say shows a remark for a while.
func (m model) say(text string) model {
	m.toast, m.toastUntil, m.insisted = text, m.now.Add(toastShown), false
	return m
}

// insist shows what went wrong until somebody presses a key: nobody reads in 4 s
// that a change was not made.
func (m model) insist(text string) model {
	m = m.say(text)
	m.insisted = true
	return m
}
