// Package termshot makes a picture of a frame of the live view, for the guides:
// from the same bytes the tests look at, so that a picture cannot lie. Lines,
// blocks and Braille are drawn as shapes, so that they join in any viewer. It
// refuses to run a terminal.
package termshot

import (
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Paper is what a picture is drawn on: colours as 0xRRGGBB.
type Paper struct{ Ink, Ground, Faint uint32 }

// Dark is the paper of most pictures.
func Dark() Paper { return Paper{Ink: 0xd7dae0, Ground: 0x12151c, Faint: 0x7d8490} }

// Light is for readers on a light background.
func Light() Paper { return Paper{Ink: 0x24292f, Ground: 0xfbfbf8, Faint: 0x666c76} }

// Cells of a picture, in pixels.
const (
	cellWidth, cellHeight = 8.4, 17.0
	margin                = 14.0
	baseline              = 13.0
)

// SVG draws a frame of lines with escape sequences.
func SVG(frame, title string, p Paper) string {
	rows := [][]cell{}
	width := 0
	for line := range strings.SplitSeq(strings.TrimRight(frame, "\n"), "\n") {
		row := parse(line, p)
		rows, width = append(rows, row), max(width, len(row))
	}
	w, h := float64(width)*cellWidth+2*margin, float64(len(rows))*cellHeight+2*margin
	var b strings.Builder
	name := html.EscapeString(title)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img" aria-label="%s"><title>%s</title>`, w, h, w, h, name, name)
	fmt.Fprintf(&b, "\n"+`<rect width="100%%" height="100%%" rx="8" fill="#%06x"/><g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" fill="#%06x">`, p.Ground, p.Ink)
	d := drawing{shapes: map[uint32]*strings.Builder{}}
	for y, row := range rows {
		d.grounds(&b, row, y)
		b.WriteByte('\n')
		d.words(&b, row, y, p.Ink)
	}
	for _, ink := range d.inks() {
		fmt.Fprintf(&b, "\n"+`<path fill="#%06x" d="%s"/>`, ink, d.shapes[ink])
	}
	b.WriteString("</g></svg>\n")
	return b.String()
}

// cell is one cell; the second of a wide letter has no rune.
type cell struct {
	letter string
	style
}

type style struct {
	ink, ground uint32
	filled      bool // it has a ground of its own
	bold        bool
}

// parse reads a line: text, and the escapes that the theme writes.
func parse(line string, p Paper) (row []cell) {
	plain := style{ink: p.Ink, ground: p.Ground}
	now, state := plain, byte(0)
	for len(line) > 0 {
		seq, width, n, next := ansi.DecodeSequence(line, state, nil)
		line, state = line[n:], next
		switch {
		case strings.HasPrefix(seq, "\x1b[") && strings.HasSuffix(seq, "m"):
			now = now.with(strings.Split(strings.Trim(seq, "\x1b[m"), ";"), plain, p)
		case width > 0:
			row = append(row, cell{seq, now})
			for range width - 1 {
				row = append(row, cell{"", now})
			}
		}
	}
	return row
}

func (s style) with(codes []string, plain style, p Paper) style {
	for i := 0; i < len(codes); i++ {
		switch code := codes[i]; {
		case code == "" || code == "0":
			s = plain
		case code == "1":
			s.bold = true
		case code == "2":
			s.ink = p.Faint
		case code == "7":
			s.ink, s.ground, s.filled = s.ground, s.ink, true
		case (code == "38" || code == "48") && i+2 < len(codes):
			n, _ := strconv.ParseUint(codes[i+2], 10, 8)
			if code == "38" {
				s.ink = palette(uint32(n))
			} else {
				s.ground, s.filled = palette(uint32(n)), true
			}
			i += 2
		}
	}
	return s
}

// palette is the colour cube and the greys of a terminal with 256 colours.
func palette(n uint32) uint32 {
	if n >= 232 {
		grey := 8 + 10*(n-232)
		return grey<<16 | grey<<8 | grey
	}
	level := func(v uint32) uint32 {
		if v == 0 {
			return 0
		}
		return 55 + 40*v
	}
	n = max(n, 16) - 16
	return level(n/36)<<16 | level(n/6%6)<<8 | level(n%6)
}

// drawing gathers the shapes, by colour.
type drawing struct{ shapes map[uint32]*strings.Builder }

func (d drawing) inks() (inks []uint32) {
	for ink := range d.shapes {
		inks = append(inks, ink)
	}
	slices.Sort(inks)
	return inks
}

func (d drawing) grounds(b *strings.Builder, row []cell, y int) {
	for x := 0; x < len(row); {
		end := x + 1
		for end < len(row) && row[end].style == row[x].style {
			end++
		}
		if row[x].filled {
			fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.0f" fill="#%06x"/>`,
				margin+float64(x)*cellWidth, margin+float64(y)*cellHeight, float64(end-x)*cellWidth, cellHeight, row[x].ground)
		}
		x = end
	}
}

// words places every word at its own column, as wide as its cells.
func (d drawing) words(b *strings.Builder, row []cell, y int, ink uint32) {
	for x := 0; x < len(row); {
		c := row[x]
		switch {
		case c.letter == "" || c.letter == " ":
			x++
			continue
		case len(shapesOf(c.letter)) > 0:
			d.shape(c, x, y)
			x++
			continue
		}
		end, word := x, ""
		for end < len(row) && row[end].style == c.style && row[end].letter != " " && len(shapesOf(row[end].letter)) == 0 {
			word += row[end].letter
			end++
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" textLength="%.1f" lengthAdjust="spacingAndGlyphs"`,
			margin+float64(x)*cellWidth, margin+float64(y)*cellHeight+baseline, float64(end-x)*cellWidth)
		if c.ink != ink {
			fmt.Fprintf(b, ` fill="#%06x"`, c.ink)
		}
		if c.bold {
			b.WriteString(` font-weight="bold"`)
		}
		b.WriteString(">" + html.EscapeString(word) + "</text>")
		x = end
	}
}

func (d drawing) shape(c cell, x, y int) {
	b := d.shapes[c.ink]
	if b == nil {
		b = &strings.Builder{}
		d.shapes[c.ink] = b
	}
	for _, r := range shapesOf(c.letter) {
		fmt.Fprintf(b, "M%.1f %.1fh%.1fv%.1fh%.1fz", margin+(float64(x)+r.x)*cellWidth, margin+(float64(y)+r.y)*cellHeight, r.w*cellWidth, r.h*cellHeight, -r.w*cellWidth)
	}
}

// rect is a part of a cell, whose sides are 1.
type rect struct{ x, y, w, h float64 }

// Strokes of lines, as parts of a cell.
const (
	upright, level = 0.12, 0.06
	heavy          = 0.16
)

// shapesOf returns the parts of a sign that is drawn; nil: it is a letter.
func shapesOf(letter string) []rect {
	across, down := rect{0, 0.5 - level/2, 1, level}, rect{0.5 - upright/2, 0, upright, 1}
	right, left := rect{0.5 - upright/2, 0.5 - level/2, 0.5 + upright/2, level}, rect{0, 0.5 - level/2, 0.5 + upright/2, level}
	below, above := rect{0.5 - upright/2, 0.5, upright, 0.5}, rect{0.5 - upright/2, 0, upright, 0.5}
	r := []rune(letter)
	if len(r) != 1 {
		return nil
	}
	switch c := r[0]; {
	case c == '─':
		return []rect{across}
	case c == '━':
		return []rect{{0, 0.5 - heavy/2, 1, heavy}}
	case c == '│':
		return []rect{down}
	case c == '┤':
		return []rect{down, left}
	case c == '╭':
		return []rect{right, below}
	case c == '╮':
		return []rect{left, below}
	case c == '╰':
		return []rect{right, above}
	case c == '╯':
		return []rect{left, above}
	case c == '▌':
		return []rect{{0, 0, 0.5, 1}}
	case c >= '▁' && c <= '█':
		h := float64(c-'▁'+1) / 8
		return []rect{{0, 1 - h, 1, h}}
	case c > 0x2800 && c <= 0x28ff:
		return dots(c)
	}
	return nil
}

// dots are those of a Braille sign (Unicode chapter 21.1).
func dots(c rune) (all []rect) {
	for bit, at := range [8][2]float64{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {0, 3}, {1, 3}} {
		if c&(1<<bit) != 0 {
			all = append(all, rect{at[0]/2 + 0.1, at[1]/4 + 0.05, 0.3, 0.15})
		}
	}
	return all
}
