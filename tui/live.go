package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"

	tea "github.com/charmbracelet/bubbletea"
	"golang.org/x/term"

	"github.com/bandeja/inboxd/tui/internal/theme"
)

// runLive runs the view on a terminal. Whatever ends it, the terminal is as it was,
// and a last line says why and how to come back.
func runLive(ctx context.Context, o Options, width, height int) error {
	// A terminal that is closed, or a session that ends, is a signal that would else
	// leave a terminal raw if it is still there.
	hung, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	// Commands that are under way when the program ends are cancelled with it.
	ctx, cancel := context.WithCancel(hung)
	defer cancel()
	m := newModel(ctx, o, theme.New(o.look()), rand.Float64)
	m.width, m.height = width, height
	m = m.begin() //nolint:contextcheck // The program has a context of its own.
	guarded := guard{m, &fault{}}
	restore := keepTitle(o.Out)
	last, err := tea.NewProgram(guarded, o.program(ctx)...).Run()
	restore()
	if g, ok := last.(guard); ok {
		if was, ok := g.model.(model); ok {
			m = was
		}
	}
	if f := guarded.fault.get(); f != nil {
		err = guarded.fault.report(m)
		_, _ = io.WriteString(o.Out, m.farewell("a fault in this program", m.now)+"\n")
		return err
	}
	_, _ = io.WriteString(o.Out, m.farewell(whyEnded(ctx, m, err), m.now)+"\n")
	switch {
	case errors.Is(err, tea.ErrInterrupted):
		return context.Canceled
	case ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled):
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("run the live view: %w", err)
	}
	return nil
}

func (o *Options) program(ctx context.Context) []tea.ProgramOption {
	with := []tea.ProgramOption{
		tea.WithContext(ctx), tea.WithOutput(erasing(o.Out, os.Getenv("TERM"))), tea.WithAltScreen(), tea.WithFPS(framesPerSecond), tea.WithReportFocus(),
	}
	if file, ok := o.In.(interface{ Fd() uintptr }); ok && !term.IsTerminal(int(file.Fd())) {
		with = append(with, tea.WithInputTTY()) // the input is something else, as under xargs
	} else {
		with = append(with, tea.WithInput(o.In))
	}
	if o.Mouse {
		with = append(with, tea.WithMouseCellMotion())
	}
	return with
}

// whyEnded is the reason in words.
func whyEnded(ctx context.Context, m model, err error) string {
	switch {
	case m.left != "":
		return m.left
	case errors.Is(err, tea.ErrInterrupted):
		return "interrupted"
	case err != nil && ctx.Err() == nil:
		return brief(err.Error())
	}
	return "ended by a signal"
}
