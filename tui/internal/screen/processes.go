package screen

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
	"github.com/bandeja/inboxd/tui/triage"
)

// ProcessLine says in one line how many processes of each mode there are, and
// which of them need a look.
func ProcessLine(th theme.Theme, processes []admin.Process, width int) string {
	if len(processes) == 0 {
		return widget.Line(th, width, "", widget.Segment{Text: " PROCESSES  none has reported!", Role: theme.Warn})
	}
	modes := map[string]int{}
	silent, draining, slots := 0, 0, 0
	for _, p := range processes {
		modes[p.Mode]++
		slots += p.Slots
		switch triage.HealthOf(p) {
		case triage.Mute:
			silent++
		case triage.Draining:
			draining++
		case triage.Alive:
		}
	}
	segments := []widget.Segment{{Text: " PROCESSES", Role: theme.Head}}
	for _, mode := range slices.Sorted(maps.Keys(modes)) {
		segments = append(segments, widget.Segment{Text: mode + " " + strconv.Itoa(modes[mode])})
	}
	segments = append(segments, widget.Segment{Text: "slots " + strconv.Itoa(slots), Rank: 2})
	if silent > 0 {
		segments = append(segments, widget.Segment{Text: strconv.Itoa(silent) + " silent!", Role: theme.Crit})
	}
	if draining > 0 {
		segments = append(segments, widget.Segment{Text: strconv.Itoa(draining) + " draining", Rank: 1})
	}
	return widget.Line(th, width, "  ", segments...)
}

// Processes draws the table of processes in at most height lines: those that
// need a look first.
func Processes(th theme.Theme, processes []admin.Process, now time.Time, width, height int) []string {
	t := widget.Table{Columns: []widget.Column{
		{Title: "MODE", Width: 6},
		{Title: "PROCESS", Width: 10, Most: 28},
		{Title: "HOST", Width: 10, Most: 24, Rank: 3},
		{Title: "PID", Width: 8, Right: true, Rank: 2},
		{Title: "STATE", Width: 9},
		{Title: "BEAT", Width: 6, Right: true},
		{Title: "SLOTS", Width: 5, Right: true, Rank: 1},
		{Title: "UP", Width: 6, Right: true, Rank: 4},
		{Title: "VERSION", Width: 10, Most: 24, Rank: 5},
	}}
	sorted := slices.Clone(processes)
	slices.SortStableFunc(sorted, func(a, b admin.Process) int {
		return cmp.Or(cmp.Compare(triage.HealthOf(b), triage.HealthOf(a)), cmp.Compare(a.Mode, b.Mode), cmp.Compare(a.ID, b.ID))
	})
	for _, p := range sorted {
		t.Rows = append(t.Rows, processRow(p, now, th.Glyphs))
	}
	return t.View(th, width, height)
}

func processRow(p admin.Process, now time.Time, g theme.Glyphs) widget.Row {
	health := triage.HealthOf(p)
	status := flagged(string(health), health == triage.Mute, theme.Crit)
	up, slots := g.Unknown, g.Unknown
	if !p.StartedAt.IsZero() {
		up = text.Age(now.Sub(p.StartedAt))
	}
	if p.Slots > 0 {
		slots = strconv.Itoa(p.Slots)
	}
	return widget.Row{ID: p.ID, Cells: []widget.Cell{
		{Text: p.Mode},
		{Text: p.ID},
		{Text: p.Host},
		{Text: strconv.Itoa(p.PID)},
		status,
		{Text: text.Millis(float64(p.BeatAgeMS))},
		{Text: slots},
		{Text: up},
		{Text: p.Version},
	}}
}

// Problems draws what the server depends on and misses, one line each.
func Problems(th theme.Theme, parts []admin.Part, width int) []string {
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
