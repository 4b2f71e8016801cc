package screen

import (
	"strings"

	"github.com/bandeja/inboxd/tui/internal/theme"
)

// Views returns the nine views in the order of their keys.
func Views() []View {
	return []View{
		NewOverview(), NewQueues(), NewJobs(), NewLatency(), NewOrgs(), NewSLA(), NewLimits(), NewWorkers(), NewAlerts(),
	}
}

// Index returns where the view of a word is: its name, or the beginning of it.
func Index(views []View, word string) (int, bool) {
	word = strings.ToLower(word)
	for i, v := range views {
		if word != "" && strings.HasPrefix(strings.ToLower(v.Name()), word) {
			return i, true
		}
	}
	return 0, false
}

// Text draws every row of a view, without a cursor: for a file or a pipe.
func Text(v View, th theme.Theme, width int) []string {
	if o, ok := v.(*overview); ok {
		var lines []string
		for _, p := range o.panels {
			lines = append(append(lines, p.title(o.top)), Text(p.view, th, width)...)
			lines = append(lines, "")
		}
		return lines
	}
	_, all := v.Rows()
	return bareOf(v, th, width, all+2, false)
}

// bareOf draws the table of a view alone.
func bareOf(v View, th theme.Theme, width, height int, cursor bool) []string {
	rows, ok := v.(interface {
		bare(th theme.Theme, width, height int, cursor bool) []string
	})
	if !ok {
		return nil
	}
	return rows.bare(th, width, height, cursor)
}
