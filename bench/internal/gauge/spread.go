package gauge

import (
	"slices"
	"time"
)

// At returns the q-th quantile (0..1) of d in milliseconds; 0 without any. It
// sorts d.
func At(d []time.Duration, q float64) float64 {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return float64(d[int(q*float64(len(d)-1))].Nanoseconds()) / 1e6
}
