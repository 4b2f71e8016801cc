package tui

import (
	"fmt"
	"runtime/debug"
	"sync"

	tea "github.com/charmbracelet/bubbletea"
)

// guard is a model that survives its own faults long enough to give the
// terminal back. Bubble Tea would restore it too, but print the reason onto a
// screen that is wiped the moment after.
type guard struct {
	model tea.Model
	fault *fault
}

// fault holds the first panic of a program. It is safe for concurrent use:
// commands run beside the model.
type fault struct {
	mu  sync.Mutex
	err error
}

// faultMsg wakes the program after a fault in a command.
type faultMsg struct{}

func (f *fault) record(panicked any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = fmt.Errorf("a fault in this program, please report it: %v\n%s", panicked, debug.Stack())
	}
}

func (f *fault) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Init is the model's.
func (g guard) Init() tea.Cmd { return g.command(g.model.Init()) }

// Update is the model's; after a fault it quits.
func (g guard) Update(msg tea.Msg) (next tea.Model, cmd tea.Cmd) {
	defer func() {
		if r := recover(); r != nil {
			g.fault.record(r)
			next, cmd = g, tea.Quit
		}
	}()
	if g.fault.get() != nil {
		return g, tea.Quit
	}
	model, command := g.model.Update(msg)
	return guard{model, g.fault}, g.command(command)
}

// View is the model's. A fault here ends the program with the next message,
// which the clock brings within a second.
func (g guard) View() (frame string) {
	defer func() {
		if r := recover(); r != nil {
			g.fault.record(r)
		}
	}()
	return g.model.View()
}

// command guards a command and what it is made of.
func (g guard) command(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() (msg tea.Msg) {
		defer func() {
			if r := recover(); r != nil {
				g.fault.record(r)
				msg = faultMsg{}
			}
		}()
		msg = cmd()
		if batch, ok := msg.(tea.BatchMsg); ok {
			for i, part := range batch {
				batch[i] = g.command(part)
			}
		}
		return msg
	}
}
