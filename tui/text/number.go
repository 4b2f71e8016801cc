package text

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Count writes a number in at most five cells: 9999, 14.9k, 1.28M.
func Count(n int64) string {
	switch {
	case n < 0:
		return "0"
	case n < 10_000:
		return strconv.FormatInt(n, 10)
	}
	value := float64(n)
	for _, unit := range []string{"k", "M", "G", "T"} {
		value /= 1000
		if value < 999.5 {
			return three(value) + unit
		}
	}
	return "many"
}

// Rate writes events per second in at most five cells.
func Rate(perSecond float64) string {
	switch {
	case math.IsNaN(perSecond) || perSecond <= 0:
		return "0"
	case perSecond < 0.05:
		return "<0.1"
	case perSecond < 99.95:
		return strconv.FormatFloat(perSecond, 'f', 1, 64)
	case perSecond >= math.MaxInt64/2:
		return "many"
	}
	return Count(int64(math.Round(perSecond)))
}

// Millis writes a duration given in milliseconds in at most six cells: 0.42ms,
// 45ms, 1.24s, 38.9s, 1m16s, 2h05m, 3d04h. Whole milliseconds get no decimals:
// most were never measured finer.
func Millis(ms float64) string {
	switch {
	case math.IsNaN(ms) || ms <= 0:
		return "0ms"
	case ms < 99.95 && ms != math.Trunc(ms):
		return three(ms) + "ms"
	case ms < 999.5:
		return strconv.FormatFloat(ms, 'f', 0, 64) + "ms"
	case ms < 59_950:
		return three(ms/1000) + "s"
	}
	seconds := int64(math.Round(min(ms, 1e14) / 1000))
	switch {
	case seconds < 3600:
		return fmt.Sprintf("%dm%02ds", seconds/60, seconds%60)
	case seconds < 86_400:
		return fmt.Sprintf("%dh%02dm", seconds/3600, seconds%3600/60)
	case seconds < 100*86_400:
		return fmt.Sprintf("%dd%02dh", seconds/86_400, seconds%86_400/3600)
	}
	return fmt.Sprintf("%dd", seconds/86_400)
}

// Age writes how old something is in whole seconds: 1s, 14s, 2m05s.
func Age(d time.Duration) string {
	if d < time.Minute {
		return strconv.Itoa(int(max(d, 0)/time.Second)) + "s"
	}
	return Millis(float64(d.Truncate(time.Second).Milliseconds()))
}

// three writes a number below 1000 with three significant digits.
func three(v float64) string {
	switch {
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}
