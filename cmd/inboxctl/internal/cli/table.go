package cli

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/bandeja/inboxd/tui/text"
)

// column is one column of a table; cell gets the server's clock so that
// relative times do not depend on ours.
type column[T any] struct {
	name  string
	wide  bool // only with -o wide
	right bool // a number
	cell  func(item T, asOf time.Time) string
}

// gap is between two columns.
const gap = "  "

func writeTable[T any](b *bytes.Buffer, columns []column[T], items []T, asOf time.Time, wide, header bool) {
	var shown []column[T]
	for _, c := range columns {
		if wide || !c.wide {
			shown = append(shown, c)
		}
	}
	var rows [][]string
	if header {
		names := make([]string, len(shown))
		for i, c := range shown {
			names[i] = c.name
		}
		rows = append(rows, names)
	}
	for _, item := range items {
		row := make([]string, len(shown))
		for i, c := range shown {
			row[i] = orElse(text.Clean(c.cell(item, asOf)), "-")
		}
		rows = append(rows, row)
	}
	right := make([]bool, len(shown))
	for i, c := range shown {
		right[i] = c.right
	}
	writeRows(b, rows, right)
}

func writeRows(b *bytes.Buffer, rows [][]string, right []bool) {
	widths := make([]int, len(right))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], text.Width(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString(gap)
			}
			if right[i] {
				line.WriteString(text.FillRight(cell, widths[i], ""))
			} else {
				line.WriteString(text.Fill(cell, widths[i], ""))
			}
		}
		fmt.Fprintln(b, strings.TrimRight(line.String(), " "))
	}
}

// pair is one line of what is known about one thing.
type pair struct{ name, value string }

// writePairs leaves out what is not known.
func writePairs(b *bytes.Buffer, pairs ...pair) {
	width := 0
	for _, p := range pairs {
		if p.value != "" {
			width = max(width, len(p.name))
		}
	}
	for _, p := range pairs {
		if p.value != "" {
			fmt.Fprintf(b, "%-*s  %s\n", width, p.name, text.Clean(p.value))
		}
	}
}
