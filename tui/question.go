package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/tui/internal/keys"
	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
)

// deadTime is how long a question that has just appeared takes no answer: keys
// meant for what was there before must not confirm it.
const deadTime = 300 * time.Millisecond

// question is a change that waits for somebody's word. What it is about was
// fixed when the key was pressed: rows that move meanwhile change nothing. The
// zero value is closed.
type question struct {
	number  int // tells answers of the server to this question from older ones
	verb    string
	about   string
	view    string          // whose rows it is about
	rows    map[string]bool // their ids
	op      string          // the operation that was planned; empty: it is none
	asked   time.Time
	fields  []field // to be filled in first
	at      int     // the field that is typed into
	lines   []string
	warning []string
	phrase  string // what must be typed to agree; "" while it is not known: nothing agrees
	typed   string
	failed  string
	agreed  bool                              // the server is at it: it goes on whatever happens here
	busy    bool                              // the server counts, or works
	plan    func(q question) (tea.Cmd, error) // asks the server what would happen; nil: once counted
	commit  func() tea.Cmd
}

// field is something to fill in.
type field struct {
	name, value, hint string
}

func (q question) open() bool { return q.verb != "" }

// armed reports whether it takes an answer; the cursor in it says so.
func (q question) armed(now time.Time) bool { return now.Sub(q.asked) >= deadTime }

// arm draws the question again once it takes an answer.
func (m model) arm() tea.Cmd {
	return tea.Tick(deadTime, func(time.Time) tea.Msg { return armedMsg{} })
}

type armedMsg struct{}

// value returns what was filled into a field.
func (q question) value(name string) string {
	for _, f := range q.fields {
		if f.name == name {
			return strings.TrimSpace(f.value)
		}
	}
	return ""
}

// has reports whether there is a field of a name.
func (q question) has(name string) bool {
	return slices.ContainsFunc(q.fields, func(f field) bool { return f.name == name })
}

// filling reports whether fields are still to be filled in.
func (q question) filling() bool { return q.at < len(q.fields) }

// takeQuestion is a key while a question is open: nothing else gets it. Enter
// alone never agrees; a paste never does.
func (m model) takeQuestion(msg tea.KeyMsg) (tea.Model, tea.Cmd) {
	q := m.question
	switch {
	case q.agreed && (msg.String() == "esc" || msg.String() == "ctrl+c"):
		m.question = question{number: q.number}
		return m.say("it goes on, and what comes of it is said here"), nil
	case msg.String() == "esc" || msg.String() == "ctrl+c":
		m.question = question{number: q.number}
		return m.say("nothing was changed"), nil
	case !q.armed(m.now) || msg.Paste || q.busy:
		return m, nil
	case msg.String() == "enter":
		return m.enterQuestion()
	case q.filling() && (msg.String() == "up" || msg.String() == "shift+tab"):
		q.at = max(q.at-1, 0)
	case q.filling() && (msg.String() == "down" || msg.String() == "tab"):
		q.at = min(q.at+1, len(q.fields)-1)
	case msg.String() == "backspace":
		q = q.set(func(s string) string {
			r := []rune(s)
			return string(r[:max(len(r)-1, 0)])
		})
	case msg.Type == tea.KeyRunes || msg.Type == tea.KeySpace:
		q = q.set(func(s string) string {
			r := append([]rune(s), slices.DeleteFunc(slices.Clone(msg.Runes), func(r rune) bool { return !unicode.IsPrint(r) })...)
			return string(r[:min(len(r), mostPrompt)])
		})
	}
	m.question = q
	return m, nil
}

// set changes what is being typed, without touching what an older model draws.
func (q question) set(change func(string) string) question {
	if !q.filling() {
		q.typed = change(q.typed)
		return q
	}
	fields := append([]field{}, q.fields...)
	fields[q.at].value = change(fields[q.at].value)
	q.fields = fields
	return q
}

// enterQuestion goes to the next field, has the server count, or agrees.
func (m model) enterQuestion() (tea.Model, tea.Cmd) {
	q := m.question
	switch {
	case q.filling():
		q.at++
		if !q.filling() {
			return m.count(q)
		}
	case q.phrase != "" && strings.TrimSpace(q.typed) == q.phrase:
		q.busy, q.agreed = true, true
		m.question = q
		m = m.agreed(q)
		if q.op != "" {
			m = m.note(begun{id: q.op, what: q.verb + " " + q.about})
		}
		return m, q.commit()
	case q.typed == "":
		m.question = question{number: q.number}
		return m.say("nothing was changed"), nil
	default:
		q.failed = "that is not " + q.phrase + ": nothing was changed"
		q.typed = ""
	}
	m.question = q
	return m, nil
}

// count asks the server what the change would come to.
func (m model) count(q question) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	err := m.protected(q)
	if err == nil {
		cmd, err = q.plan(q)
	}
	if err != nil { // what was filled in is wrong: once more
		q.at, q.failed = 0, err.Error()
		m.question = q
		return m, nil
	}
	q.busy, q.failed = true, ""
	m.question = q
	return m, cmd
}

// protected says what a protected context misses in a question.
func (m model) protected(q question) error {
	if m.options.Protected != "" && q.value("reason") == "" {
		return fmt.Errorf("write a reason: the context %s is protected", m.options.Protected)
	}
	return nil
}

// countedMsg is what a change would come to.
type countedMsg struct {
	number  int
	lines   []string
	warning []string
	phrase  string // to agree; "": there is nothing to do
	op      string // the operation that was planned; empty: it is none
	commit  func() tea.Cmd
	err     error
}

func (m model) takeCounted(msg countedMsg) model {
	q := m.question
	if !q.open() || msg.number != q.number {
		return m
	}
	q.busy, q.asked = false, m.now
	switch {
	case msg.err != nil:
		m.question = question{number: q.number}
		return m.insist(q.verb + ": " + reason(msg.err))
	case msg.phrase == "":
		m.question = question{number: q.number}
		return m.say(q.verb + ": " + brief(strings.Join(msg.lines, " ")))
	}
	q.lines, q.warning, q.phrase, q.commit, q.op = msg.lines, msg.warning, msg.phrase, msg.commit, msg.op
	if m.options.Protected != "" { // its name is typed, as on the command line
		q.phrase = m.options.Protected
	}
	m.question = q
	return m
}

// committedMsg is what came of a change.
type committedMsg struct {
	number int
	text   string
	undo   undoing
	op     string // the operation whose end this is; empty: none
	end    string // what has come of that
	err    error
	story  drawing // what came to light
	of     int     // number of the story that it is for
}

func (m model) takeCommitted(msg committedMsg) model {
	if msg.number == m.question.number {
		m.question = question{number: m.question.number}
	}
	if msg.err == nil {
		m.undo = msg.undo
	}
	if msg.op != "" {
		m = m.ended(msg.op, msg.end, msg.undo.possible())
	}
	m = m.done()
	if msg.story != nil && m.story.open() && msg.of == m.story.number { // and is not asked for again
		m.story.drawn, m.story.ask, m.story.busy = msg.story, nil, false
	}
	m.connection.due, m.jobs.due = time.Time{}, true // show what it did at once
	switch {
	case msg.err != nil:
		return m.insist(reason(msg.err))
	case msg.undo.possible():
		return m.say(msg.text + ". " + m.keys.Key(keys.Undo) + " undoes it")
	}
	return m.say(msg.text)
}

// draw is the dialog in the middle of the body.
func (q question) draw(th theme.Theme, where widget.Segment, now time.Time, width, height int) []string {
	prompt := ""
	if q.armed(now) {
		prompt = "_"
	}
	inner := min(max(width-8, 20), 84)
	var lines []string
	add := func(role theme.Role, s string) {
		for _, line := range screen.Wrap(" ", s, inner-2) {
			lines = append(lines, widget.Line(th, inner-2, "", widget.Segment{Text: line, Role: role}))
		}
	}
	lines = append(lines, widget.Line(th, inner-2, "", widget.Segment{Text: " "}, where), "")
	add(theme.Title, q.verb+" "+q.about)
	for i, f := range q.fields {
		cursor := ""
		if i == q.at {
			cursor = prompt
		}
		hint := ""
		if f.value == "" && f.hint != "" {
			hint = "  (" + f.hint + ")"
		}
		lines = append(lines, widget.Line(th, inner-2, "", widget.Segment{Text: fmt.Sprintf(" %-8s %s%s%s", f.name+":", f.value, cursor, hint)}))
	}
	lines = append(lines, "")
	switch {
	case q.filling():
		add(theme.Dim, "Enter goes on, Up goes back, Esc leaves everything as it is")
	case q.busy && q.phrase == "":
		add(theme.Plain, "counting"+th.Glyphs.Ellipsis)
	case q.busy:
		add(theme.Plain, "doing it"+th.Glyphs.Ellipsis)
	default:
		for _, l := range q.lines {
			add(theme.Plain, l)
		}
		for _, w := range q.warning {
			add(theme.Warn, "! "+w)
		}
		lines = append(lines[:min(len(lines), max(height-belowQuestion, 2))], "") // what is to be typed has its room
		add(theme.Title, "type "+q.phrase+" and Enter to do it: "+q.typed+prompt)
		add(theme.Dim, "Esc, or Enter alone, leaves everything as it is")
	}
	if q.failed != "" {
		add(theme.Warn, q.failed)
	}
	box := widget.Panel(th, "", true, lines, inner, min(len(lines)+2, height))
	return center(box, width, height, inner)
}

// belowQuestion are the lines of a question after its numbers, with the frame: an
// empty one, what is to be typed, how to leave, what was wrong.
const belowQuestion = 6

func center(box []string, width, height, inner int) []string {
	left := strings.Repeat(" ", max((width-inner)/2, 0))
	out := make([]string, 0, height)
	for range max((height-len(box))/3, 0) {
		out = append(out, "")
	}
	for _, line := range box {
		out = append(out, left+line)
	}
	return out
}
