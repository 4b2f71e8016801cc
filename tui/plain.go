package tui

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/text"
	"github.com/bandeja/inboxd/tui/triage"
)

// plain tells in sentences how things are, and then what changes: frames, bars
// and lines that are drawn anew are noise to a screen reader. Enter says all of
// it again; what can be done is chosen from menus.
func plain(ctx context.Context, o Options) error {
	t := &teller{o: o, told: map[string]string{}}
	if o.Once {
		if err := say(o, "Plain view of "+brief(o.Target)+"."); err != nil {
			return err
		}
		return t.tell(ctx)
	}
	hint := "Plain view of " + brief(o.Target) + ": all of it once, then only what changes. Enter says all of it again, m is the menu, q ends it."
	if err := say(o, hint); err != nil {
		return err
	}
	typed := typedLines(ctx, o.In)
	talk := newTalk(ctx, o, typed)
	ticker := time.NewTicker(o.Interval)
	defer ticker.Stop()
	for {
		if err := t.tell(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		case line, ok := <-typed:
			switch {
			case !ok: // nobody types any more
				typed = nil
			case line == "q" || line == "quit":
				return nil
			case line == "m" || line == "menu":
				if err := talk.menu(); err != nil { //nolint:contextcheck // The model has a context of its own.
					return err
				}
			case line == "":
				t.told = map[string]string{}
			default:
				if err := say(o, "Enter says all of it again, m is the menu, q ends it."); err != nil {
					return err
				}
			}
		}
	}
}

// typedLines are the lines that somebody types, without blanks around them. It
// reads on until the input or the program ends.
func typedLines(ctx context.Context, in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			select {
			case lines <- strings.TrimSpace(scanner.Text()):
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

// teller knows what has been told.
type teller struct {
	o    Options
	told map[string]string // text by what it is about
	lost bool              // the server did not answer last time
	ever bool              // it has answered once
}

// tell asks the server and says what is new and what is over. A server that was
// never there is an error; one that has gone is said once.
func (t *teller) tell(ctx context.Context) error {
	asked, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	answer, err := t.o.Source.Top(asked, 0)
	switch {
	case err != nil && (t.o.Once || !t.ever):
		return err //nolint:wrapcheck // The source's own words are for the operator.
	case err != nil && !t.lost:
		t.lost = true
		return say(t.o, "No answer: "+reason(err)+". What was said before is old.")
	case err != nil:
		return nil
	case t.lost:
		t.lost = false
		if err := say(t.o, "The server answers again."); err != nil {
			return err
		}
	}
	t.ever = true
	now := sentences(clean(answer.Item))
	for _, line := range changed(t.told, now, t.o.Now().UTC().Format("15:04:05Z")) {
		if err := say(t.o, line); err != nil {
			return err
		}
	}
	t.told = map[string]string{}
	for _, s := range now {
		t.told[s.about] = s.text
	}
	return nil
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
