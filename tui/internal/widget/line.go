// Package widget turns text into lines and tables that fit the screen. It owns
// the only code that lays out; it refuses messages, state and the clock.
package widget

import (
	"slices"
	"strings"

	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/text"
)

// Segment is a piece of a line. Those with the highest Rank are dropped first
// when the line is too narrow; Rank 0 stays and is cut.
type Segment struct {
	Text string
	Role theme.Role
	Rank int
}

// Line joins segments with gap between them, so that they take at most width
// cells.
func Line(th theme.Theme, width int, gap string, segments ...Segment) string {
	kept := slices.DeleteFunc(slices.Clone(segments), func(s Segment) bool { return s.Text == "" })
	for length(kept, gap) > width {
		worst := 0
		for i, s := range kept {
			if s.Rank >= kept[worst].Rank {
				worst = i
			}
		}
		if len(kept) == 0 || kept[worst].Rank == 0 {
			break
		}
		kept = slices.Delete(kept, worst, worst+1)
	}

	var b strings.Builder
	left := width
	for i, s := range kept {
		if i > 0 {
			cut := text.Cut(gap, left, "")
			b.WriteString(cut)
			left -= text.Width(cut)
		}
		shown := text.Cut(s.Text, left, th.Glyphs.Ellipsis)
		left -= text.Width(shown)
		b.WriteString(th.Paint(s.Role, shown))
	}
	return b.String()
}

func length(segments []Segment, gap string) int {
	total := text.Width(gap) * max(len(segments)-1, 0)
	for _, s := range segments {
		total += text.Width(s.Text)
	}
	return total
}

// Ends puts right at the right end of a line of width cells. The left side is
// cut for it; without room for both only the left is drawn.
func Ends(th theme.Theme, width int, left, right string) string {
	room := width - text.Width(right) - 1
	if right == "" || room < width/2 {
		return text.Cut(left, width, th.Glyphs.Ellipsis)
	}
	return text.Fill(left, room, th.Glyphs.Ellipsis) + " " + right
}
