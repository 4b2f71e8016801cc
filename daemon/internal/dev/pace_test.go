package dev

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPaceKeepsItsSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 9995*time.Millisecond)
		defer cancel()
		began := time.Now()
		n := pace(ctx, 100, func(i int) {
			due := time.Duration(i) * 10 * time.Millisecond
			require.GreaterOrEqual(t, time.Since(began)+time.Microsecond, due)
			if i == 100 {
				wait(t.Context(), 3*time.Second) // a slow moment must not lower the rate
			}
		})
		require.Equal(t, 1000, n)
		require.Equal(t, 9995*time.Millisecond, time.Since(began))
	})
}

func TestPaceWithoutRateWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.Zero(t, pace(ctx, 0, func(int) { t.Error("called") }))
	})
}

func TestSpreadIsEven(t *testing.T) {
	t.Parallel()
	require.Equal(t, []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second}, spread(20*time.Second, 3))
	require.Empty(t, spread(time.Minute, 0))
}

func TestMishapsHappenInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var at []time.Duration
		began := time.Now()
		note := func(context.Context) error { at = append(at, time.Since(began)); return nil }
		require.NoError(t, befall(ctx, []mishap{{time.Second, note}, {4 * time.Second, note}, {time.Minute, note}}))
		require.Equal(t, []time.Duration{time.Second, 4 * time.Second}, at, "what is due after the end does not happen")
	})
}
