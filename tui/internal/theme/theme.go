// Package theme holds every colour and glyph of the terminal interface. It
// refuses to lay anything out, and never asks the terminal: what it draws is
// decided by the environment alone.
package theme

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Role is what a piece of text is for; the theme decides how it looks.
type Role int

// The roles.
const (
	Plain Role = iota
	Dim
	Title
	Head
	Cursor
	Badge
	Production // the badge of an environment that hurts; its colour is used for nothing else
	Warn
	Crit
	roles
)

// Glyphs are the signs that are not letters.
type Glyphs struct {
	Cursor, Live, Lag, Stale, Frozen, Down, Up, Rule, Ellipsis, Unknown, Few, Separator string

	Bars                    string // of a sparkline, lowest first
	Full, Rest              string // of a gauge
	Mark, Arrow, Tick       string
	TopLeft, TopRight       string // of a frame
	BottomLeft, BottomRight string
	Side                    string
	Dots                    bool // Braille can be drawn
}

// Theme is a set of escape prefixes, one per role, and glyphs. The zero Theme
// draws plain text without glyphs; use New.
type Theme struct {
	Glyphs Glyphs
	prefix [roles]string
}

// Options choose a theme.
type Options struct {
	Light    bool // the background is light
	Contrast bool // for eyes that need more of it
	Color    bool // false: bold, faint and reverse only, which NO_COLOR allows
	Basic    bool // the terminal has 16 colours
	ASCII    bool // for terminals without UTF-8
	Plain    bool // no escapes at all
}

// New returns a theme. The palette is blue, yellow and vermillion: it tells states
// apart without red and green.
func New(o Options) Theme {
	t := Theme{Glyphs: glyphs(o.ASCII)}
	if o.Plain {
		return t
	}
	style := func() ansi.Style { return ansi.NewStyle() }
	t.prefix = [roles]string{
		Dim:        style().Faint().String(),
		Title:      style().Bold().String(),
		Head:       style().Bold().String(),
		Cursor:     style().Bold().String(),
		Badge:      style().Bold().Reverse(true).String(),
		Production: style().Bold().Reverse(true).String(),
		Warn:       style().Bold().String(),
		Crit:       style().Bold().Reverse(true).String(),
	}
	if !o.Color {
		return t
	}
	p := o.palette()
	colour := func(c uint8) ansi.Color {
		if o.Basic {
			return ansi.BasicColor(c)
		}
		return ansi.IndexedColor(c)
	}
	ink := func(c uint8) ansi.Style { return style().Bold().ForegroundColor(colour(c)) }
	t.prefix[Head], t.prefix[Warn], t.prefix[Crit] = ink(p.head).String(), ink(p.warn).String(), ink(p.crit).String()
	t.prefix[Badge] = ink(p.paper).BackgroundColor(colour(p.badge)).String()
	t.prefix[Production] = ink(p.paper).BackgroundColor(colour(p.production)).String()
	if o.Contrast { // nothing faint
		t.prefix[Dim] = ""
	}
	return t
}

// palette are colours by their number in the palette of 256, or of 16.
type palette struct {
	head, warn, crit, badge, production, paper uint8
}

// palette has inks that can be read on the background, by the rule of WCAG: 4.5
// to 1, with more contrast 7 to 1. The tests compute it.
func (o Options) palette() palette {
	switch {
	case o.Basic && o.Light:
		return palette{head: 4, warn: 5, crit: 1, badge: 4, production: 5, paper: 15}
	case o.Basic:
		return palette{head: 14, warn: 11, crit: 9, badge: 4, production: 5, paper: 15}
	case o.Contrast && o.Light:
		return palette{head: 18, warn: 52, crit: 124, badge: 18, production: 90, paper: 255}
	case o.Contrast:
		return palette{head: 117, warn: 220, crit: 209, badge: 18, production: 90, paper: 255}
	case o.Light:
		return palette{head: 25, warn: 130, crit: 161, badge: 25, production: 126, paper: 255}
	}
	return palette{head: 32, warn: 178, crit: 203, badge: 25, production: 126, paper: 255}
}

func glyphs(ascii bool) Glyphs {
	if ascii {
		return Glyphs{
			Cursor: ">", Live: "*", Lag: "~", Stale: "x", Frozen: "=", Down: "v", Up: "^",
			Rule: "-", Ellipsis: ".", Unknown: "-", Few: ".", Separator: "|",
			Bars: "_.:-=+*#", Full: "#", Rest: "-", Mark: "*", Arrow: ">", Tick: "|",
			TopLeft: "+", TopRight: "+", BottomLeft: "+", BottomRight: "+", Side: "|",
		}
	}
	return Glyphs{
		Cursor: "▌", Live: "●", Lag: "◔", Stale: "✗", Frozen: "‖", Down: "▼", Up: "▲",
		Rule: "─", Ellipsis: "…", Unknown: "–", Few: "·", Separator: "│",
		Bars: "▁▂▃▄▅▆▇", Full: "━", Rest: "─", Mark: "◆", Arrow: "›", Tick: "┤",
		TopLeft: "╭", TopRight: "╮", BottomLeft: "╰", BottomRight: "╯", Side: "│", Dots: true,
	}
}

// Paint returns text in a role. Blanks around it stay unpainted, so that a
// colour never runs into the next cell.
func (t Theme) Paint(role Role, text string) string {
	prefix := t.prefix[role]
	if prefix == "" || text == "" {
		return text
	}
	if role == Badge || role == Production {
		return prefix + text + ansi.ResetStyle
	}
	core := strings.Trim(text, " ")
	if core == "" {
		return text
	}
	at := strings.Index(text, core)
	return text[:at] + prefix + core + ansi.ResetStyle + text[at+len(core):]
}

// Faded returns the theme for data that is old: all of it faint, badges aside.
func (t Theme) Faded() Theme {
	if t.prefix[Title] == "" { // no escapes at all
		return t
	}
	faded := t
	for role := range faded.prefix {
		if Role(role) != Badge && Role(role) != Production {
			faded.prefix[role] = ansi.NewStyle().Faint().String()
		}
	}
	return faded
}
