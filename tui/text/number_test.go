package text_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bandeja/inboxd/tui/text"
)

func TestNumbers(t *testing.T) {
	t.Parallel()

	for want, n := range map[string]int64{"0": 0, "9999": 9999, "10.0k": 10_000, "14.9k": 14_912, "999k": 999_499, "1.00M": 999_500, "1.28M": 1_280_000} {
		require.Equal(t, want, text.Count(n))
	}
	for want, ms := range map[string]float64{
		"0ms": 0, "0.42ms": 0.42, "45ms": 45, "45.1ms": 45.1, "100ms": 99.96, "130ms": 130, "1.24s": 1240, "38.9s": 38_900, "1.00s": 999.7,
		"1m16s": 76_000, "1m00s": 59_960, "2h05m": 7_500_000, "3d04h": 273_600_000, "400d": 400 * 86_400_000,
	} {
		require.Equal(t, want, text.Millis(ms))
	}
	for want, rate := range map[string]float64{"0": 0, "<0.1": 0.01, "6.0": 6, "99.9": 99.9, "118": 118.2, "12.3k": 12_345} {
		require.Equal(t, want, text.Rate(rate))
	}
	require.Equal(t, "14s", text.Age(14*time.Second+900*time.Millisecond))
	require.Equal(t, "2m05s", text.Age(125*time.Second))
	require.Equal(t, "0s", text.Age(-time.Second))
}

// A number wider than its column would lose digits, and so lie.
func TestNumbersFitTheirColumns(t *testing.T) {
	t.Parallel()

	for _, v := range []float64{math.Inf(1), math.NaN(), -1, math.MaxFloat64} {
		require.LessOrEqual(t, len(text.Millis(v)), 9)
		require.LessOrEqual(t, len(text.Rate(v)), 5)
	}
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Float64Range(0, 365*86_400_000).Draw(t, "ms")
		if got := text.Millis(ms); len(got) > 6 {
			t.Fatalf("%f ms is drawn as %q", ms, got)
		}
		if got := text.Count(rapid.Int64().Draw(t, "n")); len(got) > 5 {
			t.Fatalf("count is drawn as %q", got)
		}
		if got := text.Rate(rapid.Float64().Draw(t, "rate")); len(got) > 5 {
			t.Fatalf("rate is drawn as %q", got)
		}
	})
}
