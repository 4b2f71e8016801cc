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
	Light bool // the background is light
	Color bool // false: bold, faint and reverse only, which NO_COLOR allows
	ASCII bool // for terminals without UTF-8
	Plain bool // no escapes at all
}

// New returns a theme. The palette is blue, orange and vermillion: it tells
// states apart without red and green, and stays legible on light and on dark.
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
	if o.Color {
		head, warn, crit := uint8(blue), uint8(orange), uint8(vermillion)
		if o.Light {
			head, warn, crit = darkBlue, darkOrange, darkVermillion
		}
		coloured := func(c uint8) ansi.Style { return style().Bold().ForegroundColor(ansi.IndexedColor(c)) }
		t.prefix[Head], t.prefix[Warn], t.prefix[Crit] = coloured(head).String(), coloured(warn).String(), coloured(crit).String()
		t.prefix[Badge] = coloured(white).BackgroundColor(ansi.IndexedColor(darkBlue)).String()
		t.prefix[Production] = coloured(white).BackgroundColor(ansi.IndexedColor(purple)).String()
	}
	return t
}

// Colours of the 256-colour palette that every terminal of the last decades has.
const (
	blue           = 32
	darkBlue       = 25
	orange         = 172
	darkOrange     = 130
	vermillion     = 202
	darkVermillion = 160
	purple         = 126
	white          = 255
)

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
	if t.prefix[Dim] == "" {
		return t
	}
	faded := t
	for role := range faded.prefix {
		if Role(role) != Badge && Role(role) != Production {
			faded.prefix[role] = t.prefix[Dim]
		}
	}
	return faded
}
