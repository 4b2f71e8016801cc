package tui

import (
	"context"
	"fmt"
	"strings"

	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
)

// plainWidth is the width of text that goes to a file or a pipe: room for every
// column that matters.
const plainWidth = 160

// once prints the same tables as the live view, as text without escapes.
func once(ctx context.Context, o Options, terminalWidth int) error {
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	answer, err := o.Source.Top(ctx, 0)
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
	m.connection.number = 0
	m = m.takeAnswer(answerMsg{answer: answer, at: m.now})
	lines := []string{m.vitals(), ""}
	lines = append(lines, screen.Problems(m.theme, m.shown.answer.Item.Parts, width)...)
	lines = append(lines, screen.Text(m.view(), m.theme, width)...)
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	if _, err := fmt.Fprintln(o.Out, strings.Join(lines, "\n")); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}
