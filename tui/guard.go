package tui

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

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
	mu    sync.Mutex
	what  any // nil: none yet
	stack []byte
}

// faultMsg wakes the program after a fault in a command.
type faultMsg struct{}

func (f *fault) record(panicked any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.what == nil {
		f.what, f.stack = panicked, debug.Stack()
	}
}

func (f *fault) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.what == nil {
		return nil
	}
	return fmt.Errorf("a fault in this program: %v", f.what)
}

// report writes down where the fault was, in a file that can be sent to whoever
// mends it, and returns an error that names the file. It has no data of the
// server's.
func (f *fault) report(m model) error {
	what := f.get()
	file, err := os.CreateTemp("", "inboxctl-top-*.log")
	if err != nil {
		return fmt.Errorf("%w, please report it\n%s", what, f.stack)
	}
	_, err = fmt.Fprintf(file, "%s\n%v\nversion %s, %s %s/%s, TERM=%s, %dx%d, view %s\n\n%s", m.now.UTC().Format(time.RFC3339), what,
		m.options.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, os.Getenv("TERM"), m.width, m.height, m.view().Name(), f.stack)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("%w, please report it\n%s", what, f.stack)
	}
	return fmt.Errorf("%w; please report it with %s, which says where it was", what, file.Name())
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
