// Package screen holds one model per view of the terminal interface: its rows,
// its cursor, its order, and how they look. It refuses input and output: data
// and keys come from the root model, lines go back to it.
package screen

import (
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
)

const (
	// orderHeld is how long rows stay where they are after the cursor moved: rows
	// that jump while somebody aims are how the wrong one gets hit.
	orderHeld = 3 * time.Second
	// enough is how many samples a P99 needs to mean something.
	enough = 100
)

func signed(c int, ascending bool) int {
	if ascending {
		return c
	}
	return -c
}

// Problems draws what the server depends on and misses, one line each.
func Problems(th theme.Theme, parts []admin.TopPart, width int) []string {
	var lines []string
	for _, p := range parts {
		if p.OK {
			continue
		}
		why := "not available"
		if p.Error != nil && strings.TrimSpace(*p.Error) != "" {
			why = *p.Error
		}
		lines = append(lines, widget.Line(th, width, " ",
			widget.Segment{Text: " " + th.Glyphs.Stale + " " + p.Name + "!", Role: theme.Crit}, widget.Segment{Text: why}))
	}
	return lines
}
