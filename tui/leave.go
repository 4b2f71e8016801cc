package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/tui/text"
)

// begun is an operation that this session has agreed to.
type begun struct {
	id   string
	what string // "Retry dead jobs of queue whatsapp"
	over bool   // its end has been seen
	undo bool   // it can be undone
}

// leave ends the view.
func (m model) leave(key string) (tea.Model, tea.Cmd) {
	m.left = "left with " + key
	return m, tea.Quit
}

// mostBegun is how many operations are named at the end: the last ones.
const mostBegun = 5

// note remembers an operation that has been agreed to.
func (m model) note(o begun) model {
	m.begun = append(slices.Clip(m.begun), o)
	return m
}

// ended notes that the end of an operation has been seen.
func (m model) ended(id string, undo bool) model {
	all := append([]begun{}, m.begun...)
	for i := range all {
		if all[i].id == id {
			all[i].over, all[i].undo = true, undo
		}
	}
	m.begun = all
	return m
}

// farewell is what stays on the screen from before: why the view has ended, and
// how to come back to what it began.
func (m model) farewell(why string, now time.Time) string {
	where := m.environment()
	if where == "" {
		where = brief(m.options.Target)
	}
	lines := []string{strings.TrimSpace("inboxctl top "+where) + ": " + why + ", after " + text.Age(now.Sub(m.began))}
	for _, o := range m.begun[max(len(m.begun)-mostBegun, 0):] {
		switch {
		case !o.over:
			lines = append(lines, fmt.Sprintf("  %s goes on by itself: inboxctl ops watch %s", o.what, o.id))
		case o.undo:
			lines = append(lines, fmt.Sprintf("  %s is done: inboxctl ops show %s, or undo it: inboxctl ops undo %s", o.what, o.id, o.id))
		default:
			lines = append(lines, fmt.Sprintf("  %s is done: inboxctl ops show %s", o.what, o.id))
		}
	}
	return strings.Join(lines, "\n")
}
