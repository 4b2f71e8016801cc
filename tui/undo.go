package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/admin"
)

// undoing is how the last change can be taken back. The zero value cannot.
type undoing struct {
	what string                                 // "the pause of queue whatsapp"
	ask  func(m model) (q question, why string) // why it is too late
}

func (u undoing) possible() bool { return u.ask != nil }

// undoOperation takes back an operation.
func undoOperation(id string) undoing {
	return undoing{"operation " + id, func(m model) (question, string) {
		return m.operation("Undo", "operation "+id, admin.PlanRequest{Kind: admin.OpUndo, Undo: id}), ""
	}}
}

// undoPause ends the hold that a pause has made, and no other.
func undoPause(about string, h admin.HoldAdd, made []admin.Hold) undoing {
	if len(made) != 1 {
		return undoing{}
	}
	return undoing{"the pause of " + about, func(m model) (question, string) {
		hold := admin.TopHold{ID: made[0].ID, Owner: made[0].Owner, Reason: made[0].Reason, Since: made[0].CreatedAt, Until: made[0].ExpiresAt}
		return m.resume(about, admin.HoldRelease{Org: h.Org, Queue: h.Queue, Hold: hold.ID}, hold), ""
	}}
}

// undoResume pauses again, for as long as was left, with the same reason. Where
// nothing is left there is nothing to pause: it must not become one without end.
func undoResume(about string, r admin.HoldRelease, h admin.TopHold) undoing {
	return undoing{"the end of the pause of " + about, func(m model) (question, string) {
		q := m.pause(about, admin.HoldAdd{Org: r.Org, Queue: r.Queue})
		q.fields[0].value = ""
		if h.Until != nil {
			left := h.Until.Sub(m.now).Round(time.Second)
			if left <= 0 {
				return question{}, "that pause would be over by now: nothing to take back"
			}
			q.fields[0].value = left.String()
		}
		if h.Reason != nil {
			q.fields[1].value = *h.Reason
		}
		return q, ""
	}}
}

// Resetter gives an org the default of a limit back.
type Resetter interface {
	ResetLimits(ctx context.Context, r admin.LimitReset) (admin.One[admin.LimitResult], error)
}

// undoLimit gives an org the value back that it had: what was set for a time ends,
// a lasting value is set again, and what was the default is so again. Where the
// value before was one for a time too, what is left of that is the operator's to
// say. What somebody else has set since stays.
func undoLimit(changer Changer, set admin.LimitSet, r admin.LimitResult) undoing {
	for name := range set.Values {
		was, before := limitNamed(r.Before, name)
		made, after := limitNamed(r.Limits, name)
		if !before || !after || was.Source == admin.SourceTemporary {
			return undoing{}
		}
		back := func(ctx context.Context, dry bool, reason string) (admin.One[admin.LimitResult], error) {
			return changer.SetLimits(ctx, admin.LimitSet{Org: set.Org, Values: map[string]string{name: limitOf(r.Before, name)}, DryRun: dry, Reason: reason})
		}
		if set.LastsMS > 0 || was.Source != admin.SourceOwn {
			resetter, ok := changer.(Resetter)
			if !ok {
				return undoing{}
			}
			back = func(ctx context.Context, dry bool, reason string) (admin.One[admin.LimitResult], error) {
				return resetter.ResetLimits(ctx, admin.LimitReset{Org: set.Org, Names: []string{name}, Temporary: set.LastsMS > 0, DryRun: dry, Reason: reason})
			}
		}
		return undoing{"the limit of " + set.Org, func(m model) (question, string) { return m.limitBack(set.Org, made, back), "" }}
	}
	return undoing{}
}

// limitBack is the question of a limit as it was. Made is what this session has
// set; back does it, or says what it would come to.
func (m model) limitBack(org string, made admin.Limit, back func(ctx context.Context, dry bool, reason string) (admin.One[admin.LimitResult], error)) question {
	q := m.ask1("Undo", "limit "+made.Name+" of org "+org)
	return m.stillOurs(q, func(ctx context.Context, q question) ([]string, error) {
		dry, err := back(ctx, true, q.value("reason"))
		if err != nil {
			return nil, err
		}
		now, _ := limitNamed(dry.Item.Before, made.Name)
		if !sameLimit(now, made) {
			return nil, fmt.Errorf("it is now %s by %s, not what this session has set: it stays", limitOf(dry.Item.Before, made.Name), ownerOf(now.Owner))
		}
		return []string{
			"now " + limitOf(dry.Item.Before, made.Name) + " by " + ownerOf(now.Owner),
			made.Name + " becomes " + limitOf(dry.Item.Limits, made.Name) + " again",
		}, nil
	}, func(ctx context.Context, q question) (string, error) {
		answer, err := back(ctx, false, q.value("reason"))
		return applied("limit of "+org+" is "+limitOf(answer.Item.Limits, made.Name)+" again", answer.Item.Applied), err
	})
}

func limitNamed(limits []admin.Limit, name string) (admin.Limit, bool) {
	at := slices.IndexFunc(limits, func(l admin.Limit) bool { return l.Name == name })
	if at < 0 {
		return admin.Limit{Name: name}, false
	}
	return limits[at], true
}

// sameLimit reports whether two are of one change: the same value of another hand,
// or of another time, is another's.
func sameLimit(a, b admin.Limit) bool {
	return equal(a.Value, b.Value) && equal(a.WindowMS, b.WindowMS) && a.Source == b.Source && equal(a.Owner, b.Owner) && sameTime(a.SetAt, b.SetAt)
}

func equal[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// sameTime also holds for a time and what a database has kept of it.
func sameTime(a, b *time.Time) bool {
	return a == b || a != nil && b != nil && a.Sub(*b).Abs() < time.Millisecond
}

// ownerOf is who has done something, in words.
func ownerOf(who *string) string {
	if who == nil || *who == "" {
		return "nobody"
	}
	return brief(*who)
}

// stillOurs completes the question of an undo: counting looks whether what this
// session has set is still there, and so does doing it, for time passes between.
func (m model) stillOurs(q question, look func(ctx context.Context, q question) ([]string, error), do func(ctx context.Context, q question) (string, error)) question {
	q.plan = func(q question) (tea.Cmd, error) {
		return m.work(questionTimeout, func(ctx context.Context) tea.Msg {
			lines, err := look(ctx, q)
			return countedMsg{number: q.number, err: err, phrase: "y", lines: lines, commit: func() tea.Cmd { //nolint:contextcheck // It is done after the count has ended, with the context of the program.
				return m.work(admin.AppliedTime+questionTimeout, func(ctx context.Context) tea.Msg {
					if _, err := look(ctx, q); err != nil {
						return committedMsg{number: q.number, err: err}
					}
					text, err := do(ctx, q)
					return committedMsg{number: q.number, text: text, err: err}
				})
			}}
		}), nil
	}
	return q
}

// Unmuter ends the silence about an alert, and knows who has ordered it.
type Unmuter interface {
	Alerts(ctx context.Context, f admin.AlertFilter) (admin.List[admin.Alert], error)
	UnmuteAlert(ctx context.Context, id, reason string) (admin.One[admin.Alert], error)
}

// undoMute ends the silence that this session has ordered, and no other.
func undoMute(changer Changer, made admin.Alert) undoing {
	unmuter, ok := changer.(Unmuter)
	if !ok {
		return undoing{}
	}
	return undoing{"the silence about " + made.ID, func(m model) (question, string) {
		return m.stillOurs(m.ask1("Unmute", "alert "+brief(made.ID)), func(ctx context.Context, _ question) ([]string, error) {
			all, err := unmuter.Alerts(ctx, admin.AlertFilter{})
			if err != nil {
				return nil, err //nolint:wrapcheck // The server's own words are for the operator.
			}
			at := slices.IndexFunc(all.Items, func(a admin.Alert) bool { return a.ID == made.ID })
			switch {
			case at < 0 || all.Items[at].Muted == nil:
				return nil, errors.New("it is not muted any more: nothing to take back")
			case !equal(all.Items[at].MutedBy, made.MutedBy) || !sameTime(all.Items[at].Muted, made.Muted):
				return nil, fmt.Errorf("it is now muted by %s, not by this session: it stays", ownerOf(all.Items[at].MutedBy))
			}
			return []string{"now muted by " + ownerOf(made.MutedBy), "it is counted and announced again"}, nil
		}, func(ctx context.Context, q question) (string, error) {
			_, err := unmuter.UnmuteAlert(ctx, made.ID, q.value("reason"))
			return "unmuted " + brief(made.ID), err //nolint:wrapcheck // The server's own words are for the operator.
		}), ""
	}}
}

// undoLast asks to take the last change of this session back.
func (m model) undoLast() (tea.Model, tea.Cmd) {
	if !m.undo.possible() {
		return m.say("this session has changed nothing that can be undone: `:ops` lists the others"), nil
	}
	q, why := m.undo.ask(m)
	if why != "" {
		return m.say(why), nil
	}
	return m.pose(q)
}
