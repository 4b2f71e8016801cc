package tui

import (
	"context"
	"fmt"
	"strings"

	"github.com/bandeja/inboxd/tui/internal/screen"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/triage"
)

// plainWidth is the width of text that goes to a file or a pipe: room for every
// column that matters.
const plainWidth = 160

// once prints the same tables as the live view, as text without escapes.
func once(ctx context.Context, o Options, terminalWidth int) error {
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	answer, err := o.Source.Status(ctx)
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

	th := theme.New(theme.Options{Plain: true, ASCII: o.ASCII})
	status := clean(answer.Item)
	var table screen.Queues
	table.SetData(status.Queues, o.Now())

	lines := []string{fmt.Sprintf("inboxd %s  %s  %s  as of %s", status.Version, status.Environment, triage.Headline(status), answer.AsOf.UTC().Format("2006-01-02T15:04:05Z"))}
	lines = append(lines, screen.Problems(th, status.Parts, width)...)
	lines = append(lines, "")
	if status.Queues == nil {
		lines = append(lines, "queues: not known")
	} else {
		lines = append(lines, table.Text(th, width)...)
		if window := screen.Window(status.Queues); window != "" {
			lines = append(lines, window)
		}
	}
	lines = append(lines, "")
	lines = append(lines, screen.Processes(th, status.Processes, o.Now(), width, len(status.Processes)+1)...)
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	if _, err := fmt.Fprintln(o.Out, strings.Join(lines, "\n")); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}
