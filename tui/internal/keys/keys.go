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
	Copy     Action = "copy"
	Alert    Action = "alert"
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
// is how people read them; Hint is the word for the footer, empty for none.
type Binding struct {
	Action Action
	Kind   Kind
	Keys   []string
	Label  string
	Help   string
	Hint   string
}

// Map is a set of bindings in the order help shows them.
type Map []Binding

// Default returns the bindings of the whole program.
func Default() Map {
	return Map{
		{Down, Move, []string{"j", "down"}, "j Down", "next row", ""},
		{Up, Move, []string{"k", "up"}, "k Up", "row before", ""},
		{First, Move, []string{"g", "home"}, "g Home", "first row", ""},
		{Last, Move, []string{"G", "end"}, "G End", "last row", ""},
		{PageDown, Move, []string{"ctrl+d", "pgdown"}, "^d PgDn", "half a page down", ""},
		{PageUp, Move, []string{"ctrl+u", "pgup"}, "^u PgUp", "half a page up", ""},
		{NextView, Look, []string{"tab"}, "Tab", "next view; on the overview the next panel", ""},
		{PrevView, Look, []string{"shift+tab"}, "S-Tab", "view or panel before", ""},
		{View1, Look, []string{"1"}, "1-9", "the views", ""},
		{View2, Look, []string{"2"}, "", "", ""},
		{View3, Look, []string{"3"}, "", "", ""},
		{View4, Look, []string{"4"}, "", "", ""},
		{View5, Look, []string{"5"}, "", "", ""},
		{View6, Look, []string{"6"}, "", "", ""},
		{View7, Look, []string{"7"}, "", "", ""},
		{View8, Look, []string{"8"}, "", "", ""},
		{View9, Look, []string{"9"}, "", "", ""},
		{Open, Look, []string{"enter"}, "Enter", "open what the cursor is on", "open"},
		{Back, Look, []string{"-", "backspace"}, "-", "the view before", ""},
		{Alert, Look, []string{"!"}, "!", "the alerts", ""},
		{Filter, Look, []string{"/"}, "/", "show only rows that hold a text", "filter"},
		{Command, Look, []string{":"}, ":", "go to a view, or `:jobs org=acme state=dead`", "command"},
		{Mark, Look, []string{" "}, "Space", "mark the row", ""},
		{MarkAll, Look, []string{"a"}, "a", "mark all rows shown", ""},
		{Unmark, Look, []string{"u"}, "u", "unmark all", ""},
		{Window, Look, []string{"t"}, "t", "latency: next window", ""},
		{Metric, Look, []string{"v"}, "v", "latency: end to end, wait, run", ""},
		{By, Look, []string{"o"}, "o", "latency: by job type or org", ""},
		{Jobs, Look, []string{"b"}, "b", "the jobs behind the row", ""},
		{Pause, Change, []string{"P"}, "P", "pause or resume the queue or org", ""},
		{Retry, Change, []string{"R"}, "R", "retry: the job, the marked, or what is dead", ""},
		{Cancel, Change, []string{"X"}, "X", "cancel: the job, the marked, or what waits", ""},
		{Limit, Change, []string{"L"}, "L", "set a limit of the org", ""},
		{Undo, Change, []string{"U"}, "U", "undo the last change of this session", ""},
		{SortNext, Look, []string{"s", ">"}, "s >", "sort by the next column", "sort"},
		{SortPrev, Look, []string{"<"}, "<", "sort by the column before", ""},
		{Invert, Look, []string{"i"}, "i", "turn the order around", ""},
		{Freeze, Look, []string{"f"}, "f", "freeze what is shown", "freeze"},
		{Refresh, Look, []string{"r"}, "r", "ask the server now", "refresh"},
		{Faster, Look, []string{","}, ",", "refresh more often", ""},
		{Slower, Look, []string{"."}, ".", "refresh less often", ""},
		{Help, Look, []string{"?"}, "?", "this help", "help"},
		{Close, Look, []string{"esc"}, "Esc", "close, go back", ""},
		{Redraw, Look, []string{"ctrl+l"}, "^l", "draw everything again", ""},
		{Suspend, Look, []string{"ctrl+z"}, "^z", "suspend", ""},
		{Quit, Look, []string{"q"}, "q", "quit", "quit"},
		{Interrupt, Look, []string{"ctrl+c"}, "^c", "quit at once", ""},
	}
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

// Hints returns what the footer shows, most wanted first: the first key and a
// word.
func (m Map) Hints() []string {
	var hints []string
	for _, action := range []Action{Help, Quit, Command, Filter, Open, SortNext, Freeze, Refresh} {
		for _, b := range m {
			if b.Action == action && b.Hint != "" {
				first, _, _ := strings.Cut(b.Label, " ")
				hints = append(hints, first+" "+b.Hint)
			}
		}
	}
	return hints
}
