package dev

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestKillsAreEven(t *testing.T) {
	t.Parallel()
	require.Equal(t, []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second}, evenly(20*time.Second, 3))
	require.Empty(t, evenly(time.Minute, 0))
}

func TestFaultsHappenInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var at []time.Duration
		began := time.Now()
		note := func(context.Context) error { at = append(at, time.Since(began)); return nil }
		require.NoError(t, inject(ctx, []fault{{time.Second, note}, {4 * time.Second, note}, {time.Minute, note}}))
		require.Equal(t, []time.Duration{time.Second, 4 * time.Second}, at, "what is due after the end does not happen")
	})
}
