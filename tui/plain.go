package tui

import (
	"context"
	"fmt"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/text"
	"github.com/bandeja/inboxd/tui/triage"
)

// plain tells in sentences how things are, and then what changes: frames, bars
// and lines that are drawn anew are noise to a screen reader.
func plain(ctx context.Context, o Options) error {
	if err := say(o, "Plain view of "+brief(o.Target)+": all of it once, then only what changes. Control-C ends it."); err != nil {
		return err
	}
	told, lost := map[string]string{}, false
	tellOnce := func() error {
		asked, cancel := context.WithTimeout(ctx, questionTimeout)
		defer cancel()
		answer, err := o.Source.Top(asked, 0)
		switch {
		case err != nil && (o.Once || len(told) == 0 && !lost): // a server that was never there
			return err //nolint:wrapcheck // The source's own words are for the operator.
		case err != nil && !lost:
			lost = true
			return say(o, "No answer: "+reason(err)+". What was said before is old.")
		case err != nil:
			return nil
		case lost:
			lost = false
			if err := say(o, "The server answers again."); err != nil {
				return err
			}
		}
		now := sentences(clean(answer.Item))
		for _, line := range changed(told, now, o.Now().UTC().Format("15:04:05Z")) {
			if err := say(o, line); err != nil {
				return err
			}
		}
		told = map[string]string{}
		for _, s := range now {
			told[s.about] = s.text
		}
		return nil
	}
	if o.Once {
		return tellOnce()
	}
	return repeat(ctx, o.Interval, tellOnce)
}

// sentence is one thing to say. Figures that always move are in Text only, and
// do not count as a change.
type sentence struct{ about, text string }

// changed is what to say after what has been told.
func changed(told map[string]string, now []sentence, at string) (lines []string) {
	first := len(told) == 0
	still := map[string]bool{}
	for _, s := range now {
		still[s.about] = true
		if _, ok := told[s.about]; first || !ok {
			line := s.text
			if !first {
				line = at + " new: " + line
			}
			lines = append(lines, line)
		}
	}
	for about, was := range told {
		if !still[about] {
			lines = append(lines, at+" over: "+was)
		}
	}
	return lines
}

func sentences(t admin.Top) (all []sentence) {
	add := func(about, format string, args ...any) {
		all = append(all, sentence{about, fmt.Sprintf(format, args...)})
	}
	v := t.Vitals
	add("vitals", "%s: %d jobs wait, %d of %d slots are busy.", t.Environment, v.Depth, v.SlotsBusy, v.Slots)
	for _, p := range t.Parts {
		if !p.OK {
			add("part "+p.Name, "%s does not answer.", p.Name)
		}
	}
	for _, a := range t.Alerts {
		if a.Muted == nil {
			add("alert "+a.ID, "%s: %s, %s, %s.", a.Severity, a.Rule, a.Scope, a.Text)
		}
	}
	for _, q := range t.Queues {
		if q.OldestReadyMS != nil && *q.OldestReadyMS >= triage.TooOld.Milliseconds() && q.Paused == nil {
			add("old "+q.ID, "Queue %s: %d ready, the oldest for %s.", q.Name, q.Ready, text.Millis(float64(*q.OldestReadyMS)))
		}
		if q.Paused != nil {
			add("paused "+q.ID, "Queue %s is paused by %s.", q.Name, q.Paused.Owner)
		}
		if q.Dead > 0 {
			add("dead "+q.ID, "Queue %s: %d dead.", q.Name, q.Dead)
		}
		if q.Uncertain > 0 {
			add("uncertain "+q.ID, "Queue %s: %d uncertain.", q.Name, q.Uncertain)
		}
	}
	for _, u := range t.Users {
		if u.Met != nil && *u.Met < u.Objective {
			add("sla "+u.ID, "SLA of %s at %s: %s, the goal is %s.", u.Name, u.Org, screen.Percent(*u.Met), screen.Percent(u.Objective))
		}
	}
	for _, w := range t.Workers {
		if w.State != "ok" {
			add(w.State+" "+w.ID, "Process %s on %s is %s.", w.ID, w.Host, w.State)
		}
	}
	return all
}
