package tui

import (
	"fmt"
	"io"
	"os"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
)

// environment is where this is, as large as it is written everywhere: production
// must not look like anything else.
func (m model) environment() string { return strings.ToUpper(m.shown.answer.Item.Environment) }

// where is the badge of the environment, for the first line and for questions;
// without one it is the address of the server.
func (m model) where() widget.Segment {
	env := m.environment()
	switch {
	case env == "":
		return widget.Segment{Text: brief(m.options.Target), Role: theme.Title}
	case strings.Contains(env, "PROD"):
		return widget.Segment{Text: " " + env + " ", Role: theme.Production}
	}
	return widget.Segment{Text: " " + env + " ", Role: theme.Badge}
}

// title is that of the window: which of several it is, and whether to look.
func (m model) title() string {
	words := []string{"inboxctl top"}
	if env := m.environment(); env != "" {
		words = append([]string{env}, words...)
	}
	if critical, warning := screen.AlertCounts(m.shown.answer.Item.Alerts); critical > 0 {
		words = append(words, fmt.Sprintf("%d crit", critical))
	} else if warning > 0 {
		words = append(words, fmt.Sprintf("%d warn", warning))
	}
	return strings.Join(words, " ")
}

// retitle names the window anew if it has another name.
func (m model) retitle() (model, tea.Cmd) {
	title := m.title()
	if title == m.titled || os.Getenv("TERM") == "linux" { // a console has no windows
		return m, nil
	}
	m.titled = title
	return m, tea.SetWindowTitle(title)
}

// Terminals keep the titles of windows on a stack, as xterm does; those that do
// not ignore this.
const (
	pushTitle = "\x1b[22;2t"
	popTitle  = "\x1b[23;2t"
)

// keepTitle remembers the window's name and returns what gives it back.
func keepTitle(out io.Writer) (restore func()) {
	if os.Getenv("TERM") == "linux" {
		return func() {}
	}
	_, _ = io.WriteString(out, pushTitle)
	return func() { _, _ = io.WriteString(out, popTitle) }
}
