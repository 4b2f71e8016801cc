package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/text"
)

// mostChoices is how many rows a menu has: a part of a name finds the others.
const mostChoices = 20

// talk leads through menus by number. The questions, what they count and when
// they are refused are those of the live view: it drives the same model, one
// step at a time.
type talk struct {
	m     model
	typed <-chan string
	done  <-chan struct{} // the program ends
	err   error           // of the output; it ends the talk
}

// newTalk begins a talk.
func newTalk(ctx context.Context, o Options, typed <-chan string) *talk {
	th := theme.New(theme.Options{Plain: true, ASCII: o.ASCII})
	th.Glyphs.Full, th.Glyphs.Rest, th.Glyphs.Rule, th.Glyphs.Frozen = "", "", "", "(paused)" // what is drawn cannot be said
	m := newModel(ctx, o, th, func() float64 { return 0 })
	m.width, m.height = plainWidth, plainWidth
	return &talk{m: m, typed: typed, done: ctx.Done()}
}

// errLeft ends a talk that somebody leaves.
var errLeft = errors.New("left")

// menu asks for a view, a row and what to do with it. It returns when that is
// done, or left.
func (t *talk) menu() error {
	err := t.choose()
	if errors.Is(err, errLeft) {
		t.say("Left: nothing was changed.")
		err = nil
	}
	if err == nil {
		t.say("Back to what changes. Enter says all of it again, m is the menu.")
	}
	return t.err
}

func (t *talk) say(line string) {
	if t.err == nil {
		t.err = say(t.m.options, line)
	}
}

// ask reads a line.
func (t *talk) ask(prompt string) (string, error) {
	t.say(prompt)
	if t.err != nil {
		return "", t.err
	}
	select {
	case line, ok := <-t.typed:
		if !ok {
			return "", io.EOF
		}
		return line, nil
	case <-t.done:
		return "", io.EOF
	}
}

// pick asks for one of some choices: by its number if it has been said, or by a
// part of its name if only one has it. The name is the words before the figures.
func (t *talk) pick(prompt string, choices []string) (int, error) {
	for {
		t.say(prompt)
		for i, c := range choices[:min(len(choices), mostChoices)] {
			t.say(fmt.Sprintf("%d. %s", i+1, c))
		}
		more := ""
		if n := len(choices) - mostChoices; n > 0 {
			more = fmt.Sprintf(", or a part of the name of one of %d more", n)
		}
		line, err := t.ask("A number" + more + "; 0 leaves:")
		switch {
		case err != nil:
			return 0, err
		case line == "0" || line == "":
			return 0, errLeft
		}
		found := named(choices, line)
		switch n, err := strconv.Atoi(line); {
		case err == nil && n >= 1 && n <= min(len(choices), mostChoices):
			return n - 1, nil
		case err == nil && (n <= len(choices) || len(found) != 1 || nameOf(choices[found[0]]) != line):
			t.say(fmt.Sprintf("%s is none of the numbers 1 to %d: once more.", brief(line), min(len(choices), mostChoices)))
		case len(found) == 1:
			return found[0], nil
		default:
			t.say(fmt.Sprintf("%s means %d of them: once more.", brief(line), len(found)))
		}
	}
}

// named finds the choices of a name, or else those that have it as a part of theirs.
func named(choices []string, name string) (found []int) {
	name = strings.ToLower(name)
	for i, c := range choices {
		switch has := strings.ToLower(nameOf(c)); {
		case has == name:
			return []int{i}
		case strings.Contains(has, name):
			found = append(found, i)
		}
	}
	return found
}

// nameOf is a choice without its figures.
func nameOf(choice string) string {
	name, _, _ := strings.Cut(choice, ", ")
	return name
}

// places are the views that have something to do, in words.
func (t *talk) places() (at []int, words []string) {
	for i, v := range t.m.views[1:] {
		if looks, changes := t.m.keys.Hints(v.Name()); len(looks)+len(changes) > 0 {
			at, words = append(at, i+1), append(words, v.Name())
		}
	}
	return at, words
}

func (t *talk) choose() error {
	t.m.at, t.m.before, t.m.toast, t.m.story = 0, nil, "", t.m.story.closed()
	t.m = t.do(t.m, t.m.ask(t.m.connection.number))
	if t.m.connection.err != nil {
		t.say("No answer: " + reason(t.m.connection.err) + ".")
		return t.err
	}
	places, words := t.places()
	if t.m.undo.possible() {
		words = append(words, "Undo "+t.m.undo.what)
	}
	n, err := t.pick("What is it about?", words)
	if err != nil {
		return err
	}
	if n == len(places) {
		return t.ends(t.m.undoLast)
	}
	t.m = t.m.visit(places[n])
	if t.m.at == jobsView {
		next, cmd := t.m.askJobs(false)
		t.m = t.do(next, cmd)
	}
	ids, rows := t.m.view().Spoken(t.m.theme)
	if len(rows) == 0 {
		t.say("There is nothing in it now.")
		return nil
	}
	if n, err = t.pick(t.m.view().Name()+", worst first:", rows); err != nil {
		return err
	}
	var v screen.View
	t.m, v = t.m.change(t.m.at)
	v.Point(ids[n])
	return t.act(nameOf(rows[n]))
}

// act asks what to do with the row, and does it.
func (t *talk) act(name string) error {
	var can []keys.Binding
	words := []string{"tell more of it"}
	_, changes := t.m.keys.Hints(t.m.view().Name())
	for _, b := range changes {
		if b.Action != keys.Undo || t.m.undo.possible() {
			can, words = append(can, b), append(words, b.Help)
		}
	}
	n, err := t.pick("What to do with "+name+"?", words)
	if err != nil {
		return err
	}
	if n == 0 {
		return t.more()
	}
	return t.ends(func() (tea.Model, tea.Cmd) { return t.m.act(can[n-1].Action) })
}

// ends poses a question and leads through it.
func (t *talk) ends(pose func() (tea.Model, tea.Cmd)) error {
	t.step(pose())
	return t.question()
}

// step takes the next model and runs what it asks for.
func (t *talk) step(next tea.Model, cmd tea.Cmd) {
	if m, ok := next.(model); ok {
		t.m = t.do(m, cmd)
	}
}

// more says what is behind the row.
func (t *talk) more() error {
	if t.m.at == jobsView {
		t.step(t.m.openStory(t.m.view().Cursor()))
	} else {
		t.step(t.m.openRow())
	}
	lines := t.m.storyText()
	if !t.m.story.open() {
		_, lines = t.m.view().Spoken(t.m.theme)
		t.say(fmt.Sprintf("%d jobs:", len(lines)))
	}
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			t.say(line)
		}
	}
	return t.err
}

// question leads through a question to its end.
func (t *talk) question() error {
	for t.m.question.open() {
		q := t.m.question
		if q.failed != "" {
			t.say("No: " + q.failed + ".")
		}
		prompt := t.prompt(q)
		line, err := t.ask(prompt)
		if err != nil {
			return err
		}
		if line != "" || !q.filling() {
			t.m.question = q.set(func(string) string { return strings.TrimPrefix(line, "-") })
		}
		next, cmd := t.m.enterQuestion()
		if m, ok := next.(model); ok && m.question.busy {
			t.say("One moment.")
		}
		t.step(next, cmd)
	}
	if said := strings.Replace(t.m.toast, t.m.keys.Key(keys.Undo)+" undoes it", "The menu undoes it", 1); said != "" {
		t.say(strings.ToUpper(said[:1]) + said[1:] + ".")
	}
	return t.err
}

// prompt is what a question wants now, in words.
func (t *talk) prompt(q question) string {
	if q.filling() {
		f := q.fields[q.at]
		prompt := f.name
		if f.hint != "" {
			prompt += " (" + f.hint + ")"
		}
		if f.value != "" {
			return prompt + ". Enter alone is " + f.value + ", a minus is nothing:"
		}
		return prompt + ". Enter alone is nothing:"
	}
	t.say(strings.TrimSpace(text.Clean(t.m.where().Text)) + ": " + q.verb + " " + q.about + ".")
	for _, line := range q.lines {
		t.say(line + ".")
	}
	for _, line := range q.warning {
		t.say("Warning: " + line + ".")
	}
	return "Type " + q.phrase + " and Enter to do it. Enter alone leaves everything as it is:"
}

// do runs what the model asks for and has it take the answers.
func (t *talk) do(m model, cmd tea.Cmd) model {
	if cmd == nil {
		return m
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, part := range msg {
			m = t.do(m, part)
		}
		return m
	case nil, armedMsg:
		return m
	default:
		next, _ := m.Update(msg)
		m, _ = next.(model)
		return m
	}
}
