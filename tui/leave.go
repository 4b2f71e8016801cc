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
	end  string // what has come of it; empty: it is not known to have ended
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

// ended notes what has come of an operation.
func (m model) ended(id, end string, undo bool) model {
	all := append([]begun{}, m.begun...)
	for i := range all {
		if all[i].id == id {
			all[i].end, all[i].undo = end, undo
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
		case o.end == "":
			lines = append(lines, fmt.Sprintf("  %s goes on by itself: inboxctl ops watch %s", o.what, o.id))
		case o.undo:
			lines = append(lines, fmt.Sprintf("  %s: %s: inboxctl ops show %s, or undo it: inboxctl ops undo %s", o.what, o.end, o.id, o.id))
		default:
			lines = append(lines, fmt.Sprintf("  %s: %s: inboxctl ops show %s", o.what, o.end, o.id))
		}
	}
	return strings.Join(lines, "\n")
}
