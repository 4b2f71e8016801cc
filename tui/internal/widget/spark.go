package widget

import (
	"math"
	"strings"

	"github.com/bandeja/inboxd/tui/internal/theme"
)

// Spark draws values as at most width bars, the newest at the right, each
// against the highest of them. What is not known is a blank; nothing but zeros is
// a flat line. Of values that share a bar the highest stays.
func Spark(g theme.Glyphs, values []*float64, width int) string {
	bars := []rune(g.Bars)
	if len(values) > width {
		values = resample(values, width)
	}
	top := 0.0
	for _, v := range values {
		if v != nil {
			top = max(top, *v)
		}
	}
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", max(width-len(values), 0)))
	for _, v := range values {
		switch {
		case v == nil:
			b.WriteByte(' ')
		case top <= 0:
			b.WriteRune(bars[0])
		default:
			at := int(math.Round(*v / top * float64(len(bars)-1)))
			b.WriteRune(bars[min(max(at, 0), len(bars)-1)])
		}
	}
	return b.String()
}

// Gauge draws a share, 0..1, as a bar of width cells. Anything above 0 shows at
// least one, and only what is full looks full.
func Gauge(g theme.Glyphs, share float64, width int) string {
	full := int(math.Round(share * float64(width)))
	if share > 0 {
		full = max(full, 1)
	}
	if share < 1 {
		full = min(full, width-1)
	}
	full = min(max(full, 0), width)
	return strings.Repeat(g.Full, full) + strings.Repeat(g.Rest, width-full)
}
