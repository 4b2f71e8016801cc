package latency_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/daemon/internal/latency"
)

// samples draws durations of a shape that is hard on histograms.
func samples(t *rapid.T) []time.Duration {
	n := rapid.IntRange(0, 2000).Draw(t, "n")
	shape := rapid.SampledFrom([]string{"two peaks", "heavy tail", "constant", "uniform", "tiny", "powers"}).Draw(t, "shape")
	u := rapid.Float64Range(1e-9, 1)
	base := rapid.Int64Range(1, 5e9).Draw(t, "base")
	all := make([]time.Duration, n)
	for i := range all {
		var us float64
		switch shape {
		case "two peaks":
			us = float64(base) * (1 + u.Draw(t, "u")/100)
			if i%2 == 0 {
				us *= 1000
			}
		case "heavy tail":
			us = float64(base) / math.Pow(u.Draw(t, "u"), 1.5)
		case "constant":
			us = float64(base)
		case "uniform":
			us = u.Draw(t, "u") * float64(base)
		case "tiny":
			us = u.Draw(t, "u") * 100
		case "powers":
			us = math.Exp2(float64(rapid.IntRange(0, 42).Draw(t, "power"))) + float64(rapid.IntRange(-1, 1).Draw(t, "off"))
		}
		all[i] = time.Duration(min(us, 8e12)) * time.Microsecond
	}
	return all
}

// near requires got within the promised 5 % of the exact nearest-rank quantile.
func near(t require.TestingT, exact []time.Duration, q float64, got time.Duration) {
	want := exact[max(int(math.Ceil(q*float64(len(exact)))), 1)-1]
	require.InDelta(t, want.Seconds(), got.Seconds(), 0.05*want.Seconds(), "P%v of %d", q*100, len(exact))
}

// Whoever decides by a P99 must be able to trust it, whatever the shape of the
// data: 5 % by construction, and n to the last one.
func TestQuantilesAreWithinFivePercent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := samples(t)
		var whole, left, right latency.Histogram
		for i, d := range all {
			whole.Add(d)
			if i%3 == 0 {
				left.Add(d)
			} else {
				right.Add(d)
			}
		}
		left.Merge(right)
		require.Equal(t, whole, left, "a merge loses nothing")
		require.EqualValues(t, len(all), whole.N())
		slices.Sort(all)
		for _, q := range []float64{0, 0.01, 0.5, 0.95, 0.99, 0.999, 1} {
			got, ok := whole.Quantile(q)
			require.Equal(t, len(all) > 0, ok, "null only at n = 0")
			if ok {
				near(t, all, q, got)
			}
		}
		var drawn int64
		for _, o := range whole.Octaves() {
			drawn += o.N
		}
		require.EqualValues(t, len(all), drawn)
	})
}

// The roll-ups are counted by the database, by these floors: both must agree on
// every value.
func TestFloorsAreThoseOfTheBuckets(t *testing.T) {
	t.Parallel()
	floors := latency.Floors()
	require.Len(t, floors, latency.Buckets)
	require.True(t, slices.IsSorted(floors))
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.Int64Range(0, 1<<50).Draw(t, "us")
		var h latency.Histogram
		h.Add(time.Duration(us) * time.Microsecond)
		i, found := slices.BinarySearch(floors, us)
		if !found {
			i--
		}
		require.EqualValues(t, i, h[0].Bucket)
	})
}
