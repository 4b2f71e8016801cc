// Package report holds what was measured and writes it down: one JSON file with
// every single value and one page for people. It owns how figures are summed up
// (median, least and most of the rounds); it refuses to measure.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Report is one run.
type Report struct {
	Machine Machine  `json:"machine"`
	At      string   `json:"at"`
	Quick   bool     `json:"quick"`
	Rounds  int      `json:"rounds"`
	TookMS  int64    `json:"took_ms"`
	Targets []Target `json:"targets"`
	Tables  []*Table `json:"tables"`
}

// Machine is what everything ran on.
type Machine struct {
	Processor   string `json:"processor"`
	Cores       int    `json:"cores"`
	MemoryGiB   int    `json:"memory_gib"`
	System      string `json:"system"`
	Go          string `json:"go"`
	Postgres    string `json:"postgres"`
	Redis       string `json:"redis"`
	Commit      string `json:"commit"`
	LoadBefore  string `json:"load_before"`
	LoadAfter   string `json:"load_after"`
	FlushMicros int64  `json:"flush_micros"` // one write and fsync of 8 KiB
}

// Table is one measurement: a row per contender or case, the same columns for
// each.
type Table struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Intro   string   `json:"intro"`
	Columns []Column `json:"columns"`
	Rows    []*Row   `json:"rows"`
}

// Column is one figure of each row.
type Column struct {
	Key    string `json:"key"`
	Title  string `json:"title"`
	Digits int    `json:"digits"`
}

// Row is one contender or case.
type Row struct {
	Name    string            `json:"name"`
	Note    string            `json:"note,omitempty"`
	Figures map[string]Figure `json:"figures"`
}

// Figure holds the values of all rounds, in their order.
type Figure []float64

// Add puts one more value into a row, which it makes if there is none.
func (t *Table) Add(row, column string, value float64) {
	r := t.Row(row)
	r.Figures[column] = append(r.Figures[column], value)
}

// Row returns the row of that name, new if there is none.
func (t *Table) Row(name string) *Row {
	for _, r := range t.Rows {
		if r.Name == name {
			return r
		}
	}
	r := &Row{Name: name, Figures: map[string]Figure{}}
	t.Rows = append(t.Rows, r)
	return r
}

// Figure returns the values of a cell; none if it is empty.
func (t *Table) Figure(row, column string) Figure {
	for _, r := range t.Rows {
		if r.Name == row {
			return r.Figures[column]
		}
	}
	return nil
}

// Median returns the middle value, the mean of two middle ones; NaN without any.
func (f Figure) Median() float64 {
	if len(f) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(f))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// Over returns the ratio to other of each round: both were measured one after
// the other, so what the machine was busy with besides weighs on both.
func (f Figure) Over(other Figure) (ratios Figure) {
	for i := range min(len(f), len(other)) {
		if other[i] != 0 {
			ratios = append(ratios, f[i]/other[i])
		}
	}
	return ratios
}

// Show writes the median, and the least and the most if they differ.
func (f Figure) Show(digits int) string {
	if len(f) == 0 {
		return "–"
	}
	middle, least, most := number(f.Median(), digits), number(slices.Min(f), digits), number(slices.Max(f), digits)
	if least == most {
		return middle
	}
	return fmt.Sprintf("%s (%s–%s)", middle, least, most)
}

// number groups thousands with commas.
func number(v float64, digits int) string {
	text := strconv.FormatFloat(v, 'f', digits, 64)
	whole, part, _ := strings.Cut(text, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if part != "" {
		part = "." + part
	}
	return sign + whole + part
}

// JSON writes the report with every value.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Took sets how long the run lasted.
func (r *Report) Took(d time.Duration) { r.TookMS = d.Milliseconds() }
