// Package keys holds every key binding of the terminal interface with its help
// text. Dispatch, hints and help all read the same table, so that help cannot
// lie. It refuses to act: it only names what a key means.
package keys

import (
	"slices"
	"strings"
)

// Action is what a key asks for.
type Action string

// The actions.
const (
	Down      Action = "down"
	Up        Action = "up"
	First     Action = "first"
	Last      Action = "last"
	PageDown  Action = "page_down"
	PageUp    Action = "page_up"
	Left      Action = "left"
	Right     Action = "right"
	Sort      Action = "sort"
	SortNext  Action = "sort_next"
	SortPrev  Action = "sort_prev"
	Invert    Action = "invert"
	Freeze    Action = "freeze"
	Refresh   Action = "refresh"
	Faster    Action = "faster"
	Slower    Action = "slower"
	Help      Action = "help"
	Close     Action = "close"
	Redraw    Action = "redraw"
	Suspend   Action = "suspend"
	Quit      Action = "quit"
	Interrupt Action = "interrupt"

	View1    Action = "view_1"
	View2    Action = "view_2"
	View3    Action = "view_3"
	View4    Action = "view_4"
	View5    Action = "view_5"
	View6    Action = "view_6"
	View7    Action = "view_7"
	View8    Action = "view_8"
	View9    Action = "view_9"
	NextView Action = "next_view"
	PrevView Action = "previous_view"
	Open     Action = "open"
	Back     Action = "back"
	Mark     Action = "mark"
	MarkAll  Action = "mark_all"
	Unmark   Action = "unmark"
	Filter   Action = "filter"
	Command  Action = "command"
	Window   Action = "window"
	Metric   Action = "metric"
	By       Action = "by"
	Jobs     Action = "jobs"
	Why      Action = "why"
	Errors   Action = "errors"
	Copy     Action = "copy"
	Alert    Action = "alert"
	Detail   Action = "detail"
	Mouse    Action = "mouse"
	Save     Action = "save"
	Match    Action = "next_match"
	MatchUp  Action = "previous_match"
	Past     Action = "past"
	Future   Action = "future"
	Pause    Action = "pause"
	Retry    Action = "retry"
	Cancel   Action = "cancel"
	Limit    Action = "limit"
	Drain    Action = "drain"
	Ack      Action = "ack"
	Mute     Action = "mute"
	Undo     Action = "undo"
	Reveal   Action = "reveal"
)

// Kind says what an action can do. Only a Change alters anything outside this
// screen, and only a capital letter may ask for one.
type Kind int

// The kinds.
const (
	Look   Kind = iota // changes what is shown
	Move               // moves the cursor; may be repeated
	Change             // changes the system
)

// Binding is one action with its keys. Keys are as Bubble Tea names them; Label
// is how people read them; Hint is the word for the footer, empty for none. In
// are the places where it means something: names of views, or Job for one that
// is open; nil: everywhere.
type Binding struct {
	Action Action
	Kind   Kind
	Keys   []string
	Label  string
	Help   string
	Hint   string
	In     []string
}

// Job is the place of a job that is open, Page that of anything else.
const (
	Job  = "Job"
	Page = "Page"
)

// Map is a set of bindings in the order help shows them.
type Map []Binding

// Default returns the bindings of the whole program.
func Default() Map {
	tables := []string{"Queues", "Jobs", "Latency", "Orgs", "SLA", "Limits", "Workers", "Alerts"}
	return Map{
		{Down, Move, []string{"j", "down"}, "j Down", "next row", "", nil},
		{Up, Move, []string{"k", "up"}, "k Up", "row before", "", nil},
		{First, Move, []string{"g", "home"}, "g Home", "first row", "", nil},
		{Last, Move, []string{"G", "end"}, "G End", "last row", "", nil},
		{PageDown, Move, []string{"ctrl+d", "pgdown"}, "^d PgDn", "half a page down", "", nil},
		{PageUp, Move, []string{"ctrl+u", "pgup"}, "^u PgUp", "half a page up", "", nil},
		{View1, Look, []string{"1"}, "1-9", "the views", "", nil},
		{View2, Look, []string{"2"}, "", "Queues", "", nil},
		{View3, Look, []string{"3"}, "", "Jobs", "", nil},
		{View4, Look, []string{"4"}, "", "Latency", "", nil},
		{View5, Look, []string{"5"}, "", "Orgs", "", nil},
		{View6, Look, []string{"6"}, "", "SLA", "", nil},
		{View7, Look, []string{"7"}, "", "Limits", "", nil},
		{View8, Look, []string{"8"}, "", "Workers", "", nil},
		{View9, Look, []string{"9"}, "", "Alerts", "", nil},
		{NextView, Look, []string{"tab"}, "Tab", "next view or panel", "focus", []string{"Overview"}},
		{PrevView, Look, []string{"shift+tab"}, "S-Tab", "view or panel before", "", nil},
		{Open, Look, []string{"enter"}, "Enter", "open the row", "open", nil},
		{Back, Look, []string{"-", "backspace"}, "-", "the view before", "", nil},
		{Close, Look, []string{"esc"}, "Esc", "close, go back", "back", []string{Job, Page}},
		{Alert, Look, []string{"!"}, "!", "the worst alert", "worst", []string{"Overview"}},
		{Jobs, Look, []string{"b"}, "b", "the jobs behind the row", "jobs", []string{"Queues", "Latency", "Orgs", "SLA", "Limits", "Workers"}},
		{Errors, Look, []string{"e"}, "e", "errors behind the row", "errors", []string{"Queues", "Jobs", "Orgs", "Latency"}},
		{Why, Look, []string{"w"}, "w", "why the job is there", "why", []string{"Jobs", Job}},
		{Filter, Look, []string{"/"}, "/", "only rows with a text", "filter", tables},
		{Command, Look, []string{":"}, ":", "go to a view, see below", "cmd", nil},
		{Mark, Look, []string{" "}, "Space", "mark the row", "mark", []string{"Jobs"}},
		{MarkAll, Look, []string{"a"}, "a", "mark all rows shown", "", nil},
		{Unmark, Look, []string{"u"}, "u", "unmark all", "", nil},
		{Match, Look, []string{"n"}, "n", "next row with what was searched for", "", nil},
		{MatchUp, Look, []string{"N"}, "N", "the one before", "", nil},
		{Left, Look, []string{"h", "left"}, "h Left", "columns to the left", "", nil},
		{Right, Look, []string{"l", "right"}, "l Right", "columns to the right", "", nil},
		{Detail, Look, []string{"d"}, "d", "details of the row, or only rows", "", nil},
		{Sort, Look, []string{"s"}, "s", "choose what to sort by", "sort", tables},
		{SortNext, Look, []string{">"}, ">", "by the next column", "", nil},
		{SortPrev, Look, []string{"<"}, "<", "by the column before", "", nil},
		{Invert, Look, []string{"i"}, "i", "turn the order around", "", nil},
		{Window, Look, []string{"t"}, "t", "latency: next window", "window", []string{"Latency"}},
		{Metric, Look, []string{"v"}, "v", "latency: e2e, wait, run", "time", []string{"Latency"}},
		{By, Look, []string{"o"}, "o", "latency: type or org", "by org", []string{"Latency"}},
		{Freeze, Look, []string{"f"}, "f", "freeze what is shown", "freeze", nil},
		{Refresh, Look, []string{"r"}, "r", "ask the server now", "refresh", nil},
		{Faster, Look, []string{","}, ",", "refresh more often", "", nil},
		{Slower, Look, []string{"."}, ".", "refresh less often", "", nil},
		{Past, Look, []string{"["}, "[", "back in time, two minutes at most", "", nil},
		{Future, Look, []string{"]"}, "]", "forward again, to now", "", nil},
		{Mouse, Look, []string{"m"}, "m", "mouse on or off", "", nil},
		{Save, Look, []string{"ctrl+s"}, "^s", "save the view as text and JSON", "", nil},
		{Copy, Look, []string{"y"}, "y", "send the id to the clipboard", "", nil},
		{Redraw, Look, []string{"ctrl+l"}, "^l", "draw everything again", "", nil},
		{Suspend, Look, []string{"ctrl+z"}, "^z", "suspend", "", nil},
		{Help, Look, []string{"?"}, "?", "this help", "help", nil},
		{Quit, Look, []string{"q"}, "q", "back; from the first, quit", "quit", nil},
		{Interrupt, Look, []string{"ctrl+c"}, "^c", "quit at once", "", nil},

		{Pause, Change, []string{"P"}, "P", "pause or resume", "pause", []string{"Queues", "Orgs"}},
		{Retry, Change, []string{"R"}, "R", "retry marked or dead", "retry", []string{"Queues", "Jobs", "Orgs", Job}},
		{Cancel, Change, []string{"X"}, "X", "cancel marked or waiting", "cancel", []string{"Queues", "Jobs", "Orgs", Job}},
		{Limit, Change, []string{"L"}, "L", "set a limit of the org", "limit", []string{"Orgs", "Limits"}},
		{Drain, Change, []string{"D"}, "D", "drain the process, or undo", "drain", []string{"Workers"}},
		{Ack, Change, []string{"A"}, "A", "acknowledge the alert", "ack", []string{"Alerts"}},
		{Mute, Change, []string{"M"}, "M", "mute the alert for a time", "mute", []string{"Alerts"}},
		{Reveal, Change, []string{"V"}, "V", "show the text (audited)", "reveal", []string{Job}},
		{Undo, Change, []string{"U"}, "U", "undo the last change", "undo", nil},
	}
}

// Line is one line of the help: keys that belong together and what they do.
type Line struct {
	Keys, Text string
	Change     bool
}

// Lines folds the map into the lines of the help, first what looks.
func (m Map) Lines() (lines []Line) {
	for _, group := range []struct {
		actions []Action
		text    string
	}{
		{[]Action{Down, Up}, "next row, row before"},
		{[]Action{First, Last}, "first, last row"},
		{[]Action{PageDown, PageUp}, "half a page down, up"},
		{[]Action{View1}, "the views"},
		{[]Action{NextView, PrevView}, "next view or panel, back"},
		{[]Action{Open, Close}, "open the row, close"},
		{[]Action{Back, Alert}, "view before, the alerts"},
		{[]Action{Jobs, Errors, Why}, "jobs, errors of it; why"},
		{[]Action{Filter}, "text key:v !x wait>30s ~re"},
		{[]Action{Match, MatchUp}, "next match, match before"},
		{[]Action{Command}, "jobs org=acme, ops, q"},
		{[]Action{Mark, MarkAll, Unmark}, "mark, all, none"},
		{[]Action{Sort, SortPrev, SortNext, Invert}, "sort: pick, step, turn"},
		{[]Action{Left, Right, Detail}, "columns; details"},
		{[]Action{Window, Metric, By}, "latency: window, time, by"},
		{[]Action{Freeze, Refresh}, "freeze, ask now"},
		{[]Action{Faster, Slower}, "ask more, less often"},
		{[]Action{Past, Future}, "back in time, forward"},
		{[]Action{Copy, Save, Mouse}, "copy id, save, mouse"},
		{[]Action{Redraw, Suspend}, "redraw, suspend"},
		{[]Action{Help, Quit, Interrupt}, "help, back, quit at once"},
	} {
		var words []string
		for _, action := range group.actions {
			b, _ := m.of(action)
			words = append(words, b.Short())
		}
		lines = append(lines, Line{strings.Join(words, " "), group.text, false})
	}
	for _, b := range m {
		if b.Kind == Change {
			lines = append(lines, Line{b.Short(), b.Help, true})
		}
	}
	return lines
}

// Lookup returns the binding of a key.
func (m Map) Lookup(key string) (Binding, bool) {
	for _, b := range m {
		if slices.Contains(b.Keys, key) {
			return b, true
		}
	}
	return Binding{}, false
}

// Burst splits letters that arrived in one read, as fast typing and pastes do.
// They are keys only if each of them moves: anything else could be a pasted
// word, and then it means nothing.
func (m Map) Burst(runes []rune) ([]Binding, bool) {
	var all []Binding
	for _, r := range runes {
		b, ok := m.Lookup(string(r))
		if !ok || b.Kind != Move {
			return nil, false
		}
		all = append(all, b)
	}
	return all, true
}

// At reports whether a binding means something in a place.
func (b Binding) At(place string) bool { return b.In == nil || slices.Contains(b.In, place) }

// Hints returns what the footer shows in a place, most wanted first: what looks
// and what changes.
func (m Map) Hints(place string) (looks, changes []Binding) {
	for _, action := range []Action{
		Help, Quit, Close, Command, Filter, Alert, NextView, Open, Why, Mark, Jobs, Errors, Window, Metric, By, Sort, Freeze, Refresh,
		Pause, Retry, Cancel, Limit, Drain, Ack, Mute, Reveal, Undo,
	} {
		b, ok := m.of(action)
		switch {
		case !ok || b.Hint == "" || !b.At(place) || (place == Job || place == Page) && slices.Contains([]Action{Open, Freeze}, action):
		case b.Kind == Change:
			changes = append(changes, b)
		default:
			looks = append(looks, b)
		}
	}
	return looks, changes
}

func (m Map) of(action Action) (Binding, bool) {
	at := slices.IndexFunc(m, func(b Binding) bool { return b.Action == action })
	if at < 0 {
		return Binding{}, false
	}
	return m[at], true
}

// Short is the first of the keys as people read it.
func (b Binding) Short() string {
	first, _, _ := strings.Cut(b.Label, " ")
	return first
}
