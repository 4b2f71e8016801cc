package tui

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/screen"
)

// Start is what is shown first: a view and what of it. The zero Start is the
// overview.
type Start struct {
	View     string         // lower case, as ViewNames has it; empty: overview
	Selector admin.Selector // of the jobs
	Text     string         // what the rows of any other view must hold
}

// ViewNames lists the views by the words of the command line, in the order of
// their keys.
func ViewNames() []string {
	var names []string
	for _, v := range screen.Views() {
		names = append(names, strings.ToLower(v.Name()))
	}
	return names
}

// ParseStart reads what follows `inboxctl top`, and `:` inside: a view, and for
// the jobs a selector in words.
func ParseStart(words []string) (Start, error) {
	if len(words) == 0 {
		return Start{}, nil
	}
	i, ok := screen.Index(screen.Views(), words[0])
	if !ok {
		near := admin.Nearest(words[0], ViewNames())
		if near == "" {
			near = strings.Join(ViewNames(), ", ")
		}
		return Start{}, fmt.Errorf("there is no view %s: try %s", brief(words[0]), near)
	}
	s := Start{View: ViewNames()[i]}
	if i != jobsView {
		s.Text = strings.Join(words[1:], " ")
		return s, nil
	}
	var err error
	s.Selector, err = parseSelector(words[1:])
	return s, err
}

// startOf is the view that shows what an inboxctl command would.
func startOf(command string) (Start, bool) {
	words := strings.Fields(command)
	if len(words) < 2 || words[0] != "inboxctl" {
		return Start{}, false
	}
	start := []string{words[1]}
	if words[1] == "jobs" {
		for i := 2; i+1 < len(words); i++ {
			if name, ok := strings.CutPrefix(words[i], "--"); ok && !strings.HasPrefix(words[i+1], "--") {
				start = append(start, name+"="+words[i+1])
			}
		}
	}
	s, err := ParseStart(start)
	return s, err == nil
}

// begin is the model with its first view; what that asks is asked by Init.
func (m model) begin() model {
	for _, v := range m.views { // nothing has drawn them yet
		if w, ok := v.(interface{ Turn(window string) bool }); ok {
			w.Turn(m.options.Window)
		}
	}
	if m.options.Start.View == "" {
		return m
	}
	next, cmd := m.goTo(m.options.Start)
	next.before, next.first = nil, cmd
	return next
}

// goTo shows what a Start says.
func (m model) goTo(s Start) (model, tea.Cmd) {
	i, _ := screen.Index(m.views, s.View)
	if i == jobsView {
		return m.selectJobs(s.Selector)
	}
	return m.visit(i).find(s.Text), nil
}
