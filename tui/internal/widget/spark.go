package widget

import (
	"math"
	"strings"

	"github.com/bandeja/inboxd/tui/internal/theme"
)

// Spark draws values as at most width bars, the newest at the right, between the
// lowest of them and the highest: full bars in row after row run together, and it
// is the shape that says where it goes. What is not known is a blank; what never
// moves is a flat line. Of values that share a bar the highest stays.
func Spark(g theme.Glyphs, values []*float64, width int) string {
	bars := []rune(g.Bars)
	if len(values) > width {
		values = resample(values, width)
	}
	low, top := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v != nil {
			low, top = min(low, *v), max(top, *v)
		}
	}
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", max(width-len(values), 0)))
	for _, v := range values {
		switch {
		case v == nil:
			b.WriteByte(' ')
		case top <= low:
			b.WriteRune(bars[0])
		default:
			at := int(math.Round((*v - low) / (top - low) * float64(len(bars)-1)))
			b.WriteRune(bars[min(max(at, 0), len(bars)-1)])
		}
	}
	return b.String()
}

// Bar draws a share, 0..1, in at most width cells, without what is left. Anything
// above 0 shows at least one.
func Bar(g theme.Glyphs, share float64, width int) string {
	full := int(math.Round(share * float64(width)))
	if share > 0 {
		full = max(full, 1)
	}
	return strings.Repeat(g.Full, min(max(full, 0), max(width, 0)))
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
