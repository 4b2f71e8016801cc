package screen

import (
	"strconv"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// NewWorkers returns the view of processes: those that need a look first.
func NewWorkers() View {
	return &page[admin.TopWorker]{
		name: "Workers", empty: "No process has reported.", pick: func(t admin.Top) []admin.TopWorker { return t.Workers }, below: workerBelow,
		list: list[admin.TopWorker]{
			id: func(w admin.TopWorker) string { return w.ID },
			text: func(w admin.TopWorker) string {
				return w.ID + " " + w.Host + " " + w.Mode + " " + w.Version + " " + w.State
			},
			columns: []column[admin.TopWorker]{
				named("PROCESS", "process", 8, 24, 0, func(w admin.TopWorker) string { return w.ID }, nil),
				named("HOST", "host", 10, 24, 2, func(w admin.TopWorker) string { return w.Host }, nil),
				number("PID", "", 8, 5, nil, func(w admin.TopWorker, _ theme.Glyphs) widget.Cell { return plain(strconv.Itoa(w.PID)) }),
				named("MODE", "mode", 6, 0, 0, func(w admin.TopWorker) string { return w.Mode }, nil),
				named("STATE", "state", 9, 0, 0, func(w admin.TopWorker) string { return w.State }, workerState),
				number("BEAT", "beat", 7, 1, func(w admin.TopWorker) *float64 { return new(float64(w.BeatAgeMS)) },
					func(w admin.TopWorker, _ theme.Glyphs) widget.Cell {
						return alarm(plain(text.Millis(float64(w.BeatAgeMS))), w.State == "silent", theme.Crit)
					}),
				{Column: widget.Column{Title: "BUSY", Width: 10, Most: 20, Rank: 4}, cell: func(w admin.TopWorker, g theme.Glyphs) widget.Cell {
					return gauge(busy(w), theme.Plain, g)
				}},
				number("SLOTS", "slots", 8, 0, func(w admin.TopWorker) *float64 { return new(busy(w)) },
					func(w admin.TopWorker, g theme.Glyphs) widget.Cell {
						if w.Slots == 0 {
							return unknown(g)
						}
						return plain(strconv.Itoa(w.Busy) + "/" + strconv.Itoa(w.Slots))
					}),
				named("MOSTLY", "", 14, 0, 3, func(w admin.TopWorker) string { return deref(w.Mostly) }, nil),
				named("VERSION", "version", 10, 24, 6, func(w admin.TopWorker) string { return w.Version }, nil),
			},
		},
	}
}

func workerState(w admin.TopWorker, _ theme.Glyphs) widget.Cell {
	switch w.State {
	case "silent":
		return widget.Cell{Text: "silent!", Role: theme.Crit}
	case "draining", "drained", "leaving":
		return widget.Cell{Text: w.State, Role: theme.Warn}
	}
	return plain(w.State)
}

func busy(w admin.TopWorker) float64 {
	if w.Slots == 0 {
		return 0
	}
	return float64(w.Busy) / float64(w.Slots)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func workerBelow(th theme.Theme, w admin.TopWorker, width, _ int) []string {
	return []string{
		widget.Line(th, width, "  ", widget.Segment{Text: " process " + w.ID, Role: theme.Title}, widget.Segment{Text: w.Mode},
			widget.Segment{Text: "on " + w.Host}, widget.Segment{Text: "pid " + strconv.Itoa(w.PID), Rank: 1},
			widget.Segment{Text: "since " + w.StartedAt.UTC().Format("2006-01-02 15:04Z"), Rank: 2}, widget.Segment{Text: w.Version, Rank: 3}),
		widget.Line(th, width, "  ", widget.Segment{Text: " inboxctl workers show " + w.ID, Role: theme.Dim}),
	}
}
