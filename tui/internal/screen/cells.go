package screen

import (
	"strconv"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/internal/widget"
	"github.com/bandeja/inboxd/tui/text"
	"github.com/bandeja/inboxd/tui/triage"
)

// plain is a cell in the ordinary look.
func plain(s string) widget.Cell { return widget.Cell{Text: s} }

// unknown is the cell of what is not known: never a 0.
func unknown(g theme.Glyphs) widget.Cell { return widget.Cell{Text: g.Unknown, Role: theme.Dim} }

// alarm flags a cell when it is bad. A sign says so, never a colour alone.
func alarm(c widget.Cell, bad bool, role theme.Role) widget.Cell {
	if bad {
		return widget.Cell{Text: c.Text + "!", Role: role}
	}
	return c
}

func count(n int64) widget.Cell { return plain(text.Count(n)) }

// counter is a count that may not be known.
func counter(n *int64, g theme.Glyphs) widget.Cell {
	if n == nil {
		return unknown(g)
	}
	return count(*n)
}

// trouble is a count that should be 0.
func trouble(n int64) widget.Cell { return alarm(count(n), n > 0, theme.Warn) }

func spanOf(ms *int64, g theme.Glyphs) widget.Cell {
	if ms == nil {
		return unknown(g)
	}
	return plain(text.Millis(float64(*ms)))
}

func perSecond(v *float64, g theme.Glyphs) widget.Cell {
	if v == nil {
		return unknown(g)
	}
	return plain(text.Rate(*v))
}

func share(v *float64, g theme.Glyphs) widget.Cell {
	if v == nil {
		return unknown(g)
	}
	return plain(Percent(*v))
}

// Percent writes a share, 0..1: 100%, 97.1%, 27%. It never rounds up to 100.
func Percent(v float64) string {
	p := 100 * v
	switch {
	case p >= 100 || p <= 0 || p == float64(int(p)):
		return strconv.Itoa(int(p)) + "%"
	case p > 90:
		return strconv.FormatFloat(min(float64(int(p*10))/10, 99.9), 'f', 1, 64) + "%"
	}
	return strconv.FormatFloat(p, 'f', 0, 64) + "%"
}

func millis(ms *float64, g theme.Glyphs) widget.Cell {
	if ms == nil {
		return unknown(g)
	}
	return plain(text.Millis(*ms))
}

// tail is the cell of a P99: below enough samples it is the largest value with
// another name, and is not drawn.
func tail(t admin.Triple, g theme.Glyphs) widget.Cell {
	if t.P99MS != nil && t.N < enough {
		return widget.Cell{Text: g.Few, Role: theme.Dim}
	}
	return millis(t.P99MS, g)
}

func waited(ms *int64, paused bool, g theme.Glyphs) widget.Cell {
	return alarm(spanOf(ms, g), ms != nil && !paused && *ms >= triage.TooOld.Milliseconds(), theme.Crit)
}

// drains answers whether it is getting better.
func drains(q admin.TopQueue, g theme.Glyphs) widget.Cell {
	switch {
	case q.Paused != nil:
		return widget.Cell{Text: "paused", Role: theme.Warn}
	case q.DrainsMS == nil:
		return unknown(g)
	case *q.DrainsMS < 0:
		return widget.Cell{Text: "never!", Role: theme.Crit}
	case *q.DrainsMS < 1000:
		return plain("<1s")
	}
	return plain(text.Millis(float64(*q.DrainsMS)))
}

// number makes a right-aligned column that sorts by a value.
func number[T any](title, name string, width, rank int, value func(T) *float64, cell func(T, theme.Glyphs) widget.Cell) column[T] {
	return column[T]{
		Column: widget.Column{Title: title, Width: width, Rank: rank, Right: true}, name: name, value: value, cell: cell,
	}
}

// counted is a number column of a count.
func counted[T any](title, name string, width, rank int, of func(T) int64, cell func(int64) widget.Cell) column[T] {
	return number(title, name, width, rank,
		func(r T) *float64 { return new(float64(of(r))) },
		func(r T, _ theme.Glyphs) widget.Cell { return cell(of(r)) })
}

// named is a left-aligned column of words that sorts by them.
func named[T any](title, name string, width, most, rank int, of func(T) string, cell func(T, theme.Glyphs) widget.Cell) column[T] {
	if cell == nil {
		cell = func(r T, _ theme.Glyphs) widget.Cell { return plain(of(r)) }
	}
	return column[T]{
		Column: widget.Column{Title: title, Width: width, Most: most, Rank: rank}, name: name, word: of, ascending: true, cell: cell,
	}
}

func float(n *int64) *float64 {
	if n == nil {
		return nil
	}
	return new(float64(*n))
}
