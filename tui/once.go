package tui

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
)

// plainWidth is the width of text that goes to a file or a pipe: room for every
// column that matters.
const plainWidth = 160

// once prints the same tables as the live view, as text without escapes; with
// Watch again and again. A server that is away then is said in a line.
func once(ctx context.Context, o Options, terminalWidth int) error {
	if !o.Watch {
		return printOnce(ctx, o, terminalWidth)
	}
	printed := false
	return repeat(ctx, o.Interval, func() error {
		err := printOnce(ctx, o, terminalWidth)
		switch {
		case err != nil && !printed: // a server that was never there
			return err
		case err != nil:
			return say(o, o.Now().UTC().Format("15:04:05Z")+" "+reason(err))
		}
		printed = true
		return say(o, "")
	})
}

// repeat does something at each interval until ctx ends or it fails.
func repeat(ctx context.Context, interval time.Duration, do func() error) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if err := do(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

func say(o Options, line string) error {
	if _, err := fmt.Fprintln(o.Out, line); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func printOnce(ctx context.Context, o Options, terminalWidth int) error {
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	answer, err := o.Source.Top(ctx, seriesPoints)
	if err != nil {
		return err //nolint:wrapcheck // The source's own words are for the operator.
	}
	width := o.Width
	if width <= 0 {
		width = terminalWidth
	}
	if width <= 0 {
		width = plainWidth
	}
	m := newModel(ctx, o, theme.New(theme.Options{Plain: true, ASCII: o.ASCII}), func() float64 { return 0 })
	m.width, m.now = width, o.Now()
	m = m.begin() //nolint:contextcheck // The program has a context of its own.
	if m.first != nil {
		answered, _ := m.Update(m.first()) //nolint:contextcheck // The program has a context of its own.
		m, _ = answered.(model)
		if m.jobs.err != nil {
			return m.jobs.err
		}
	}
	m = m.takeAnswer(answerMsg{answer: answer, at: m.now})
	lines := []string{m.vitals(), ""}
	lines = append(lines, screen.Problems(m.theme, m.shown.answer.Item.Parts, width)...)
	lines = append(lines, screen.Text(m.view(), m.theme, width)...)
	for i, line := range lines {
		if o.ASCII {
			line = asciiOnly(line)
		}
		lines[i] = strings.TrimRight(line, " ")
	}
	return say(o, strings.TrimRight(strings.Join(lines, "\n"), "\n"))
}
