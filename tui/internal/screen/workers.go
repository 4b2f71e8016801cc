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
		name: "Workers", empty: "No process has reported.", pick: func(t admin.Top) []admin.TopWorker { return t.Workers }, detail: workerDetail,
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
				number("SLOTS", "slots", 8, 0, func(w admin.TopWorker) *float64 { return new(busy(w)) }, slotsOf),
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

// workerDetail is the process under the cursor.
func workerDetail(th theme.Theme, w admin.TopWorker, width, _ int) []string {
	s := sheet{title: "process " + w.ID}
	s.add("mode", plain(w.Mode))
	s.add("state", workerState(w, th.Glyphs))
	s.add("last beat", plain(text.Millis(float64(w.BeatAgeMS))))
	s.add("slots busy", slotsOf(w, th.Glyphs))
	s.add("mostly", plain(orUnknown(w.Mostly, th.Glyphs)))
	s.add("host", plain(w.Host))
	s.add("pid", plain(strconv.Itoa(w.PID)))
	s.add("version", plain(w.Version))
	s.add("since", plain(w.StartedAt.UTC().Format("01-02 15:04Z")))
	if w.State == "silent" && w.Busy > 0 {
		s.note(theme.Warn, "it ran %d jobs. 20 s after its last beat others take them over; sends that may be out become uncertain", w.Busy)
	}
	if w.Slots > 0 {
		s.note(theme.Dim, "Enter: what it runs now, and for how long")
	}
	return s.draw(th, width)
}

func slotsOf(w admin.TopWorker, g theme.Glyphs) widget.Cell {
	if w.Slots == 0 {
		return unknown(g)
	}
	return plain(strconv.Itoa(w.Busy) + "/" + strconv.Itoa(w.Slots))
}
