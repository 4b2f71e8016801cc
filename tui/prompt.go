package tui

import (
	"strings"
	"unicode"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/tui/internal/keys"
)

// prompt is the line somebody types into: `/` filters what is shown, `:` goes
// somewhere.
type prompt struct {
	sign string // "/", ":" or "": closed
	text string
}

func (p prompt) open() bool { return p.sign != "" }

// mostPrompt is how much can be typed, in runes.
const mostPrompt = 200

// completions are the words a command can begin with, as far as it is typed.
func (p prompt) completions() (words []string) {
	if strings.Contains(p.text, " ") {
		return nil
	}
	for _, word := range append(ViewNames(), "job", "ops", "errors", "help", "quit") {
		if strings.HasPrefix(word, strings.ToLower(p.text)) {
			words = append(words, word)
		}
	}
	return words
}

// takePrompt is a key while the prompt is open: nothing else gets it.
func (m model) takePrompt(msg tea.KeyMsg) (tea.Model, tea.Cmd) {
	switch msg.String() {
	case "esc", "ctrl+c":
		if m.prompt.sign == "/" && !m.story.open() {
			m = m.find("")
		}
		m.prompt = prompt{}
		return m, nil
	case "enter":
		return m.enterPrompt()
	case "backspace":
		if r := []rune(m.prompt.text); len(r) > 0 {
			m.prompt.text = string(r[:len(r)-1])
		}
	case "tab":
		if m.prompt.sign == ":" && len(m.prompt.completions()) > 0 {
			m.prompt.text = m.prompt.completions()[0] + " "
		}
	case "ctrl+u":
		m.prompt.text = ""
	default:
		for _, r := range msg.Runes {
			if unicode.IsPrint(r) && len([]rune(m.prompt.text)) < mostPrompt {
				m.prompt.text += string(r)
			}
		}
	}
	toServer := m.at == jobsView && strings.ContainsAny(m.prompt.text, ":=")
	if m.prompt.sign == "/" && !m.story.open() && !toServer {
		m = m.find(m.prompt.text)
	}
	return m, nil
}

// enterPrompt goes where the prompt says, or keeps the filter.
func (m model) enterPrompt() (tea.Model, tea.Cmd) {
	p := m.prompt
	m.prompt = prompt{}
	if p.sign == ":" {
		return m.command(p.text)
	}
	if p.text != "" {
		m.sought = p.text
	}
	if m.story.open() {
		return m.seek(0)
	}
	if m.at == jobsView && strings.ContainsAny(p.text, ":=") {
		return m.find("").command("jobs " + p.text)
	}
	return m, nil
}

// find narrows the view that is shown.
func (m model) find(text string) model {
	m, v := m.change(m.at)
	v.Find(strings.TrimSpace(text), m.now)
	return m
}

// seek goes to the next place with what was searched for: a row, or a line of
// what is open. Step 0 begins with where one is.
func (m model) seek(step int) (tea.Model, tea.Cmd) {
	switch {
	case m.sought == "":
		return m.say("search with " + m.keys.Key(keys.Filter) + " first"), nil
	case m.story.open():
		next, ok := m.story.seek(m.storyText(), m.sought, step)
		if m.story = next; !ok {
			return m.say("nothing here holds " + m.sought), nil
		}
		return m, nil
	}
	m, v := m.change(m.at)
	if !v.Seek(m.sought, step, m.now) {
		return m.say("no row holds " + m.sought), nil
	}
	return m.askForDetail()
}

// command does what was typed after the colon: a view's word, `jobs` with a
// selector, or `q`.
func (m model) command(line string) (tea.Model, tea.Cmd) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return m, nil
	}
	switch words[0] {
	case "q", "quit", "exit":
		return m.leave(":" + words[0])
	case "help":
		m.help = true
		return m, nil
	case "ops", "operations":
		return m.operations()
	case "errors":
		return m.errorsBehind()
	case "job":
		if len(words) == 2 {
			return m.visit(jobsView).openStory(words[1])
		}
		return m.say("write the id of the job: `:job 4711`"), nil
	}
	start, err := ParseStart(words)
	if err != nil {
		return m.say(err.Error()), nil
	}
	return m.goTo(start)
}
