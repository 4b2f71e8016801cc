package lane_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/daemon/internal/lane"
)

func newBreaker() (b lane.Breaker, pass func(time.Duration)) {
	at := time.Unix(1_800_000_000, 0)
	b = lane.NewBreaker(lane.BreakerOptions{Now: func() time.Time { return at }})
	return b, func(d time.Duration) { at = at.Add(d) }
}

// One failure is no outage, three in a row are; the way back is a ramp, and a
// failure on it begins it anew. Without this Redis would get everything back at
// the first sign of life.
func TestBreakerOpensAndRamps(t *testing.T) {
	t.Parallel()
	b, pass := newBreaker()
	gone := errors.New("connection refused")
	b.Note(gone, 0)
	b.Note(gone, 0)
	b.Note(nil, time.Millisecond)
	b.Note(context.Canceled, 0)
	b.Note(gone, 0)
	b.Note(gone, 0)
	require.Equal(t, 100, b.Share())
	b.Note(gone, 0)
	require.Zero(t, b.Share())
	pass(time.Hour)
	require.Zero(t, b.Share(), "nobody has heard from it")
	b.Note(nil, time.Millisecond)
	pass(9 * time.Second)
	require.Zero(t, b.Share())
	pass(time.Second)
	require.Equal(t, 10, b.Share())
	pass(5 * time.Second)
	require.Equal(t, 50, b.Share())
	for range 3 {
		b.Note(gone, 0)
	}
	require.Zero(t, b.Share())
	b.Note(nil, time.Millisecond)
	pass(10 * time.Second)
	require.Equal(t, 10, b.Share())
	pass(10 * time.Second)
	require.Equal(t, 100, b.Share())
}

// An api hands nothing out and never asks for a share: its breaker must close
// all the same, or operators see Redis down for ever.
func TestBreakerClosesByAnswersAlone(t *testing.T) {
	t.Parallel()
	b, pass := newBreaker()
	for range 3 {
		b.Note(errors.New("refused"), 0)
	}
	require.True(t, b.IsOpen())
	b.Note(nil, time.Millisecond)
	pass(10 * time.Second)
	b.Note(nil, time.Millisecond)
	require.False(t, b.IsOpen())
}

// A Redis that answers, but slowly, is worse than none: every hand-out waits.
func TestBreakerOpensWhenSlow(t *testing.T) {
	t.Parallel()
	b, pass := newBreaker()
	slow := func(n int) {
		for range n {
			b.Note(nil, 300*time.Millisecond)
		}
		pass(3 * time.Second)
		b.Note(nil, time.Millisecond)
	}
	slow(10)
	require.Equal(t, 100, b.Share(), "too few to judge")
	for range 30 {
		b.Note(nil, time.Millisecond)
	}
	slow(2)
	require.Equal(t, 100, b.Share(), "a moment's stall")
	slow(30)
	require.Zero(t, b.Share())
}
