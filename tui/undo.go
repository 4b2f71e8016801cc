package tui

import (
	"context"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/admin"
)

// undoing is how the last change can be taken back. The zero value cannot.
type undoing struct {
	what string // "the pause of queue whatsapp"
	ask  func(m model) question
}

func (u undoing) possible() bool { return u.ask != nil }

// undoOperation takes back an operation.
func undoOperation(id string) undoing {
	return undoing{"operation " + id, func(m model) question {
		return m.operation("Undo", "operation "+id, admin.PlanRequest{Kind: admin.OpUndo, Undo: id})
	}}
}

// undoPause ends the hold that a pause has made, and no other.
func undoPause(about string, h admin.HoldAdd, made []admin.Hold) undoing {
	if len(made) != 1 {
		return undoing{}
	}
	return undoing{"the pause of " + about, func(m model) question {
		hold := admin.TopHold{ID: made[0].ID, Owner: made[0].Owner, Reason: made[0].Reason, Since: made[0].CreatedAt, Until: made[0].ExpiresAt}
		return m.resume(about, admin.HoldRelease{Org: h.Org, Queue: h.Queue, Hold: hold.ID}, hold)
	}}
}

// undoResume pauses again, for as long as was left, with the same reason.
func undoResume(about string, r admin.HoldRelease, h admin.TopHold) undoing {
	return undoing{"the end of the pause of " + about, func(m model) question {
		add := admin.HoldAdd{Org: r.Org, Queue: r.Queue}
		q := m.pause(about, add)
		q.fields[0].value = ""
		if h.Until != nil && h.Until.After(m.now) {
			q.fields[0].value = h.Until.Sub(m.now).Round(time.Second).String()
		}
		if h.Reason != nil {
			q.fields[1].value = *h.Reason
		}
		return q
	}}
}

// Resetter gives an org the default of a limit back.
type Resetter interface {
	ResetLimits(ctx context.Context, r admin.LimitReset) (admin.One[admin.LimitResult], error)
}

// undoLimit gives an org the value back that it had: what was set for a time ends,
// a lasting value is set again, and what was the default is so again. Where the
// value before was one for a time too, what is left of that is the operator's to
// say.
func undoLimit(changer Changer, set admin.LimitSet, before []admin.Limit) undoing {
	for name := range set.Values {
		at := slices.IndexFunc(before, func(l admin.Limit) bool { return l.Name == name })
		if at < 0 || before[at].Source == admin.SourceTemporary {
			return undoing{}
		}
		what, old := "the limit of "+set.Org, limitOf(before, name)
		if set.LastsMS == 0 && before[at].Source == admin.SourceOwn {
			again := admin.LimitSet{Org: set.Org, Values: map[string]string{name: old}}
			return undoing{what, func(m model) question { return m.limitAgain(again, name, old) }}
		}
		resetter, ok := changer.(Resetter)
		if !ok {
			return undoing{}
		}
		reset := admin.LimitReset{Org: set.Org, Names: []string{name}, Temporary: set.LastsMS > 0}
		return undoing{what, func(m model) question { return m.resetLimit(resetter, reset, name, old) }}
	}
	return undoing{}
}

func (m model) limitAgain(set admin.LimitSet, name, value string) question {
	q, changer := m.ask1("Undo", "limit "+name+" of org "+set.Org), m.options.Changer
	return m.atOnce(q, []string{name + " becomes " + value + " again"}, func(ctx context.Context, q question) (string, error) {
		set.Reason = q.value("reason")
		answer, err := changer.SetLimits(ctx, set)
		return applied("limit of "+set.Org+" is "+value+" again", answer.Item.Applied), err //nolint:wrapcheck // The server's own words are for the operator.
	}, undoing{})
}

func (m model) resetLimit(resetter Resetter, r admin.LimitReset, name, value string) question {
	q := m.ask1("Undo", "limit "+name+" of org "+r.Org)
	return m.atOnce(q, []string{name + " becomes " + value + " again"}, func(ctx context.Context, q question) (string, error) {
		r.Reason = q.value("reason")
		answer, err := resetter.ResetLimits(ctx, r)
		return applied("limit of "+r.Org+" is "+value+" again", answer.Item.Applied), err //nolint:wrapcheck // The server's own words are for the operator.
	}, undoing{})
}

// Unmuter ends the silence about an alert.
type Unmuter interface {
	UnmuteAlert(ctx context.Context, id, reason string) (admin.One[admin.Alert], error)
}

func undoMute(changer Changer, id string) undoing {
	unmuter, ok := changer.(Unmuter)
	if !ok {
		return undoing{}
	}
	return undoing{"the silence about " + id, func(m model) question {
		q := m.ask1("Unmute", "alert "+brief(id))
		return m.atOnce(q, []string{"it is counted and announced again"}, func(ctx context.Context, q question) (string, error) {
			_, err := unmuter.UnmuteAlert(ctx, id, q.value("reason"))
			return "unmuted " + brief(id), err //nolint:wrapcheck // The server's own words are for the operator.
		}, undoing{})
	}}
}

// undoLast asks to take the last change of this session back.
func (m model) undoLast() (tea.Model, tea.Cmd) {
	if !m.undo.possible() {
		return m.say("this session has changed nothing that can be undone: `:ops` lists the others"), nil
	}
	return m.pose(m.undo.ask(m))
}
