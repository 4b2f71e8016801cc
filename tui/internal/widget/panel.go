package widget

import (
	"strings"

	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/text"
)

// Panel frames lines: exactly height lines of width cells, with the title in
// its upper edge. Focus makes the edge stand out.
func Panel(th theme.Theme, title string, focus bool, lines []string, width, height int) []string {
	if width < 4 || height < 2 {
		return Block(lines, width, height)
	}
	g, role := th.Glyphs, theme.Dim
	if focus {
		role = theme.Head
	}
	if width < 8 {
		title = ""
	}
	if title != "" {
		title = " " + text.Cut(title, max(width-6, 0), g.Ellipsis) + " "
	}
	top := th.Paint(role, g.TopLeft+g.Rule) + th.Paint(theme.Head, title) +
		th.Paint(role, strings.Repeat(g.Rule, max(width-3-text.Width(title), 0))+g.TopRight)
	framed := []string{top}
	side := th.Paint(role, g.Side)
	for _, line := range Block(lines, width-2, height-2) {
		framed = append(framed, side+line+side)
	}
	return append(framed, th.Paint(role, g.BottomLeft+strings.Repeat(g.Rule, width-2)+g.BottomRight))
}

// Block makes exactly height lines of exactly width cells.
func Block(lines []string, width, height int) []string {
	out := make([]string, 0, height)
	for i := range height {
		line := ""
		if i < len(lines) {
			line = lines[i]
		}
		out = append(out, text.Fill(line, width, ""))
	}
	return out
}

// Beside puts blocks side by side; all have the height of the first.
func Beside(blocks ...[]string) []string {
	if len(blocks) == 0 {
		return nil
	}
	out := make([]string, len(blocks[0]))
	for _, block := range blocks {
		for i := range out {
			if i < len(block) {
				out[i] += block[i]
			}
		}
	}
	return out
}
