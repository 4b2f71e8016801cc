package screen

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
)

// workers is the page of processes, with what the one under the cursor runs.
type workers struct {
	page[admin.TopWorker]

	running []admin.Job // of all processes
	older   bool        // run too, and were not looked at
}

// NewWorkers returns the view of processes: those that need a look first.
func NewWorkers() View {
	v := &workers{}
	v.page = page[admin.TopWorker]{
		name: "Workers", empty: "No process has reported.", pick: func(t admin.Top) []admin.TopWorker { return t.Workers }, detail: v.sheet,
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
	return v
}

// Runs takes the jobs that run now, those of all processes, and whether there are
// older ones.
func (v *workers) Runs(jobs []admin.Job, older bool) { v.running, v.older = jobs, older }

// Paned reports whether there is room to show them.
func (v *workers) Paned(width int) bool { return v.paned(width) }

func (v *workers) Clone() View {
	c := *v
	c.detail = c.sheet
	return &c
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

// sheet is the process under the cursor and, with room for it, what it runs: the
// longest first.
func (v *workers) sheet(th theme.Theme, w admin.TopWorker, width, height int) []string {
	lines := workerFacts(th, w, width)
	t := widget.Table{Columns: []widget.Column{{Title: "RUNS NOW", Width: 10}, {Title: "ORG", Width: 10, Most: 16}, {Title: "TYPE", Width: 14, Most: 20}, {Title: "FOR", Width: 7, Right: true}}}
	theirs := slices.DeleteFunc(slices.Clone(v.running), func(j admin.Job) bool { return deref(j.ProcessID) != w.ID || ranMS(j) == nil })
	slices.SortStableFunc(theirs, func(a, b admin.Job) int { return cmp.Compare(*ranMS(b), *ranMS(a)) })
	for _, j := range theirs {
		t.Rows = append(t.Rows, widget.Row{ID: j.ID, Cells: []widget.Cell{plain(j.ID), plain(j.Org), plain(j.Type), millis(ranMS(j), th.Glyphs)}})
	}
	if v.older && w.Slots > 0 && height > len(lines) {
		lines = append(lines, Wrap(" ", "only those"+ofNewest(len(v.running))+" are looked at", width)...)
	}
	if room := height - len(lines) - 1; room > 2 && len(t.Rows) > 0 {
		lines = append(append(lines, ""), t.View(th, width, min(room, t.MostLines()))...)
	}
	return lines
}

func workerFacts(th theme.Theme, w admin.TopWorker, width int) []string {
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
