package cli

import (
	"math"
	"strings"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// chart draws how times are spread, on one logarithmic scale for all lines, so
// that they can be compared by eye: a column is twice as long as the one before.
type chart struct {
	first, last int // columns, by the power of two of the first bar
	levels      []string
}

// firstBelow is where the first bar of the contract ends, in milliseconds.
const firstBelow = 1.024

func newChart(items []admin.LatencyItem, ascii bool) chart {
	c := chart{first: math.MaxInt, levels: strings.Split("▁▂▃▄▅▆▇█", "")}
	if ascii {
		c.levels = strings.Split(".:-=+*#@", "")
	}
	for _, i := range items {
		if len(i.Bars) > 0 {
			c.first = min(c.first, power(i.Bars[0]))
			c.last = max(c.last, power(i.Bars[len(i.Bars)-1]))
		}
	}
	return c
}

func power(b admin.Bar) int {
	return int(math.Round(math.Log2(math.Max(b.BelowMS, firstBelow) / firstBelow)))
}

// title says where the scale begins and ends.
func (c chart) title() string {
	if c.first > c.last {
		return "SPREAD"
	}
	from := firstBelow / 2 * math.Exp2(float64(c.first))
	if c.first == 0 {
		from = 0
	}
	return text.Millis(math.Floor(from)) + " TO " + text.Millis(math.Floor(firstBelow*math.Exp2(float64(c.last))))
}

// draw writes one character per column. The largest is full, and what is not
// empty is never drawn as if it were.
func (c chart) draw(bars []admin.Bar) string {
	var most int64
	for _, b := range bars {
		most = max(most, b.N)
	}
	if most == 0 || c.first > c.last {
		return ""
	}
	cells := make([]string, c.last-c.first+1)
	for i := range cells {
		cells[i] = " "
	}
	for _, b := range bars {
		if i := power(b) - c.first; b.N > 0 && i >= 0 && i < len(cells) {
			top := len(c.levels) - 1
			cells[i] = c.levels[min(int(math.Round(float64(b.N)/float64(most)*float64(top))), top)]
		}
	}
	return strings.TrimRight(strings.Join(cells, ""), " ")
}
