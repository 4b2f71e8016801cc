package tui

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/text"
)

// Alerter is a Changer that also knows alerts.
type Alerter interface {
	AckAlert(ctx context.Context, id, reason string) (admin.One[admin.Alert], error)
	MuteAlert(ctx context.Context, id string, lasts time.Duration, reason string) (admin.One[admin.Alert], error)
}

// Revealer is a Changer that shows what a job sends, which the server records.
type Revealer interface {
	RevealJob(ctx context.Context, id, reason string) (admin.One[admin.JobDetail], error)
}

// Drainer has a process take no new work, or take work again with undo.
type Drainer interface {
	Drain(ctx context.Context, id string, undo, dryRun bool, reason string) (Drained, error)
}

// Drained is what came of it: how many processes still take work, and when
// every process knew.
type Drained struct {
	Others  int
	Applied *admin.Applied
}

// notKnown is said where this program, or the server, does not know how.
const notKnown = "this inboxctl cannot do that yet"

// drain is the question of a drain, or of the end of one.
func (m model) drain(id string) (question, string) {
	drainer := m.options.Drainer
	if d, ok := m.options.Changer.(Drainer); ok {
		drainer = d
	}
	worker, ok := m.worker(id)
	switch {
	case !ok:
		return question{}, "put the cursor on a process first"
	case drainer == nil:
		return question{}, notKnown
	}
	undo := worker.State == "draining" || worker.State == "drained"
	verb := map[bool]string{false: "Drain", true: "Undo the drain of"}[undo]
	q := m.ask1(verb, "process "+worker.ID+" on "+worker.Host, field{"reason", "", "goes into the audit"})
	again := "undo: " + m.keys.Key(keys.Drain) + " again"
	q.plan = func(q question) (tea.Cmd, error) {
		return m.work(questionTimeout, func(ctx context.Context) tea.Msg {
			dry, err := drainer.Drain(ctx, id, undo, true, q.value("reason"))
			if err != nil {
				return countedMsg{number: q.number, err: err}
			}
			msg := countedMsg{number: q.number, phrase: "y", lines: drainLines(worker, dry, undo, again)}
			if !undo && dry.Others == 0 {
				msg.warning = []string{"no other process takes work: nothing is sent until one starts"}
			}
			msg.commit = func() tea.Cmd { //nolint:contextcheck // It is done after the count has ended, with the context of the program.
				return m.work(admin.AppliedTime+questionTimeout, func(ctx context.Context) tea.Msg {
					done, err := drainer.Drain(ctx, id, undo, false, q.value("reason"))
					return committedMsg{number: q.number, err: err, text: applied(strings.ToLower(verb)+" process "+worker.ID, done.Applied)}
				})
			}
			return msg
		}), nil
	}
	return q, ""
}

func drainLines(w admin.TopWorker, d Drained, undo bool, again string) []string {
	if undo {
		return []string{"it takes work again"}
	}
	return []string{
		fmt.Sprintf("%d of %d slots are busy: what runs, ends; it takes nothing new", w.Busy, w.Slots),
		fmt.Sprintf("%d other processes take work", d.Others), again,
	}
}

func (m model) worker(id string) (admin.TopWorker, bool) {
	for _, w := range m.shown.answer.Item.Workers {
		if w.ID == id {
			return w, true
		}
	}
	return admin.TopWorker{}, false
}

// ask1 is a question with fields and the next number.
func (m model) ask1(verb, about string, fields ...field) question {
	return question{number: m.question.number + 1, verb: verb, about: about, fields: fields}
}

func applied(done string, a *admin.Applied) string {
	if a != nil {
		return done + ", " + a.Text()
	}
	return done
}

// ack is the question of an acknowledgement: others see that somebody is at it.
func (m model) ack(id string) (question, string) {
	alerter, why := m.alerter(id)
	if why != "" {
		return question{}, why
	}
	q := m.ask1("Acknowledge", "alert "+brief(id), field{"reason", "", "what you are doing about it"})
	return m.atOnce(q, []string{"it stays in the list, with your name", "undo: it ends by itself with the alert"}, func(ctx context.Context, q question) (string, undoing, error) {
		_, err := alerter.AckAlert(ctx, id, q.value("reason"))
		return "acknowledged " + brief(id), undoing{}, err //nolint:wrapcheck // The server's own words are for the operator.
	}), ""
}

// mute is the question of silence about an alert, for a time.
func (m model) mute(id string) (question, string) {
	alerter, why := m.alerter(id)
	if why != "" {
		return question{}, why
	}
	q := m.ask1("Mute", "alert "+brief(id), field{"for", "1h", "a duration"}, field{"reason", "", "shown to everybody"})
	q = m.atOnce(q, []string{"it is not counted and not announced meanwhile"}, func(ctx context.Context, q question) (string, undoing, error) {
		ms, err := lasting(q.value("for"))
		if err != nil {
			return "", undoing{}, err
		}
		answer, err := alerter.MuteAlert(ctx, id, time.Duration(ms)*time.Millisecond, q.value("reason"))
		return "muted " + brief(id) + " for " + q.value("for"), undoMute(m.options.Changer, answer.Item), err //nolint:contextcheck,wrapcheck // It is asked later, with the context of the program; the server's own words are for the operator.
	})
	plan := q.plan
	q.plan = func(q question) (tea.Cmd, error) {
		if ms, err := lasting(q.value("for")); err != nil || ms == 0 {
			return nil, fmt.Errorf("%q is no duration: write 45m, 1h or 24h", q.value("for"))
		}
		return plan(q)
	}
	return q, ""
}

func (m model) alerter(id string) (Alerter, string) {
	alerter, ok := m.options.Changer.(Alerter)
	switch {
	case id == "":
		return nil, "put the cursor on an alert first"
	case !ok:
		return nil, notKnown
	}
	return alerter, ""
}

// atOnce completes a question that has nothing to count.
func (m model) atOnce(q question, lines []string, do func(ctx context.Context, q question) (done string, back undoing, err error)) question {
	q.plan = func(q question) (tea.Cmd, error) {
		return func() tea.Msg {
			return countedMsg{number: q.number, phrase: "y", lines: lines, commit: func() tea.Cmd {
				return m.work(questionTimeout, func(ctx context.Context) tea.Msg {
					text, back, err := do(ctx, q)
					return committedMsg{number: q.number, text: text, err: err, undo: back}
				})
			}}
		}, nil
	}
	return q
}

// reveal is the question of reading what a job sends: it changes nothing but the
// audit, and asks for a reason.
func (m model) reveal() (question, string) {
	revealer, ok := m.options.Changer.(Revealer)
	id, of := m.story.id, m.story.number
	switch {
	case id == "":
		return question{}, "open a job first"
	case !ok:
		return question{}, notKnown
	}
	q := m.ask1("Reveal", "the text of job "+brief(id), field{"reason", "", "goes into the audit"})
	q.plan = func(q question) (tea.Cmd, error) {
		if q.value("reason") == "" {
			return nil, fmt.Errorf("write a reason: others will read it in the audit")
		}
		return func() tea.Msg {
			return countedMsg{number: q.number, phrase: "y", lines: []string{"what a customer wrote is personal: that you read it is recorded"}, commit: func() tea.Cmd {
				return m.work(questionTimeout, func(ctx context.Context) tea.Msg {
					answer, err := revealer.RevealJob(ctx, id, q.value("reason"))
					msg := committedMsg{number: q.number, err: err, text: "recorded in the audit", of: of}
					if err == nil {
						var whole string // and not only its beginning, as of other texts
						if answer.Item.Text != nil {
							whole = text.Clean(*answer.Item.Text)
						}
						d := clean(answer.Item)
						if d.Text != nil {
							d.Text = &whole
						}
						msg.story = func(th theme.Theme, width int) []string { return screen.JobStory(th, d, width) }
					}
					return msg
				})
			}}
		}, nil
	}
	return q, ""
}
