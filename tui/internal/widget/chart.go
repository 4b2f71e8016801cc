package widget

import (
	"math"
	"strings"

	"github.com/bandeja/inboxd/tui/internal/theme"
	"github.com/bandeja/inboxd/tui/text"
)

// axis is how many cells the labels of a Chart's vertical axis take.
const axis = 8

// Chart draws values over time in height lines of width cells, the newest at
// the right end: dots where there is a value, and a label at the top and the
// bottom. Label writes a value.
func Chart(th theme.Theme, values []*float64, width, height int, label func(float64) string) []string {
	room := width - axis
	if room < 4 || height < 2 {
		return nil
	}
	values = resample(values, room*2)
	top := 0.0
	for _, v := range values {
		if v != nil {
			top = max(top, *v)
		}
	}
	if top <= 0 || label(top) == label(0) { // less than one is not to be told from none
		top = max(top, 1)
	}
	cells := plot(values, top, room, height, th.Glyphs.Dots)
	lines := make([]string, height)
	for row := range height {
		name := ""
		switch row {
		case 0:
			name = label(top)
		case height / 2:
			if name = label(top * float64(height-row) / float64(height)); name == label(top) || name == label(0) {
				name = "" // counts as small as these have no half
			}
		case height - 1:
			name = "0"
		}
		lines[row] = th.Paint(theme.Dim, text.FillRight(name, axis-2, "")+" "+th.Glyphs.Tick) + strings.TrimRight(string(cells[row]), " ")
	}
	return lines
}

// resample stretches or folds values to n points. Between two that are known the
// way is straight; of several that share a point the highest stays, because
// peaks are what people look for.
func resample(values []*float64, n int) []*float64 {
	if len(values) == 0 || len(values) == n {
		return values
	}
	if n > len(values) {
		return stretch(values, n)
	}
	out := make([]*float64, n)
	for i := range out {
		from, to := i*len(values)/n, max((i+1)*len(values)/n, i*len(values)/n+1)
		for _, v := range values[from:min(to, len(values))] {
			if v != nil && (out[i] == nil || *v > *out[i]) {
				out[i] = v
			}
		}
	}
	return out
}

func stretch(values []*float64, n int) []*float64 {
	out := make([]*float64, n)
	for i := range out {
		at := float64(i) * float64(len(values)-1) / float64(n-1)
		low := int(at)
		out[i] = values[low]
		if next := min(low+1, len(values)-1); values[low] != nil && values[next] != nil {
			v := *values[low] + (*values[next]-*values[low])*(at-float64(low))
			out[i] = &v
		}
	}
	return out
}

// plot puts points into cells: with Braille two columns and four rows of dots
// in each, else one point per cell.
func plot(values []*float64, top float64, width, height int, dots bool) [][]rune {
	cells := make([][]rune, height)
	for i := range cells {
		cells[i] = []rune(strings.Repeat(" ", width))
	}
	if len(values) == 0 {
		return cells
	}
	fine := 4
	if !dots {
		fine = 1
	}
	levels := height*fine - 1
	for i, v := range values {
		x := i * width * 2 / len(values)
		if v == nil || x/2 >= width {
			continue
		}
		y := levels - int(math.Round(min(*v/top, 1)*float64(levels)))
		cell := &cells[y/fine][x/2]
		if !dots {
			*cell = '*'
			continue
		}
		if *cell == ' ' {
			*cell = brailleBlank
		}
		*cell |= brailleDot(x%2, y%fine)
	}
	return cells
}

const brailleBlank = '\u2800'

// brailleDot is the bit of a dot, column 0..1, row 0..3 from the top (Unicode
// chapter 21.1).
func brailleDot(column, row int) rune {
	if row == 3 {
		return 0x40 << column
	}
	return 1 << (row + 3*column)
}
