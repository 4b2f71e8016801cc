package tui

import (
	"fmt"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/text"
)

// refuse says why nothing can be changed now; "" if it can.
func (m model) refuse() string {
	role := m.shown.answer.Item.Role
	switch {
	case m.options.ReadOnly:
		return "this view is read-only"
	case m.ago > 0:
		return "what is shown is the past: " + m.keys.Key(keys.Freeze) + " goes back to now"
	case m.shown.at.IsZero() || m.freshness() == stale:
		return "what is shown is old: changes wait until the server answers again"
	case role != "" && !role.Allows(admin.Operator):
		return fmt.Sprintf("this needs the role operator, and %s is only %s", brief(m.shown.answer.Item.Actor), role)
	}
	return ""
}

// off is the same in few words, for the last line.
func (m model) off() string {
	switch {
	case m.options.ReadOnly:
		return "read-only"
	case m.ago > 0:
		return "this is the past"
	case m.shown.at.IsZero():
		return "no data yet"
	case m.freshness() == stale:
		return "data is " + text.Age(m.age(m.latest)) + " old"
	}
	return "needs the role operator"
}

// act begins a change: what it is about is taken from the cursor and the marks
// now, by id, and not looked at again.
func (m model) act(action keys.Action) (tea.Model, tea.Cmd) {
	if why := m.refuse(); why != "" {
		return m.say(why), nil
	}
	target := m.target()
	var q question
	var why string
	switch action {
	case keys.Retry:
		q, why = m.bulk(admin.OpRetry, "Retry", target)
	case keys.Cancel:
		q, why = m.bulk(admin.OpCancel, "Cancel", target)
	case keys.Undo:
		return m.undoLast()
	case keys.Pause:
		return m.pauseOrResume(target)
	case keys.Limit:
		q, why = m.limit(target)
	case keys.Drain:
		q, why = m.drain(target.worker)
	case keys.Ack:
		q, why = m.ack(target.alert)
	case keys.Mute:
		q, why = m.mute(target.alert)
	case keys.Reveal:
		q, why = m.reveal()
	default:
		return m.say("that cannot be done here"), nil
	}
	if why != "" {
		return m.say(why), nil
	}
	return m.pose(q)
}

// pose opens a question; one without fields is counted at once.
func (m model) pose(q question) (tea.Model, tea.Cmd) {
	q.asked = m.now
	q.view, q.rows = m.rows()
	if m.options.Protected != "" && !q.has("reason") {
		q.fields = append(q.fields, field{"reason", "", "needed: " + m.options.Protected + " is protected"})
	}
	m.question = q
	if len(q.fields) == 0 {
		return m.count(q)
	}
	return m, m.arm()
}

// aim is what the cursor and the marks are on, by name.
type aim struct {
	jobs       []string
	queue, org string
	limit      string
	worker     string
	alert      string
	hold       *admin.TopHold
}

func (m model) target() aim {
	switch {
	case m.story.id != "":
		return aim{jobs: []string{m.story.id}}
	case m.story.open():
		return aim{}
	}
	top := m.shown.answer.Item
	v := m.view()
	name, id := v.Name(), v.Cursor()
	if o, ok := v.(interface{ Focus() string }); ok {
		name = o.Focus()
	}
	switch name {
	case "Jobs":
		if marks := v.Marks(); len(marks) > 0 {
			return aim{jobs: marks}
		}
		if id != "" {
			return aim{jobs: []string{id}}
		}
	case "Queues":
		for _, q := range top.Queues {
			if q.ID == id {
				return aim{queue: q.Name, hold: q.Paused}
			}
		}
	case "Orgs":
		for _, o := range top.Orgs {
			if o.ID == id {
				return aim{org: o.Name, hold: o.Paused}
			}
		}
	case "Workers":
		return aim{worker: id}
	case "Alerts":
		return aim{alert: id}
	case "Limits":
		for _, l := range top.Limits {
			if l.ID == id {
				return aim{org: l.Org, limit: l.Name}
			}
		}
	}
	return aim{}
}

func (a aim) selector() (s admin.Selector, about string, ok bool) {
	switch {
	case len(a.jobs) == 1:
		return admin.Selector{IDs: a.jobs}, "job " + a.jobs[0], true
	case len(a.jobs) > 1:
		return admin.Selector{IDs: a.jobs}, fmt.Sprintf("%d marked jobs", len(a.jobs)), true
	case a.queue != "":
		return admin.Selector{Queue: []string{a.queue}}, "of queue " + a.queue, true
	case a.org != "":
		return admin.Selector{Org: []string{a.org}}, "of org " + a.org, true
	}
	return s, "", false
}

// bulk is the question of an operation on jobs.
func (m model) bulk(kind, verb string, a aim) (question, string) {
	s, about, ok := a.selector()
	if !ok {
		return question{}, "put the cursor on a job, a queue or an org first"
	}
	if len(a.jobs) == 0 {
		about = map[string]string{admin.OpRetry: "dead jobs ", admin.OpCancel: "waiting jobs "}[kind] + about
		if kind == admin.OpCancel {
			s.State = []string{"ready", "scheduled"}
		}
	}
	return m.operation(verb, about, admin.PlanRequest{Kind: kind, Selector: s}), ""
}

// pauseOrResume asks to pause what is not, and to resume what is paused.
func (m model) pauseOrResume(a aim) (tea.Model, tea.Cmd) {
	about := "queue " + a.queue
	if a.org != "" {
		about = "org " + a.org
	}
	switch {
	case a.org == "" && a.queue == "" || a.limit != "":
		return m.say("put the cursor on a queue or an org first"), nil
	case a.hold != nil:
		return m.pose(m.resume(about, admin.HoldRelease{Org: a.org, Queue: a.queue, Hold: a.hold.ID}, *a.hold))
	}
	return m.pose(m.pause(about, admin.HoldAdd{Org: a.org, Queue: a.queue}))
}

func (m model) limit(a aim) (question, string) {
	if a.org == "" {
		return question{}, "put the cursor on an org or a limit first"
	}
	name := a.limit
	if name == "" {
		name = "send_text"
	}
	q := question{
		number: m.question.number + 1, verb: "Limit", about: "of org " + a.org,
		fields: []field{{"limit", name + "=", "send_text=120/min"}, {"for", "1h", "a duration, or empty: until changed"}, {"reason", "", "goes into the audit"}},
	}
	q.plan = func(q question) (tea.Cmd, error) {
		set, err := limitSet(a.org, q)
		if err != nil {
			return nil, err
		}
		return m.countLimit(q.number, set), nil
	}
	return q, ""
}

func limitSet(org string, q question) (admin.LimitSet, error) {
	name, value, _ := strings.Cut(q.value("limit"), "=")
	if _, _, err := admin.ParseLimit(name, value); err != nil {
		return admin.LimitSet{}, err //nolint:wrapcheck // It says what would be right.
	}
	lasts, err := lasting(q.value("for"))
	return admin.LimitSet{Org: org, Values: map[string]string{name: value}, LastsMS: lasts, Reason: q.value("reason")}, err
}

// lasting reads a duration; empty: until somebody ends it.
func lasting(s string) (ms int64, err error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no duration: write 45m, 1h or 24h", brief(s))
	}
	return d.Milliseconds(), nil
}
