package dev

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func frontStage(out *bytes.Buffer, script string) *stage {
	return &stage{
		options:  Options{Front: []string{"/bin/sh", "-c", script}, Stdout: out, Stderr: out},
		settings: readSettings([]string{"PATH=/usr/bin:/bin"}), socket: "/somewhere/admin.sock",
	}
}

// TestFrontFindsTheServer: inboxctl must talk to this play, whatever context
// the operator has.
func TestFrontFindsTheServer(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := frontStage(&out, `echo "$INBOXCTL_SERVER"`)
	s.say("this would spoil the screen")
	require.NoError(t, s.front(t.Context()))
	require.Equal(t, "unix:///somewhere/admin.sock\n", out.String())
	require.ErrorContains(t, frontStage(&out, "exit 3").front(t.Context()), "exit status 3")
}

// TestFrontMayPutTheTerminalBack: at the end of the play it is asked to leave,
// not killed.
func TestFrontMayPutTheTerminalBack(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var out bytes.Buffer
	require.NoError(t, frontStage(&out, `trap 'echo restored; exit 0' INT; while :; do sleep 0.05; done`).front(ctx))
	require.Equal(t, "restored\n", out.String())
}

// TestStrikeGoesBackwards: what was started last may need what was started
// first, and one failure must not leave the rest running.
func TestStrikeGoesBackwards(t *testing.T) {
	t.Parallel()
	var order []int
	s := &stage{}
	fault := errors.New("stuck")
	for i := range 3 {
		s.later(func(ctx context.Context) error {
			order = append(order, i)
			_, bounded := ctx.Deadline()
			require.True(t, bounded)
			require.NoError(t, ctx.Err(), "the end of the play is no reason not to clean up")
			if i == 2 {
				return fault
			}
			return nil
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.strike(ended), fault)
	require.Equal(t, []int{2, 1, 0}, order)
	require.NoError(t, s.strike(ended), "twice is harmless")
}
